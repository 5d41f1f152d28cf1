//! Moderations: a text matches a category if it contains the category's words.

use serde_json::{Map, Value, json};

use super::model_stub;
use crate::call::Call;
use crate::response::{HandlerResult, respond};
use crate::state::State;

const CATEGORIES: [&str; 11] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

pub(super) fn create(_: &State, call: &Call) -> HandlerResult {
    let input = call.body_value("input");
    let results: Vec<Value> = match &input {
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .map(|item| classify(&model_stub::content_text(item)))
            .collect(),
        input => vec![classify(&model_stub::content_text(input))],
    };
    let model = call.body_str("model").unwrap_or("omni-moderation-latest");
    respond(json!({
        "id": format!("modr-{}", call.ids.uuid()), "model": model, "results": results,
    }))
}

fn classify(text: &str) -> Value {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .collect();
    let matches = |category: &str| category.split('/').all(|word| words.contains(&word));
    let for_categories = |value: fn(bool) -> Value| {
        let categories = CATEGORIES
            .iter()
            .map(|name| ((*name).to_owned(), value(matches(name))));
        Value::Object(categories.collect::<Map<_, _>>())
    };
    json!({
        "flagged": CATEGORIES.iter().any(|category| matches(category)),
        "categories": for_categories(Value::Bool),
        "category_scores": for_categories(|matches| json!(f64::from(u8::from(matches)))),
    })
}

#[cfg(test)]
mod tests {
    use super::classify;

    #[test]
    fn categories_are_matched_by_words() {
        let result = classify("No violence, please.");
        assert_eq!(result["flagged"], true);
        assert_eq!(result["categories"]["violence"], true);
        assert_eq!(result["categories"]["violence/graphic"], false);
        assert_eq!(classify("non-violence")["flagged"], false);
    }
}
