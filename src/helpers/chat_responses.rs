//! The text of chat completions and of prompt runs.

use serde_json::Value;

use crate::{JsonObject, types::CreateChatCompletionResponse};

impl CreateChatCompletionResponse {
    /// Returns the text of the first choice, also if a prompt that is not a conversation was run; `None`
    /// if the model only calls tools.
    pub fn text(&self) -> Option<&str> {
        let choice = self.choices.first()?;
        let message = choice.message.as_ref();
        message
            .and_then(|message| message.content.as_deref())
            .or_else(|| completion_text(&choice.extra))
    }
}

#[cfg(feature = "gateway")]
impl crate::types::ChatCompletionChunk {
    /// Returns the part of the text of the first choice that the chunk contains; empty if it contains
    /// none.
    pub fn text(&self) -> &str {
        // With several choices, each chunk contains a part of one of them.
        let mut choices = self.choices.iter();
        let choice = choices.find(|choice| choice.index.unwrap_or_default() == 0);
        let delta = choice.and_then(|choice| choice.delta.as_ref()?.content.as_deref());
        delta
            .or_else(|| completion_text(&choice?.extra))
            .unwrap_or_default()
    }
}

/// Returns the text of a choice of a text completion.
fn completion_text(choice: &JsonObject) -> Option<&str> {
    choice.get("text").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_that_of_the_message_or_of_the_completion() {
        for (choices, expected) in [
            (
                json!([{"message": {"content": "a"}}, {"message": {"content": "b"}}]),
                Some("a"),
            ),
            (json!([{"text": "c", "index": 0}]), Some("c")),
            (json!([{"message": {"tool_calls": []}}]), None),
            (json!([]), None),
        ] {
            let response = json!({"choices": choices});
            let response: CreateChatCompletionResponse = serde_json::from_value(response).unwrap();
            assert_eq!(response.text(), expected);
        }
    }

    #[cfg(feature = "gateway")]
    #[test]
    fn text_of_a_chunk_is_that_of_the_delta_or_of_the_completion() {
        use crate::types::ChatCompletionChunk;

        for (choices, expected) in [
            (json!([{"delta": {"content": "a"}}]), "a"),
            (json!([{"text": "c"}]), "c"),
            (json!([{"index": 1, "delta": {"content": "b"}}]), ""),
            (json!([{"delta": {}}]), ""),
            (json!([]), ""),
        ] {
            let chunk: ChatCompletionChunk =
                serde_json::from_value(json!({"choices": choices})).unwrap();
            assert_eq!(chunk.text(), expected);
        }
    }
}
