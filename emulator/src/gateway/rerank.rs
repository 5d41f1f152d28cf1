//! Documents in the order in which they fit a query: by how many of its words they have.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::record;
use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::rooms::State;

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let query = words(call.text("query").unwrap_or_default());
    let documents = call.items("documents").iter().enumerate();
    let mut scored: Vec<(usize, f64, &Value)> = documents
        .map(|(index, document)| (index, score(&query, document), document))
        .collect();
    scored.sort_by(|one, other| other.1.total_cmp(&one.1));
    let most = call
        .value("top_n")
        .as_u64()
        .and_then(|most| usize::try_from(most).ok());
    scored.truncate(most.unwrap_or(usize::MAX));
    let with_documents = call.value("return_documents") == true;
    let results = scored.into_iter().map(|(index, score, document)| {
        let mut result = json!({"index": index, "relevance_score": score});
        if with_documents {
            result["document"] = match document {
                Value::String(text) => json!({"text": text}),
                other => other.clone(),
            };
        }
        result
    });
    let body = json!({
        "object": "list",
        "id": call.ids.uuid(),
        "model": call.value("model"),
        "results": results.collect::<Vec<Value>>(),
    });
    record(state, call, &call.body, &json!({"model": body["model"]}))?;
    Ok(Reply::json(body))
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// The share of the query's words that the document has.
#[allow(clippy::cast_precision_loss)]
fn score(query: &BTreeSet<String>, document: &Value) -> f64 {
    let text = document.as_str().or_else(|| document["text"].as_str());
    let own = words(text.unwrap_or_default());
    let shared = query.intersection(&own).count();
    shared as f64 / query.len().max(1) as f64
}
