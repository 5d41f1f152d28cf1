//! The event types of each operation.

use serde::Serialize;
use serde_json::Value;

use super::decoder::RawEvent;
use crate::{
    decode::LenientDecode,
    error::DecodeError,
    generated::gateway::{
        completions::CreateCompletionResponse, responses::ResponseStreamEvent,
        threads::AssistantStreamEvent,
    },
    types::ChatCompletionChunk,
};
use sealed::Sealed;

/// An event of a streamed response.
///
/// Implemented by the events of all streamed operations. The trait is sealed.
pub trait StreamEvent: sealed::Sealed + Send + 'static {}

impl StreamEvent for ChatCompletionChunk {}
impl StreamEvent for CreateCompletionResponse {}
impl StreamEvent for ResponseStreamEvent {}
impl StreamEvent for AssistantStreamEvent {}

mod sealed {
    use super::{LenientDecode, Serialize};

    /// The requirements of a stream on its events.
    pub trait Sealed: LenientDecode + Serialize {
        /// Whether this event completes the response or an independent part of it.
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

/// Decodes the data, or an object of the name and the data if `named` is true.
pub(super) fn decode<T: LenientDecode>(event: &RawEvent, named: bool) -> Result<T, DecodeError> {
    if !named {
        return crate::decode::from_slice(event.data.as_bytes());
    }
    // Parsed first so that only valid JSON is inserted into the object.
    let _: Value =
        crate::decode::from_slice::<Option<Value>>(event.data.as_bytes())?.unwrap_or_default();
    let name = Value::from(event.name.as_deref().unwrap_or_default());
    crate::decode::from_slice(format!(r#"{{"event":{name},"data":{}}}"#, event.data).as_bytes())
}

/// Whether an event reports an error: by its name, its type, or a field `error`.
pub(super) fn is_error(event: &RawEvent) -> bool {
    if event.name.as_deref() == Some("error") {
        return true;
    }
    // Quotes within strings are escaped, so that few events are parsed twice.
    if !event.data.contains(r#""error""#) {
        return false;
    }
    let json = crate::json::parse_value(event.data.as_bytes()).unwrap_or_default();
    !json["error"].is_null() || json["type"] == "error"
}
