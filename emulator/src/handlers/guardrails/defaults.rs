//! Operations on the default guardrails, which apply to every request of the organisation.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::guardrails::defaults::Defaults;

impl Defaults {
    fn json(&self, state: &State) -> Value {
        let to_json = |list: &[String]| -> Value {
            let known = list.iter().filter_map(|id| state.guardrails.table.get(id));
            let items = known.map(|guardrail| json!({"id": guardrail.id, "slug": guardrail.slug}));
            items.collect()
        };
        json!({
            "input_guardrails": to_json(&self.input),
            "output_guardrails": to_json(&self.output),
        })
    }
}

/// Returns the UUIDs of the guardrails listed in a field of the body; `None` if it is absent.
fn parse_list(state: &State, call: &Call, name: &str) -> Result<Option<Vec<String>>, ApiError> {
    if call.body_field(name).is_none() {
        return Ok(None);
    }
    let items = call.body_items(name).iter().enumerate();
    let ids = items.map(|(index, key)| {
        let found = state.guardrails.table.get(key.as_str().unwrap_or_default());
        let field_path = format!("{name}/{index}");
        found.map(|guardrail| guardrail.id.clone()).ok_or_else(|| {
            ApiError::invalid_field(&field_path, "is not the id or slug of a guardrail")
        })
    });
    ids.collect::<Result<Vec<String>, ApiError>>().map(Some)
}

pub(super) fn get(state: &State, _: &Call) -> HandlerResult {
    respond(state.guardrails.defaults.json(state))
}

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut defaults = state.guardrails.defaults.clone();
    if let Some(input) = parse_list(state, call, "input_guardrails")? {
        defaults.input = input;
    }
    if let Some(output) = parse_list(state, call, "output_guardrails")? {
        defaults.output = output;
    }
    let body = defaults.json(state);
    state.guardrails.defaults = defaults;
    respond(body)
}
