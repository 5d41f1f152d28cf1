//! Prices of a few models for cost metrics. They are not the current prices of the providers.

/// The price per token, in cents.
pub(crate) struct Price {
    pub(crate) provider: &'static str,
    pub(crate) model: &'static str,
    pub(crate) request: f64,
    pub(crate) response: f64,
}

/// All prices; other models cost nothing in metrics.
pub(crate) const PRICES: &[Price] = &[
    Price::new("example-provider", "example-model", 0.0001, 0.0004),
    Price::new("anthropic", "claude-3-5-sonnet-20241022", 0.0003, 0.0015),
    Price::new("openai", "gpt-4o", 0.00025, 0.001),
    Price::new("openai", "gpt-4o-mini", 0.000_015, 0.000_06),
];

impl Price {
    pub(crate) const fn new(
        provider: &'static str,
        model: &'static str,
        request: f64,
        response: f64,
    ) -> Self {
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

pub(crate) fn price(provider: &str, model: &str) -> Option<&'static Price> {
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
