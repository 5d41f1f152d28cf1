//! What the events of each operation are.

use std::sync::LazyLock;

use memchr::memmem;
use serde::Serialize;
use serde_json::Value;

use super::decoder::Block;
use crate::{
    answer::{self, Answer},
    error::DecodeError,
    types::{
        AssistantStreamEvent, ChatCompletionChunk, CreateCompletionResponse, ResponseStreamEvent,
    },
};

/// The member that an event has that is an error.
static ERROR: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(r#""error""#));

/// How an event is read.
pub(super) type Decode<T> = fn(&Block) -> Result<T, DecodeError>;

/// An event of an answer.
pub(crate) trait Event: Answer + Serialize + Send + 'static {
    /// Whether the answer, or a part of it that stands for itself, is complete with this event.
    fn completes(&self) -> bool;
}

impl Event for ChatCompletionChunk {
    fn completes(&self) -> bool {
        self.choices
            .iter()
            .any(|choice| choice.finish_reason.is_some())
    }
}

impl Event for CreateCompletionResponse {
    fn completes(&self) -> bool {
        self.choices
            .iter()
            .any(|choice| choice.finish_reason.is_some())
    }
}

impl Event for ResponseStreamEvent {
    fn completes(&self) -> bool {
        matches!(
            self,
            Self::ResponseCompleted(_) | Self::ResponseFailed(_) | Self::ResponseIncomplete(_)
        )
    }
}

impl Event for AssistantStreamEvent {
    fn completes(&self) -> bool {
        matches!(
            self,
            Self::ThreadRunCompleted(_)
                | Self::ThreadRunRequiresAction(_)
                | Self::ThreadRunIncomplete(_)
                | Self::ThreadRunFailed(_)
                | Self::ThreadRunCancelled(_)
                | Self::ThreadRunExpired(_)
        )
    }
}

/// The data alone.
pub(super) fn data<T: Answer>(block: &Block) -> Result<T, DecodeError> {
    answer::from_slice(block.data.as_bytes())
}

/// An object of the name and the data.
pub(super) fn name_and_data<T: Answer>(block: &Block) -> Result<T, DecodeError> {
    // Read alone first, so that nothing but JSON gets between the braces.
    let _: Value = answer::from_slice::<Option<Value>>(block.data.as_bytes())?.unwrap_or_default();
    let name = Value::from(block.name.as_deref().unwrap_or_default());
    answer::from_slice(format!(r#"{{"event":{name},"data":{}}}"#, block.data).as_bytes())
}

/// Whether an event says that something has failed: by its name, its type, or a member `error`.
pub(super) fn is_error(block: &Block) -> bool {
    if block.name.as_deref() == Some("error") {
        return true;
    }
    // Inside of text the quotes are escaped, so that hardly an event is read twice.
    if ERROR.find(block.data.as_bytes()).is_none() {
        return false;
    }
    let json: Value = serde_json::from_str(&block.data).unwrap_or_default();
    !json["error"].is_null() || json["type"] == "error"
}
