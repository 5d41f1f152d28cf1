//! Scripts, which set the gateway's responses and their delivery.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use crate::call::ScriptedReply;
use crate::http::content::Content;
use crate::http::delivery::{Delivery, LineEnding, Stop};
use crate::http::events::Event;
use crate::sync::lock;

/// The operations that support scripts.
const SCRIPTABLE_OPERATIONS: [&str; 9] = [
    "create_chat_completion",
    "create_completion",
    "create_response",
    "run_prompt",
    "create_speech",
    "get_file_content",
    "get_batch_output",
    "connect_realtime",
    "fetch_agent_card",
];

/// A response of the gateway, for [`Emulator::add_script`](crate::Emulator::add_script).
///
/// A script applies to the responses of one operation: an event stream, a binary response, or a
/// realtime session. [`text`](Self::text) and [`tool_call`](Self::tool_call) also apply to
/// responses that are not streamed. All other settings keep their defaults. The script is
/// used for every request of the operation, unless [`times`](Self::times) limits it. If several
/// scripts apply to a request, the one that was added first is used.
///
/// Counts are in chunks: an event of a stream (including the final `[DONE]`), a server event of a
/// session, or 64 KiB of a binary response.
///
/// ```
/// use std::time::Duration;
/// use serde_json::json;
/// use portkey_admin_emulator::{Content, LineEnding, Script};
///
/// let slow = Script::on("create_chat_completion")
///     .text("It rains.")
///     .pace(Duration::from_millis(20))
///     .line_ending(LineEnding::CrLf)
///     .chunk_size(1);
/// let tools = Script::on("create_response").tool_call("weather", json!({"city": "Oslo"}));
/// let odd = Script::on("create_completion").named_event("news", "{}").event("[DONE]").truncate_after(1);
/// let large = Script::on("get_file_content").content(Content::synthetic(1 << 30, 7)).reset_after(3);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Script {
    operation: String,
    times: Option<u64>,
    pub(crate) reply: Option<ScriptedReply>,
    pub(crate) events: Option<Vec<Event>>,
    pub(crate) content: Option<Content>,
    pub(crate) delivery: Delivery,
}

impl Script {
    /// Creates a script for the responses of an operation, by its id in the manifest.
    pub fn on(operation: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            times: None,
            reply: None,
            events: None,
            content: None,
            delivery: Delivery::default(),
        }
    }

    /// Limits the script to this number of responses.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Sets the text of the model's output. A streamed response sends it word by word.
    ///
    /// For `fetch_agent_card`, it is what the address of the agent returns.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.reply = Some(ScriptedReply::Text(text.into()));
        self
    }

    /// Adds a tool call to the model's output; it replaces any text.
    pub fn tool_call(mut self, name: impl Into<String>, arguments: impl Into<Value>) -> Self {
        let call = (name.into(), arguments.into().to_string());
        match &mut self.reply {
            Some(ScriptedReply::ToolCalls(calls)) => calls.push(call),
            other => *other = Some(ScriptedReply::ToolCalls(vec![call])),
        }
        self
    }

    /// Adds an event with this data. A script with events replaces all events of the stream,
    /// including the final `[DONE]`.
    pub fn event(self, data: impl Into<String>) -> Self {
        self.push_event(Event::data(data))
    }

    /// Adds an event with this name (the `event` field) and data.
    pub fn named_event(self, name: impl Into<String>, data: impl Into<String>) -> Self {
        self.push_event(Event::named(name, data))
    }

    /// Adds bytes that are sent unchanged in place of an event.
    pub fn raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.push_event(Event::Raw(bytes.into()))
    }

    fn push_event(mut self, event: Event) -> Self {
        self.events.get_or_insert_default().push(event);
        self
    }

    /// Sets the content of a binary response.
    pub fn content(mut self, content: Content) -> Self {
        self.content = Some(content);
        self
    }

    /// Waits this long before each chunk, in real time.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.delivery.pace = pace;
        self
    }

    /// Sends a stream or a binary response in writes of this many bytes, regardless of event
    /// boundaries.
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.delivery.chunk_size = Some(bytes.max(1));
        self
    }

    /// Sets the line ending of an event stream.
    pub fn line_ending(mut self, line_ending: LineEnding) -> Self {
        self.delivery.line_ending = line_ending;
        self
    }

    /// Sends a comment before each event of a stream; `\n` and `\r` in it are replaced with spaces.
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.delivery.comment = Some(comment.into().replace(['\n', '\r'], " "));
        self
    }

    /// Sends a comment at this interval while an event stream waits or stalls.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.delivery.keep_alive = Some(interval);
        self
    }

    /// Ends the response normally after this many chunks.
    pub fn end_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::End)
    }

    /// Closes the connection after this many chunks, before the response is complete.
    pub fn close_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::Close)
    }

    /// Closes the connection in the middle of the chunk after this many chunks.
    pub fn truncate_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::CloseMidChunk)
    }

    /// Resets the connection after this many chunks.
    pub fn reset_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::Reset)
    }

    /// Sends nothing after this many chunks and leaves the connection open.
    pub fn stall_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::Stall)
    }

    fn stop(mut self, chunks: u64, stop: Stop) -> Self {
        self.delivery.stop = Some((chunks, stop));
        self
    }
}

/// The scripts of one emulator.
#[derive(Debug, Default)]
pub(crate) struct Scripts(Mutex<VecDeque<Script>>);

impl Scripts {
    pub(crate) fn add(&self, script: Script) {
        lock(&self.0).push_back(script);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Returns the script for a request and counts the use.
    pub(crate) fn take(&self, operation: Option<&str>) -> Option<Script> {
        let operation = operation?;
        let mut scripts = lock(&self.0);
        let mut matching = scripts.iter_mut();
        let script = matching.find(|s| s.operation == operation && s.times != Some(0))?;
        script.times = script.times.map(|times| times - 1);
        Some(script.clone())
    }
}

/// The error for a script whose operation does not support scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError(String);

impl ScriptError {
    /// Checks that the operation supports scripts.
    pub(crate) fn check(script: &Script) -> Result<(), Self> {
        if SCRIPTABLE_OPERATIONS.contains(&script.operation.as_str()) {
            return Ok(());
        }
        let supported = SCRIPTABLE_OPERATIONS.join("`, `");
        Err(Self(format!(
            "`{}` does not support scripts, expected one of `{supported}`",
            script.operation
        )))
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid script: {}", self.0)
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::{Script, ScriptError, Scripts};

    #[test]
    fn scripts_are_consumed_in_order() {
        let scripts = Scripts::default();
        scripts.add(Script::on("create_speech").times(1).chunk_size(1));
        scripts.add(Script::on("create_speech").times(1).chunk_size(2));
        let chunk_size = |operation| scripts.take(operation).and_then(|s| s.delivery.chunk_size);
        assert_eq!(chunk_size(None), None);
        assert_eq!(chunk_size(Some("create_response")), None);
        assert_eq!(chunk_size(Some("create_speech")), Some(1));
        assert_eq!(chunk_size(Some("create_speech")), Some(2));
        assert_eq!(chunk_size(Some("create_speech")), None);
    }

    #[test]
    fn a_script_for_an_unsupported_operation_is_rejected() {
        ScriptError::check(&Script::on("create_speech")).unwrap();
        let error = ScriptError::check(&Script::on("list_users")).unwrap_err();
        assert!(error.to_string().contains("`list_users`"), "{error}");
    }
}
