//! Prices and capabilities of models, which need no key.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::Read;
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::pricing::{PRICES, Price, price};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("get_model_pricing", Read(get_pricing)),
    ("get_model_capabilities", Read(get_capabilities)),
    ("get_provider_model_config", Read(get_config)),
    ("get_provider_model_configs", Read(list_configs)),
    ("list_provider_pricing", Read(list_pricing)),
    ("list_provider_capabilities", Read(list_capabilities)),
]);

/// What an operation returns about models.
#[derive(Clone, Copy)]
enum Topic {
    Pricing,
    Capabilities,
}

impl Topic {
    /// Returns the topic with this name in a path.
    fn named(name: &str) -> Result<Self, ApiError> {
        match name {
            "pricing" => Ok(Self::Pricing),
            "general" => Ok(Self::Capabilities),
            _ => Err(not_found("expected the type `pricing` or `general`")),
        }
    }

    fn json(self, price: &Price) -> Value {
        match self {
            Self::Pricing => json!({
                "pay_as_you_go": {
                    "request_token": {"price": price.request},
                    "response_token": {"price": price.response},
                },
                "currency": "USD",
            }),
            // All models with a price are chat models with the same parameters.
            Self::Capabilities => json!({
                "type": {"primary": "chat", "supported": ["tools"]},
                "messages": {"options": ["system", "user", "assistant"]},
                "params": [
                    {"key": "max_tokens", "type": "number", "defaultValue": 256, "minValue": 1, "maxValue": 4096},
                    {"key": "temperature", "type": "number", "defaultValue": 1, "minValue": 0, "maxValue": 2},
                ],
                "disablePlayground": false,
                "isDefault": false,
            }),
        }
    }

    /// Returns the entry of a model in a map of all models.
    fn entry(self, price: &Price) -> Value {
        match self {
            Self::Pricing => json!({"pricing_config": self.json(price)}),
            Self::Capabilities => self.json(price),
        }
    }

    /// Returns the entry for models that are not in the map.
    fn default_entry(self) -> Value {
        match self {
            Self::Pricing => json!({"pricing_config": {"currency": "USD"}}),
            Self::Capabilities => json!({}),
        }
    }

    fn model(self, provider: &str, model: &str) -> HandlerResult {
        match price(provider, model) {
            Some(price) => respond(self.json(price)),
            None => Err(not_found("the model is not known")),
        }
    }

    /// Returns a map with an entry for each model of the provider, and the entry `default`.
    fn all_models(self, provider: &str) -> HandlerResult {
        let prices = PRICES.iter().filter(|price| price.provider == provider);
        let mut models: Map<String, Value> = prices
            .map(|price| (price.model.to_owned(), self.entry(price)))
            .collect();
        if models.is_empty() {
            return Err(not_found("the provider is not known"));
        }
        models.insert("default".to_owned(), self.default_entry());
        respond(Value::Object(models))
    }
}

fn get_pricing(_: &State, call: &Call) -> HandlerResult {
    Topic::Pricing.model(call.path_param(0), call.path_param(1))
}

fn get_capabilities(_: &State, call: &Call) -> HandlerResult {
    Topic::Capabilities.model(call.path_param(0), call.path_param(1))
}

fn get_config(_: &State, call: &Call) -> HandlerResult {
    let topic = Topic::named(call.path_param(0))?;
    topic.model(call.path_param(1), call.path_param(2))
}

fn list_configs(_: &State, call: &Call) -> HandlerResult {
    Topic::named(call.path_param(0))?.all_models(call.path_param(1))
}

fn list_pricing(_: &State, call: &Call) -> HandlerResult {
    Topic::Pricing.all_models(call.path_param(0))
}

fn list_capabilities(_: &State, call: &Call) -> HandlerResult {
    Topic::Capabilities.all_models(call.path_param(0))
}

/// Returns the error of an operation without a key, which has an envelope of its own.
fn not_found(message: &str) -> ApiError {
    ApiError {
        status: 404,
        body: json!({"error": message}),
    }
}
