//! Answers that are sent piece by piece: event streams and binary ones, as a script wants them.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Bytes, SizeHint};
use tokio::time::{Sleep, sleep};

use super::content::{BLOCK, Content};
use super::script::{LineEnd, Plan, Stop};
use crate::faults::Effect;
use crate::socket::Resetter;

/// How long what was sent before a reset has to be read: a reset overtakes it.
const BEFORE_RESET: Duration = Duration::from_millis(20);

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

    fn encode(self, line_end: LineEnd) -> Bytes {
        let (name, data) = match self {
            Self::Raw(bytes) => return bytes.into(),
            Self::Data { name, data } => (name, data),
        };
        let end = line_end.text();
        let mut text = String::with_capacity(data.len() + 16);
        if let Some(name) = name {
            text.extend(["event: ", &name, end]);
        }
        for line in data.split('\n') {
            text.extend(["data: ", line, end]);
        }
        text.push_str(end);
        text.into()
    }
}

/// The events of an answer, made as they are sent.
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

/// Where the pieces come from.
#[derive(Debug)]
enum Source {
    Events(Events),
    Content { content: Content, at: u64, end: u64 },
}

impl Source {
    fn next(&mut self, line_end: LineEnd) -> Option<Bytes> {
        match self {
            Self::Events(events) => Some(events.0.next()?.encode(line_end)),
            Self::Content { content, at, end } => {
                let rest = usize::try_from(*end - *at).unwrap_or(BLOCK).min(BLOCK);
                let piece = content.read(*at, rest);
                *at += piece.len() as u64;
                (!piece.is_empty()).then(|| piece.into())
            }
        }
    }
}

/// What is to be done next.
#[derive(Debug)]
enum Step {
    Send(Bytes),
    Wait(Duration),
    /// Lets what was sent leave, apart from what comes next.
    Flush,
    /// For good.
    Stall,
    Break,
    Reset,
    End,
}

/// The body of an answer that is sent piece by piece.
#[derive(Debug)]
pub(crate) struct Streamed {
    source: Source,
    plan: Plan,
    resetter: Option<Resetter>,
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
    given: u64,
    has_ended: bool,
}

impl Streamed {
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
            plan: Plan::default(),
            resetter: None,
            steps: VecDeque::new(),
            pause: None,
            given: 0,
            has_ended: false,
        }
    }

    /// Follows a plan from now on.
    pub(crate) fn follow(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// Consists of these events instead, if it consists of events.
    pub(crate) fn replace_events(&mut self, events: Vec<Event>) {
        if let Source::Events(own) = &mut self.source {
            *own = Events::new(events.into_iter());
        }
    }

    /// Consists of this instead, if it is a binary answer.
    pub(crate) fn replace_content(&mut self, content: Content) {
        if let Source::Content {
            end, content: own, ..
        } = &mut self.source
        {
            *end = content.size();
            *own = content;
        }
    }

    /// What a reset resets.
    pub(crate) fn may_reset(&mut self, resetter: &Resetter) {
        self.resetter = Some(resetter.clone());
    }

    /// How many bytes there are, where that is known before they are made.
    pub(crate) fn size(&self) -> Option<u64> {
        match &self.source {
            Source::Events(_) => None,
            Source::Content { at, end, .. } => Some(*end - *at),
        }
    }

    /// Leaves out what is not from `start` up to, but not including, `end`.
    pub(crate) fn cut(&mut self, start: u64, stop: u64) {
        if let Source::Content { at, end, .. } = &mut self.source {
            (*at, *end) = (start, stop);
        }
    }

    /// Does what a fault says.
    pub(crate) fn spoil(&mut self, effect: Effect) {
        let half = self.size().map(|size| size / 2);
        let pieces = half.map_or(1, |half| half / BLOCK as u64);
        match (effect, &mut self.source) {
            (Effect::Truncate, _) => self.plan.stop = Some((pieces, Stop::Truncate)),
            (Effect::Malformed, Source::Content { at, end, .. }) => *end = *at + (*end - *at) / 2,
            (Effect::Malformed, Source::Events(_)) => self.plan.stop = Some((pieces, Stop::Half)),
            (Effect::None | Effect::Status(_) | Effect::Reset, _) => {}
        }
    }

    /// The next steps: those up to the next piece and the piece itself, or those to the end.
    fn plan_steps(&mut self) {
        let stop = self.plan.stop.filter(|(after, _)| *after == self.given);
        match stop {
            Some((_, stop)) => self.plan_stop(stop),
            None => match self.source.next(self.plan.line_end) {
                Some(piece) => {
                    self.given += 1;
                    self.plan_wait();
                    self.plan_comment();
                    self.plan_piece(piece);
                }
                None => self.steps.push_back(Step::End),
            },
        }
    }

    fn plan_stop(&mut self, stop: Stop) {
        if matches!(stop, Stop::Half | Stop::Truncate)
            && let Some(piece) = self.source.next(self.plan.line_end)
        {
            self.steps
                .push_back(Step::Send(piece.slice(..piece.len() / 2)));
        }
        let steps = match stop {
            Stop::End | Stop::Half => vec![Step::End],
            Stop::Close | Stop::Truncate => vec![Step::Flush, Step::Break],
            Stop::Reset => vec![Step::Flush, Step::Wait(BEFORE_RESET), Step::Reset],
            Stop::Stall => vec![Step::Stall],
        };
        self.steps.extend(steps);
    }

    /// The pause before a piece, with signs of life in between.
    fn plan_wait(&mut self) {
        let mut rest = self.plan.pace;
        if let Some(interval) = self.keep_alive() {
            while rest > interval {
                rest -= interval;
                self.steps.push_back(Step::Wait(interval));
                self.steps.push_back(Step::Send(self.sign_of_life()));
            }
        }
        if !rest.is_zero() {
            self.steps.push_back(Step::Wait(rest));
        }
    }

    fn plan_comment(&mut self) {
        if let (Source::Events(_), Some(comment)) = (&self.source, &self.plan.comment) {
            let end = self.plan.line_end.text();
            let comment = format!(": {comment}{end}{end}");
            self.plan_piece(comment.into());
        }
    }

    fn plan_piece(&mut self, mut piece: Bytes) {
        let Some(size) = self.plan.chunks else {
            return self.steps.push_back(Step::Send(piece));
        };
        while !piece.is_empty() {
            let chunk = piece.split_to(size.min(piece.len()));
            self.steps.extend([Step::Send(chunk), Step::Flush]);
        }
    }

    fn keep_alive(&self) -> Option<Duration> {
        let interval = self.plan.keep_alive.filter(|interval| !interval.is_zero());
        interval.filter(|_| matches!(self.source, Source::Events(_)))
    }

    fn sign_of_life(&self) -> Bytes {
        let end = self.plan.line_end.text();
        format!(": keep-alive{end}{end}").into()
    }

    /// The next bytes; `None` at the end.
    pub(crate) fn poll_bytes(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            if self.has_ended {
                return Poll::Ready(None);
            }
            let Some(step) = self.steps.pop_front() else {
                self.plan_steps();
                continue;
            };
            match step {
                Step::Send(bytes) if bytes.is_empty() => {}
                Step::Send(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Step::Wait(time) => self.pause = Some(Box::pin(sleep(time))),
                Step::Flush => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Stall => match self.keep_alive() {
                    Some(interval) => {
                        let sign = Step::Send(self.sign_of_life());
                        self.steps.extend([Step::Wait(interval), sign, Step::Stall]);
                    }
                    None => {
                        self.steps.push_front(Step::Stall);
                        return Poll::Pending;
                    }
                },
                Step::Break | Step::Reset => {
                    self.has_ended = true;
                    if let (Step::Reset, Some(resetter)) = (&step, &self.resetter) {
                        resetter.reset();
                    }
                    return Poll::Ready(Some(Err(io::Error::other("cut off on demand"))));
                }
                Step::End => self.has_ended = true,
            }
        }
    }

    /// What the head of the answer says of its size.
    pub(crate) fn size_hint(&self) -> SizeHint {
        self.size()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
