//! Reranking: documents are ordered by the share of the query's words that they contain.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::requests::log_request;
use crate::call::Call;
use crate::response::{HandlerResult, respond};
use crate::state::State;

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    let query = words(call.body_str("query").unwrap_or_default());
    let documents = call.body_items("documents").iter().enumerate();
    let mut scored: Vec<(usize, f64, &Value)> = documents
        .map(|(index, document)| (index, score(&query, document), document))
        .collect();
    scored.sort_by(|one, other| other.1.total_cmp(&one.1));
    let top_n = call
        .body_value("top_n")
        .as_u64()
        .and_then(|top_n| usize::try_from(top_n).ok());
    scored.truncate(top_n.unwrap_or(usize::MAX));
    let with_documents = call.body_value("return_documents") == true;
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
        "model": call.body_value("model"),
        "results": results.collect::<Vec<Value>>(),
    });
    log_request(state, call, &call.body, &json!({"model": body["model"]}))?;
    respond(body)
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Returns the share of the query's words that the document contains.
#[allow(clippy::cast_precision_loss)]
fn score(query: &BTreeSet<String>, document: &Value) -> f64 {
    let text = document.as_str().or_else(|| document["text"].as_str());
    let document_words = words(text.unwrap_or_default());
    let shared = query.intersection(&document_words).count();
    shared as f64 / query.len().max(1) as f64
}
