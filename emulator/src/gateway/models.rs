//! Models: the models that the emulator has prices for.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::response::{HandlerResult, respond};
use crate::state::{State, pricing};

pub(super) fn list(_: &State, call: &Call) -> HandlerResult {
    let number = |name| call.query.get(name).and_then(Value::as_u64);
    let number = |name| number(name).and_then(|number| usize::try_from(number).ok());
    let models = pricing::models().skip(number("offset").unwrap_or(0));
    let models = models.take(number("limit").unwrap_or(usize::MAX));
    let models: Vec<Value> = models
        .map(|(provider, model)| model_json(provider, model))
        .collect();
    respond(json!({"object": "list", "data": models}))
}

pub(super) fn get(_: &State, call: &Call) -> HandlerResult {
    let mut models = pricing::models();
    let found = models.find(|(_, model)| *model == call.path_param(0));
    let (provider, model) = found.ok_or_else(|| ApiError::not_found("model"))?;
    respond(model_json(provider, model))
}

fn model_json(provider: &str, model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": provider})
}
