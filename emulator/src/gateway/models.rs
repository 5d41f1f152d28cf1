//! Models: those that have a price here.

use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::{State, pricing};

pub(super) fn list(_: &State, call: &Call) -> Answer {
    let number = |name| call.query.get(name).and_then(Value::as_u64);
    let number = |name| number(name).and_then(|number| usize::try_from(number).ok());
    let models = pricing::models().skip(number("offset").unwrap_or(0));
    let models = models.take(number("limit").unwrap_or(usize::MAX));
    let models: Vec<Value> = models
        .map(|(provider, model)| json_of(provider, model))
        .collect();
    Ok(Reply::json(json!({"object": "list", "data": models})))
}

pub(super) fn get(_: &State, call: &Call) -> Answer {
    let mut models = pricing::models();
    let found = models.find(|(_, model)| *model == call.id(0));
    let (provider, model) = found.ok_or_else(|| Refusal::missing("model"))?;
    Ok(Reply::json(json_of(provider, model)))
}

fn json_of(provider: &str, model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": provider})
}
