//! Scripts: what a test wants the gateway to answer, and how it is to arrive.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::Content;
use super::stream::Event;
use crate::dispatch::lock;

/// What the gateway is to answer, and how, for [`Emulator::add_script`](crate::Emulator::add_script).
///
/// A script is for the answers of one operation: an event stream, a binary answer, a realtime session,
/// or for [`text`](Self::text) and [`tool_call`](Self::tool_call) the complete answer as well. What it
/// does not say stays as it is. It is used for every such request unless [`times`](Self::times) limits
/// it; of several, the one that was added first.
///
/// Its counts are of *pieces*: an event of a stream (the final `[DONE]` is one), a server event of a
/// session, or 64 KiB of a binary answer.
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

/// What the model says instead of an echo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ScriptedReply {
    Text(String),
    /// Names and arguments, as JSON.
    ToolCalls(Vec<(String, String)>),
}

/// How an answer arrives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Delivery {
    pub(crate) pace: Duration,
    pub(crate) chunk_size: Option<usize>,
    pub(crate) line_ending: LineEnding,
    pub(crate) comment: Option<String>,
    pub(crate) keep_alive: Option<Duration>,
    /// After how many pieces it stops, and how.
    pub(crate) stop: Option<(u64, Stop)>,
}

/// How an answer stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// As if that were all.
    End,
    /// After half of the next piece, as if that were all.
    Half,
    /// The connection is closed.
    Close,
    /// The connection is closed after half of the next piece.
    Truncate,
    /// The connection is reset.
    Reset,
    /// Nothing more comes.
    Stall,
}

/// What ends the lines of an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LineEnding {
    /// `\n`, as the service does.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r`.
    Cr,
}

impl LineEnding {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

impl Script {
    /// For the answers of this operation, by the name that it has in the manifest.
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

    /// Uses it for so many answers and then no more.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// What the model says, whether streamed (word by word) or not.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.reply = Some(ScriptedReply::Text(text.into()));
        self
    }

    /// A tool that the model calls instead of saying something; several calls add up.
    pub fn tool_call(mut self, name: impl Into<String>, arguments: impl Into<Value>) -> Self {
        let call = (name.into(), arguments.into().to_string());
        match &mut self.reply {
            Some(ScriptedReply::ToolCalls(calls)) => calls.push(call),
            other => *other = Some(ScriptedReply::ToolCalls(vec![call])),
        }
        self
    }

    /// An event with this data. From the first one on, a stream consists of the events of the script
    /// alone: `[DONE]` comes where the script has it.
    pub fn event(self, data: impl Into<String>) -> Self {
        self.push_event(Event::data(data))
    }

    /// The same with a name, the event's field `event`.
    pub fn named_event(self, name: impl Into<String>, data: impl Into<String>) -> Self {
        self.push_event(Event::named(name, data))
    }

    /// Bytes that are sent as they are, in the place of an event.
    pub fn raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.push_event(Event::Raw(bytes.into()))
    }

    fn push_event(mut self, event: Event) -> Self {
        self.events.get_or_insert_default().push(event);
        self
    }

    /// What a binary answer consists of.
    pub fn content(mut self, content: Content) -> Self {
        self.content = Some(content);
        self
    }

    /// Waits so long before each piece, in real time.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.delivery.pace = pace;
        self
    }

    /// Sends the bytes of a stream or a binary answer so many at a time, wherever that cuts them.
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.delivery.chunk_size = Some(bytes.max(1));
        self
    }

    /// How the lines of an event stream end.
    pub fn line_ending(mut self, line_ending: LineEnding) -> Self {
        self.delivery.line_ending = line_ending;
        self
    }

    /// A comment before each event of a stream; `\n` and `\r` in it become spaces.
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.delivery.comment = Some(comment.into().replace(['\n', '\r'], " "));
        self
    }

    /// While an event stream waits or stalls, a comment comes this often.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.delivery.keep_alive = Some(interval);
        self
    }

    /// Ends the answer in good order after so many pieces.
    pub fn end_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::End)
    }

    /// Closes the connection after so many pieces, with the answer unfinished.
    pub fn close_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::Close)
    }

    /// Closes the connection in the middle of the piece that comes after so many.
    pub fn truncate_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::Truncate)
    }

    /// Resets the connection after so many pieces.
    pub fn reset_after(self, chunks: u64) -> Self {
        self.stop(chunks, Stop::Reset)
    }

    /// Sends nothing more after so many pieces, and leaves the connection open.
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

    /// The script for a request, which is one use of it.
    pub(crate) fn take(&self, operation: Option<&str>) -> Option<Script> {
        let operation = operation?;
        let mut scripts = lock(&self.0);
        let mut matching = scripts.iter_mut();
        let script = matching.find(|s| s.operation == operation && s.times != Some(0))?;
        script.times = script.times.map(|times| times - 1);
        Some(script.clone())
    }
}

/// A script that no answer could follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError(String);

impl ScriptError {
    /// Refuses what would never be used.
    pub(crate) fn check(script: &Script) -> Result<(), Self> {
        if super::SCRIPTABLE_OPERATIONS.contains(&script.operation.as_str()) {
            return Ok(());
        }
        let known = super::SCRIPTABLE_OPERATIONS.join("`, `");
        Err(Self(format!(
            "`{}` follows none; these do: `{known}`",
            script.operation
        )))
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the script cannot be used: {}", self.0)
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
