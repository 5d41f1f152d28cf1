//! Running a prompt: what it comes to is answered as if it had been sent to the gateway.

use serde_json::Value;

use super::rendered;
use crate::call::Call;
use crate::gateway;
use crate::reply::Answer;
use crate::rooms::State;

pub(super) fn run(state: &mut State, call: &Call) -> Answer {
    let request = Value::Object(rendered(state, call)?);
    match request["messages"].is_array() {
        true => gateway::chat(state, call, &request),
        false => gateway::text(state, call, &request),
    }
}
