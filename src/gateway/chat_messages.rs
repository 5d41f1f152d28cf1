//! Messages of conversations.

use serde_json::{Value, json};

use crate::{
    JsonObject,
    gateway::chat::{
        AssistantMessage, ChatCompletionMessageToolCall, ChatCompletionMessageToolCallInput,
        ChatCompletionResponseMessage, ChatContentPart, ChatImagePart, ChatImageUrl, ChatMessage,
        ChatTextPartInput, DeveloperMessage, FunctionCall, FunctionCallInput, SystemMessage,
        ToolMessage, UserMessage, UserMessageContent,
    },
};

impl ChatMessage {
    /// Creates a message with instructions for the model.
    pub fn system(content: impl Into<String>) -> Self {
        Self::from(SystemMessage {
            content: content.into(),
            name: None,
            role: "system".to_owned(),
        })
    }

    /// Creates a message with instructions for a reasoning model.
    pub fn developer(content: impl Into<String>) -> Self {
        Self::from(DeveloperMessage {
            content: content.into(),
            name: None,
            role: "developer".to_owned(),
        })
    }

    /// Creates a message of the user: a string, or text and image parts.
    ///
    /// ```
    /// use portkey_admin::gateway::chat::{ChatContentPart, ChatMessage};
    ///
    /// let messages = [
    ///     ChatMessage::system("Be brief."),
    ///     ChatMessage::user([
    ///         ChatContentPart::text("What is this?"),
    ///         ChatContentPart::image_url("https://example.com/picture.png"),
    ///     ]),
    /// ];
    /// # let _ = messages;
    /// ```
    pub fn user(content: impl Into<UserMessageContent>) -> Self {
        Self::from(UserMessage {
            content: content.into(),
            name: None,
            role: "user".to_owned(),
        })
    }

    /// Creates a message of the model.
    ///
    /// The message of a response converts to a `ChatMessage`.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::from(AssistantMessage {
            content: Some(content.into()),
            function_call: None,
            name: None,
            role: "assistant".to_owned(),
            tool_calls: None,
        })
    }

    /// Creates a message with the result of a tool call.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self::from(ToolMessage {
            content: content.into(),
            role: "tool".to_owned(),
            tool_call_id: tool_call_id.into(),
        })
    }
}

impl ChatContentPart {
    /// Creates a text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::from(ChatTextPartInput {
            text: text.into(),
            type_: "text".to_owned(),
        })
    }

    /// Creates an image part from the URL of the image, which may be a `data:` URL.
    pub fn image_url(url: impl Into<String>) -> Self {
        Self::from(ChatImagePart {
            image_url: ChatImageUrl {
                detail: None,
                url: url.into(),
            },
            type_: "image_url".to_owned(),
        })
    }
}

impl<const N: usize> From<[ChatContentPart; N]> for UserMessageContent {
    fn from(parts: [ChatContentPart; N]) -> Self {
        Self::List(parts.into())
    }
}

/// Converts the message of a response to a message of the next request, with its tool calls.
///
/// Fields that requests do not have, such as `annotations`, are left out. A message with
/// `content_blocks` becomes a message with these blocks as its content, because a model that thinks
/// requires its thoughts.
impl From<ChatCompletionResponseMessage> for ChatMessage {
    fn from(message: ChatCompletionResponseMessage) -> Self {
        let blocks = serde_json::to_value(&message.content_blocks).unwrap_or_default();
        let tool_calls = message.tool_calls.into_iter().map(tool_call).collect();
        let assistant = AssistantMessage {
            content: message.content,
            function_call: message.function_call.map(function_call),
            name: None,
            role: "assistant".to_owned(),
            tool_calls: Some(tool_calls).filter(|calls: &Vec<_>| !calls.is_empty()),
        };
        match with_content(&assistant, blocks) {
            Some(with_blocks) => Self::Unknown(with_blocks),
            None => Self::from(assistant),
        }
    }
}

/// Returns the message with a list of blocks as its content; `None` if the list is empty.
fn with_content(message: &AssistantMessage, blocks: Value) -> Option<JsonObject> {
    if blocks.as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let mut message = serde_json::to_value(message).unwrap_or_else(|_| json!({}));
    message["content"] = blocks;
    JsonObject::try_from(message).ok()
}

/// A call without an id or a function is sent without them, for the service to reject.
fn tool_call(call: ChatCompletionMessageToolCall) -> ChatCompletionMessageToolCallInput {
    let none = || FunctionCallInput {
        arguments: String::new(),
        name: String::new(),
    };
    ChatCompletionMessageToolCallInput {
        function: call.function.map_or_else(none, function_call),
        id: call.id.unwrap_or_default(),
        type_: call.type_.unwrap_or_else(|| "function".to_owned()),
    }
}

fn function_call(call: FunctionCall) -> FunctionCallInput {
    FunctionCallInput {
        arguments: call.arguments.unwrap_or_default(),
        name: call.name.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::chat::CreateChatCompletionRequest;

    fn sent(messages: Vec<ChatMessage>) -> Value {
        let request = CreateChatCompletionRequest::builder()
            .model("m")
            .messages(messages)
            .build()
            .unwrap();
        serde_json::to_value(request).unwrap()["messages"].take()
    }

    #[test]
    fn messages_have_their_role() {
        let messages = vec![
            ChatMessage::system("a"),
            ChatMessage::developer("b"),
            ChatMessage::user("c"),
            ChatMessage::user([
                ChatContentPart::text("d"),
                ChatContentPart::image_url("https://example.com/e.png"),
            ]),
            ChatMessage::assistant("f"),
            ChatMessage::tool("call-1", "g"),
            UserMessage::builder()
                .content("h")
                .name("i")
                .try_into()
                .unwrap(),
        ];
        let expected = json!([
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            {"role": "user", "content": "c"},
            {"role": "user", "content": [
                {"type": "text", "text": "d"},
                {"type": "image_url", "image_url": {"url": "https://example.com/e.png"}},
            ]},
            {"role": "assistant", "content": "f"},
            {"role": "tool", "tool_call_id": "call-1", "content": "g"},
            {"role": "user", "content": "h", "name": "i"},
        ]);
        assert_eq!(sent(messages), expected);
    }

    #[test]
    fn the_message_of_a_response_goes_into_the_next_request() {
        let call = json!({"id": "call-1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        for (received, expected) in [
            (
                json!({"role": "assistant", "content": "a", "refusal": null, "annotations": []}),
                json!({"role": "assistant", "content": "a"}),
            ),
            (
                json!({"role": "assistant", "content": null, "tool_calls": [call]}),
                json!({"role": "assistant", "tool_calls": [call]}),
            ),
            (
                json!({"content": "a", "function_call": {"name": "f", "arguments": "{}"}}),
                json!({"role": "assistant", "content": "a", "function_call": {"name": "f", "arguments": "{}"}}),
            ),
            (
                json!({"content": "a", "tool_calls": [call], "content_blocks": [
                    {"type": "thinking", "thinking": "b", "signature": "c"}, {"type": "text", "text": "a"}]}),
                json!({"role": "assistant", "tool_calls": [call], "content": [
                    {"type": "thinking", "thinking": "b", "signature": "c"}, {"type": "text", "text": "a"}]}),
            ),
            (
                json!({"tool_calls": [{"function": {"name": "f"}}]}),
                json!({"role": "assistant", "tool_calls": [
                    {"id": "", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
            ),
        ] {
            let message: ChatCompletionResponseMessage = serde_json::from_value(received).unwrap();
            assert_eq!(sent(vec![message.into()]), json!([expected]));
        }
    }
}
