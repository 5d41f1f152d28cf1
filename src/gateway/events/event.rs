//! What the events of each operation are.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Serialize;
use serde_json::Value;

use super::decoder::Block;
use crate::{
    decode::{self, LenientDecode},
    error::DecodeError,
    types::{
        AssistantStreamEvent, ChatCompletionChunk, CreateCompletionResponse, ResponseStreamEvent,
    },
};
use sealed::Sealed;

/// The member that an event has that is an error.
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""error""#));

/// An event of an answer that is streamed.
///
/// Every such event implements it; nothing else can.
pub trait StreamEvent: sealed::Sealed + Send + 'static {}

impl StreamEvent for ChatCompletionChunk {}
impl StreamEvent for CreateCompletionResponse {}
impl StreamEvent for ResponseStreamEvent {}
impl StreamEvent for AssistantStreamEvent {}

mod sealed {
    use super::{LenientDecode, Serialize};

    /// What a stream has to know of its events.
    pub trait Sealed: LenientDecode + Serialize {
        /// Whether the answer, or a part of it that stands for itself, is complete with this event.
        fn completes(&self) -> bool;
    }
}

impl Sealed for ChatCompletionChunk {
    fn completes(&self) -> bool {
        self.choices
            .iter()
            .any(|choice| choice.finish_reason.is_some())
    }
}

impl Sealed for CreateCompletionResponse {
    fn completes(&self) -> bool {
        self.choices
            .iter()
            .any(|choice| choice.finish_reason.is_some())
    }
}

impl Sealed for ResponseStreamEvent {
    fn completes(&self) -> bool {
        matches!(
            self,
            Self::ResponseCompleted(_) | Self::ResponseFailed(_) | Self::ResponseIncomplete(_)
        )
    }
}

impl Sealed for AssistantStreamEvent {
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

/// Reads the data alone, or an object of the event's name and the data.
pub(super) fn read<T: LenientDecode>(block: &Block, named: bool) -> Result<T, DecodeError> {
    if !named {
        return decode::from_slice(block.data.as_bytes());
    }
    // Read alone first, so that nothing but JSON gets between the braces.
    let _: Value = decode::from_slice::<Option<Value>>(block.data.as_bytes())?.unwrap_or_default();
    let name = Value::from(block.name.as_deref().unwrap_or_default());
    decode::from_slice(format!(r#"{{"event":{name},"data":{}}}"#, block.data).as_bytes())
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
