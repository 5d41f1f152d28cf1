//! Prices of a few models, so that figures add up. They are not what a provider asks today.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Handler::Read;
use super::{Room, State};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};

pub(crate) const ROOM: Room = Room::of(&[("get_model_pricing", Read(get))]);

/// Prices are the same for everybody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pricing {}

/// The price of a token, in cents.
struct Price {
    provider: &'static str,
    model: &'static str,
    request: f64,
    response: f64,
}

/// Every price there is; other models cost nothing in the figures.
const PRICES: &[Price] = &[
    Price::of("example-provider", "example-model", 0.0001, 0.0004),
    Price::of("anthropic", "claude-3-5-sonnet-20241022", 0.0003, 0.0015),
    Price::of("openai", "gpt-4o", 0.00025, 0.001),
    Price::of("openai", "gpt-4o-mini", 0.000_015, 0.000_06),
];

impl Price {
    const fn of(provider: &'static str, model: &'static str, request: f64, response: f64) -> Self {
        Self {
            provider,
            model,
            request,
            response,
        }
    }
}

/// The provider and the name of each model that has a price.
pub(crate) fn models() -> impl Iterator<Item = (&'static str, &'static str)> {
    PRICES.iter().map(|price| (price.provider, price.model))
}

fn price(provider: &str, model: &str) -> Option<&'static Price> {
    let mut all = PRICES.iter();
    all.find(|price| price.provider == provider && price.model == model)
}

/// What so many tokens of a request and its answer cost, in cents.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn cents(provider: &str, model: &str, request: u64, response: u64) -> f64 {
    price(provider, model).map_or(0.0, |price| {
        request as f64 * price.request + response as f64 * price.response
    })
}

fn get(_: &State, call: &Call) -> Answer {
    let Some(price) = price(call.id(0), call.id(1)) else {
        // The public half has an envelope of its own.
        return Err(Refusal {
            status: 404,
            body: json!({"error": "this model has no known price"}),
        });
    };
    Ok(Reply::json(json!({
        "pay_as_you_go": {
            "request_token": {"price": price.request},
            "response_token": {"price": price.response},
        },
        "currency": "USD",
    })))
}
