//! Prices of a few models for cost metrics. They are not the current prices of the providers.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Handler::Read;
use super::{Resource, State};
use crate::call::Call;
use crate::error::ApiError;
use crate::response::{HandlerResult, ResponseBody};

pub(crate) const RESOURCE: Resource = Resource::new(&[("get_model_pricing", Read(get))]);

/// Has no state: prices are constant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pricing {}

/// The price per token, in cents.
struct Price {
    provider: &'static str,
    model: &'static str,
    request: f64,
    response: f64,
}

/// All prices; other models cost nothing in metrics.
const PRICES: &[Price] = &[
    Price::new("example-provider", "example-model", 0.0001, 0.0004),
    Price::new("anthropic", "claude-3-5-sonnet-20241022", 0.0003, 0.0015),
    Price::new("openai", "gpt-4o", 0.00025, 0.001),
    Price::new("openai", "gpt-4o-mini", 0.000_015, 0.000_06),
];

impl Price {
    const fn new(provider: &'static str, model: &'static str, request: f64, response: f64) -> Self {
        Self {
            provider,
            model,
            request,
            response,
        }
    }
}

/// Returns the provider and the name of each model that has a price.
pub(crate) fn models() -> impl Iterator<Item = (&'static str, &'static str)> {
    PRICES.iter().map(|price| (price.provider, price.model))
}

fn price(provider: &str, model: &str) -> Option<&'static Price> {
    let mut prices = PRICES.iter();
    prices.find(|price| price.provider == provider && price.model == model)
}

/// Returns the cost of the request and response tokens, in cents.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn cost_in_cents(provider: &str, model: &str, request: u64, response: u64) -> f64 {
    price(provider, model).map_or(0.0, |price| {
        request as f64 * price.request + response as f64 * price.response
    })
}

fn get(_: &State, call: &Call) -> HandlerResult {
    let Some(price) = price(call.path_param(0), call.path_param(1)) else {
        // Public operations have a different error envelope.
        return Err(ApiError {
            status: 404,
            body: json!({"error": "the model has no known price"}),
        });
    };
    Ok(ResponseBody::json(json!({
        "pay_as_you_go": {
            "request_token": {"price": price.request},
            "response_token": {"price": price.response},
        },
        "currency": "USD",
    })))
}
