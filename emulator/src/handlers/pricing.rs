//! Prices of models.

use serde_json::json;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::Read;
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::pricing::price;

pub(crate) const RESOURCE: Resource = Resource::new(&[("get_model_pricing", Read(get))]);

fn get(_: &State, call: &Call) -> HandlerResult {
    let Some(price) = price(call.path_param(0), call.path_param(1)) else {
        // Public operations have a different error envelope.
        return Err(ApiError {
            status: 404,
            body: json!({"error": "the model has no known price"}),
        });
    };
    respond(json!({
        "pay_as_you_go": {
            "request_token": {"price": price.request},
            "response_token": {"price": price.response},
        },
        "currency": "USD",
    }))
}
