//! Prices of models.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::Read;
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::pricing::{PRICES, Price, price};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("get_model_pricing", Read(get)),
    ("list_provider_pricing", Read(list)),
    ("list_provider_capabilities", Read(list_capabilities)),
]);

impl Price {
    fn json(&self) -> Value {
        json!({
            "pay_as_you_go": {
                "request_token": {"price": self.request},
                "response_token": {"price": self.response},
            },
            "currency": "USD",
        })
    }
}

fn get(_: &State, call: &Call) -> HandlerResult {
    match price(call.path_param(0), call.path_param(1)) {
        Some(price) => respond(price.json()),
        None => Err(not_found("the model has no known price")),
    }
}

fn list(_: &State, call: &Call) -> HandlerResult {
    let default = json!({"pricing_config": {"currency": "USD"}});
    file(
        call,
        default,
        |price| json!({"pricing_config": price.json()}),
    )
}

fn list_capabilities(_: &State, call: &Call) -> HandlerResult {
    let entry = |_: &Price| json!({"type": {"primary": "chat"}});
    file(call, json!({}), entry)
}

/// Returns a map with an entry for each model of the provider, and the entry `default`.
fn file(call: &Call, default: Value, entry: impl Fn(&Price) -> Value) -> HandlerResult {
    let provider = call.path_param(0);
    let prices = PRICES.iter().filter(|price| price.provider == provider);
    let mut models: Map<String, Value> = prices
        .map(|price| (price.model.to_owned(), entry(price)))
        .collect();
    if models.is_empty() {
        return Err(not_found("the provider is not known"));
    }
    models.insert("default".to_owned(), default);
    respond(Value::Object(models))
}

/// Returns the error of an operation without a key, which has an envelope of its own.
fn not_found(message: &str) -> ApiError {
    ApiError {
        status: 404,
        body: json!({"error": message}),
    }
}
