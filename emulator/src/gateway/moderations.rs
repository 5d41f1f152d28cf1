//! Moderations: a text is of a category if it has the category's words in it.

use serde_json::{Map, Value, json};

use super::voice;
use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::rooms::State;

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

pub(super) fn create(_: &State, call: &Call) -> Answer {
    let input = call.value("input");
    let results: Vec<Value> = match &input {
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .map(|item| judge(&voice::text_of(item)))
            .collect(),
        input => vec![judge(&voice::text_of(input))],
    };
    let model = call.text("model").unwrap_or("omni-moderation-latest");
    Ok(Reply::json(json!({
        "id": format!("modr-{}", call.ids.uuid()), "model": model, "results": results,
    })))
}

fn judge(text: &str) -> Value {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .collect();
    let is_in = |category: &str| category.split('/').all(|word| words.contains(&word));
    let each = |value: fn(bool) -> Value| {
        let members = CATEGORIES
            .iter()
            .map(|name| ((*name).to_owned(), value(is_in(name))));
        Value::Object(members.collect::<Map<_, _>>())
    };
    json!({
        "flagged": CATEGORIES.iter().any(|category| is_in(category)),
        "categories": each(Value::Bool),
        "category_scores": each(|is_in| json!(f64::from(u8::from(is_in)))),
    })
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn words_decide() {
        let result = judge("No violence, please.");
        assert_eq!(result["flagged"], true);
        assert_eq!(result["categories"]["violence"], true);
        assert_eq!(result["categories"]["violence/graphic"], false);
        assert_eq!(judge("non-violence")["flagged"], false);
    }
}
