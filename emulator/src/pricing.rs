//! Prices of models: public facts. One invented model has a price.

use serde_json::json;

use crate::call::{Call, Handlers};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::State;

pub(crate) const HANDLERS: Handlers = &[("get_model_pricing", get)];

/// The provider and model that have a price.
const PRICED: (&str, &str) = ("example-provider", "example-model");

fn get(_: &mut State, call: &Call) -> Answer {
    if (call.id(0), call.id(1)) != PRICED {
        // The public half has an envelope of its own.
        return Err(Refusal {
            status: 404,
            body: json!({"error": "this model has no known price"}),
        });
    }
    // Prices are in cents per token.
    Ok(Reply::json(json!({
        "pay_as_you_go": {"request_token": {"price": 0.0001}, "response_token": {"price": 0.0004}},
        "currency": "USD",
    })))
}
