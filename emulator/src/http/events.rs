//! Response bodies that are sent in chunks: event streams and binary content, with scripted
//! delivery.
//!
//! Written by hand, since scripts set the pace, the chunks and the end of a body.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Bytes, SizeHint};
use tokio::time::{Sleep, sleep};

use super::connection_end::ConnectionEnd;
use super::content::{BLOCK_SIZE, Content};
use super::delivery::{Delivery, LineEnding, Stop};
use crate::faults::Effect;

/// The delay before a reset, so that the client reads the data before the reset discards it.
const RESET_DELAY: Duration = Duration::from_millis(20);

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Data { name: Option<String>, data: String },
    Raw(Vec<u8>),
}

impl Event {
    pub(crate) fn data(data: impl Into<String>) -> Self {
        Self::Data {
            name: None,
            data: data.into(),
        }
    }

    pub(crate) fn named(name: impl Into<String>, data: impl Into<String>) -> Self {
        Self::Data {
            name: Some(name.into()),
            data: data.into(),
        }
    }

    fn encode(self, line_ending: LineEnding) -> Bytes {
        let (name, data) = match self {
            Self::Raw(bytes) => return bytes.into(),
            Self::Data { name, data } => (name, data),
        };
        let end = line_ending.as_str();
        let mut encoded = String::with_capacity(data.len() + 16);
        if let Some(name) = name {
            encoded.extend(["event: ", &name, end]);
        }
        for line in data.split('\n') {
            encoded.extend(["data: ", line, end]);
        }
        encoded.push_str(end);
        encoded.into()
    }
}

/// The events of a stream, generated while they are sent.
pub(crate) struct Events(Box<dyn Iterator<Item = Event> + Send>);

impl Events {
    pub(crate) fn new(events: impl Iterator<Item = Event> + Send + 'static) -> Self {
        Self(Box::new(events))
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

/// The source of the chunks.
#[derive(Debug)]
enum Source {
    Events(Events),
    Content { content: Content, at: u64, end: u64 },
}

impl Source {
    fn next(&mut self, line_ending: LineEnding) -> Option<Bytes> {
        match self {
            Self::Events(events) => Some(events.0.next()?.encode(line_ending)),
            Self::Content { content, at, end } => {
                let remaining = usize::try_from(*end - *at)
                    .unwrap_or(BLOCK_SIZE)
                    .min(BLOCK_SIZE);
                let chunk = content.read(*at, remaining);
                *at += chunk.len() as u64;
                (!chunk.is_empty()).then(|| chunk.into())
            }
        }
    }
}

/// The next action of a body.
#[derive(Debug)]
enum Step {
    Send(Bytes),
    Wait(Duration),
    /// Lets hyper write the previous data separately from the following data.
    Flush,
    /// Sends nothing more.
    Stall,
    /// Closes the connection.
    Break,
    Reset,
    End,
}

/// A response body that is sent in chunks.
#[derive(Debug)]
pub(crate) struct StreamBody {
    source: Source,
    delivery: Delivery,
    connection: Option<ConnectionEnd>,
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    sent: u64,
    has_ended: bool,
}

impl StreamBody {
    pub(crate) fn events(events: Events) -> Self {
        Self::new(Source::Events(events))
    }

    pub(crate) fn content(content: Content) -> Self {
        let end = content.size();
        Self::new(Source::Content {
            content,
            at: 0,
            end,
        })
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            delivery: Delivery::default(),
            connection: None,
            steps: VecDeque::new(),
            sleep: None,
            sent: 0,
            has_ended: false,
        }
    }

    /// Sets the delivery.
    pub(crate) fn set_delivery(&mut self, delivery: Delivery) {
        self.delivery = delivery;
    }

    /// Replaces the events of an event stream; binary content is unchanged.
    pub(crate) fn replace_events(&mut self, events: Vec<Event>) {
        if let Source::Events(current) = &mut self.source {
            *current = Events::new(events.into_iter());
        }
    }

    /// Replaces the content of a binary body; event streams are unchanged.
    pub(crate) fn replace_content(&mut self, content: Content) {
        if let Source::Content {
            end,
            content: current,
            ..
        } = &mut self.source
        {
            *end = content.size();
            *current = content;
        }
    }

    /// Sets the connection that [`Stop::Reset`] resets.
    pub(crate) fn set_connection(&mut self, connection: &ConnectionEnd) {
        self.connection = Some(connection.clone());
    }

    /// Returns the size if it is known in advance.
    pub(crate) fn size(&self) -> Option<u64> {
        match &self.source {
            Source::Events(_) => None,
            Source::Content { at, end, .. } => Some(*end - *at),
        }
    }

    /// Limits binary content to the bytes from `start` (inclusive) to `stop` (exclusive).
    pub(crate) fn set_range(&mut self, start: u64, stop: u64) {
        if let Source::Content { at, end, .. } = &mut self.source {
            (*at, *end) = (start, stop);
        }
    }

    /// Applies the effect of a fault.
    pub(crate) fn corrupt(&mut self, effect: Effect) {
        let half = self.size().map(|size| size / 2);
        let chunks = half.map_or(1, |half| half / BLOCK_SIZE as u64);
        match (effect, &mut self.source) {
            (Effect::Truncate, _) => self.delivery.stop = Some((chunks, Stop::CloseMidChunk)),
            (Effect::Malformed, Source::Content { at, end, .. }) => *end = *at + (*end - *at) / 2,
            (Effect::Malformed, Source::Events(_)) => {
                self.delivery.stop = Some((chunks, Stop::EndMidChunk))
            }
            (Effect::None | Effect::Status(_) | Effect::Reset, _) => {}
        }
    }

    /// Queues the steps for the next chunk, or for the end of the body.
    fn queue_steps(&mut self) {
        let stop = self.delivery.stop.filter(|(after, _)| *after == self.sent);
        match stop {
            Some((_, stop)) => self.queue_stop(stop),
            None => match self.source.next(self.delivery.line_ending) {
                Some(chunk) => {
                    self.sent += 1;
                    self.queue_wait();
                    self.queue_comment();
                    self.queue_chunk(chunk);
                }
                None => self.steps.push_back(Step::End),
            },
        }
    }

    fn queue_stop(&mut self, stop: Stop) {
        if matches!(stop, Stop::EndMidChunk | Stop::CloseMidChunk)
            && let Some(chunk) = self.source.next(self.delivery.line_ending)
        {
            self.steps
                .push_back(Step::Send(chunk.slice(..chunk.len() / 2)));
        }
        let steps = match stop {
            Stop::End | Stop::EndMidChunk => vec![Step::End],
            Stop::Close | Stop::CloseMidChunk => vec![Step::Flush, Step::Break],
            Stop::Reset => vec![Step::Flush, Step::Wait(RESET_DELAY), Step::Reset],
            Stop::Stall => vec![Step::Stall],
        };
        self.steps.extend(steps);
    }

    /// Queues the pause before a chunk, with keep-alive comments.
    fn queue_wait(&mut self) {
        let mut remaining = self.delivery.pace;
        if let Some(interval) = self.keep_alive() {
            while remaining > interval {
                remaining -= interval;
                self.steps.push_back(Step::Wait(interval));
                self.steps.push_back(Step::Send(self.keep_alive_comment()));
            }
        }
        if !remaining.is_zero() {
            self.steps.push_back(Step::Wait(remaining));
        }
    }

    fn queue_comment(&mut self) {
        if let (Source::Events(_), Some(comment)) = (&self.source, &self.delivery.comment) {
            let end = self.delivery.line_ending.as_str();
            let comment = format!(": {comment}{end}{end}");
            self.queue_chunk(comment.into());
        }
    }

    fn queue_chunk(&mut self, mut bytes: Bytes) {
        let Some(size) = self.delivery.chunk_size else {
            return self.steps.push_back(Step::Send(bytes));
        };
        while !bytes.is_empty() {
            let chunk = bytes.split_to(size.min(bytes.len()));
            self.steps.extend([Step::Send(chunk), Step::Flush]);
        }
    }

    fn keep_alive(&self) -> Option<Duration> {
        let interval = self
            .delivery
            .keep_alive
            .filter(|interval| !interval.is_zero());
        interval.filter(|_| matches!(self.source, Source::Events(_)))
    }

    fn keep_alive_comment(&self) -> Bytes {
        let end = self.delivery.line_ending.as_str();
        format!(": keep-alive{end}{end}").into()
    }

    /// Polls the next bytes; `None` at the end.
    pub(crate) fn poll_bytes(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            if self.has_ended {
                return Poll::Ready(None);
            }
            let Some(step) = self.steps.pop_front() else {
                self.queue_steps();
                continue;
            };
            match step {
                Step::Send(bytes) if bytes.is_empty() => {}
                Step::Send(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Step::Wait(time) => self.sleep = Some(Box::pin(sleep(time))),
                Step::Flush => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Stall => match self.keep_alive() {
                    Some(interval) => {
                        let comment = Step::Send(self.keep_alive_comment());
                        self.steps
                            .extend([Step::Wait(interval), comment, Step::Stall]);
                    }
                    None => {
                        self.steps.push_front(Step::Stall);
                        return Poll::Pending;
                    }
                },
                Step::Break | Step::Reset => {
                    self.has_ended = true;
                    if let (Step::Reset, Some(connection)) = (&step, &self.connection) {
                        connection.reset();
                    }
                    return Poll::Ready(Some(Err(io::Error::other(
                        "scripted or injected connection failure",
                    ))));
                }
                Step::End => self.has_ended = true,
            }
        }
    }

    /// Returns the size for the `content-length` header.
    pub(crate) fn size_hint(&self) -> SizeHint {
        self.size()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
