//! Model responses: returned complete or as a stream of named events, and stored for later reads.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::state::gateway::ResourceKey;
use crate::state::table::{Row, row};

/// A stored response.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredResponse {
    pub(crate) key: ResourceKey,
    pub(crate) response: Value,
    /// The input, as items.
    pub(crate) input: Vec<Value>,
}

row! { StoredResponse: "response", id: key.id, workspace: key.workspace_id }

pub(crate) fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

/// Converts the input to items with ids.
pub(crate) fn items(input: &Value, call: &Call) -> Vec<Value> {
    let id = |prefix: &str| json!(format!("{prefix}_{}", call.ids.uuid().replace('-', "")));
    let message = |text: &str| {
        json!({
            "id": id("msg"), "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_text", "text": text}],
        })
    };
    let Value::Array(items) = input else {
        return vec![message(input.as_str().unwrap_or_default())];
    };
    let items = items.iter().map(|item| {
        let mut item = item.clone();
        if let Value::String(text) = &item["content"] {
            item["content"] = json!([{"type": "input_text", "text": text}]);
        }
        if item["type"].is_null() {
            item["type"] = json!("message");
        }
        if item["id"].is_null() {
            item["id"] = id("msg");
        }
        item
    });
    items.collect()
}
