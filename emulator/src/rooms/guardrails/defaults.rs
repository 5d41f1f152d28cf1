//! The guardrails that every request of the organisation runs through.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::State;

/// The UUIDs of the guardrails, in their order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Defaults {
    input: Vec<String>,
    output: Vec<String>,
}

impl Defaults {
    pub(super) fn forget(&mut self, guardrail: &str) {
        for list in [&mut self.input, &mut self.output] {
            list.retain(|id| id != guardrail);
        }
    }

    fn json(&self, state: &State) -> Value {
        let show = |list: &[String]| -> Value {
            let known = list.iter().filter_map(|id| state.guardrails.shelf.get(id));
            let shown = known.map(|own| json!({"id": own.id, "slug": own.slug}));
            shown.collect()
        };
        json!({
            "input_guardrails": show(&self.input),
            "output_guardrails": show(&self.output),
        })
    }
}

/// The UUIDs of the guardrails that a member of the body lists, if it is there.
fn given(state: &State, call: &Call, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    if call.given(name).is_none() {
        return Ok(None);
    }
    let items = call.items(name).iter().enumerate();
    let ids = items.map(|(index, key)| {
        let found = state.guardrails.shelf.get(key.as_str().unwrap_or_default());
        let place = format!("{name}/{index}");
        found
            .map(|own| own.id.clone())
            .ok_or_else(|| Refusal::invalid_field(&place, "is no guardrail"))
    });
    ids.collect::<Result<Vec<String>, Refusal>>().map(Some)
}

pub(super) fn get(state: &State, _: &Call) -> Answer {
    Ok(Reply::json(state.guardrails.defaults.json(state)))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let mut defaults = state.guardrails.defaults.clone();
    if let Some(input) = given(state, call, "input_guardrails")? {
        defaults.input = input;
    }
    if let Some(output) = given(state, call, "output_guardrails")? {
        defaults.output = output;
    }
    let body = defaults.json(state);
    state.guardrails.defaults = defaults;
    Ok(Reply::json(body))
}
