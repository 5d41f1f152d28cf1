//! Running a prompt: its model request is handled as if it had been sent to the gateway.

use serde_json::Value;

use super::build_request;
use crate::call::Call;
use crate::gateway;
use crate::response::HandlerResult;
use crate::state::State;

pub(super) fn run(state: &mut State, call: &Call) -> HandlerResult {
    let request = Value::Object(build_request(state, call)?);
    match request["messages"].is_array() {
        true => gateway::chat(state, call, &request),
        false => gateway::text(state, call, &request),
    }
}
