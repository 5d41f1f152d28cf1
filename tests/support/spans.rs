//! What an operator's subscriber gets to see, all of it.

use std::{
    cell::RefCell,
    fmt,
    marker::PhantomData,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

/// Keeps every span and event of this thread, from whichever crate, until it is dropped.
///
/// One subscriber serves all threads, and each has its own record: a subscriber of one thread is
/// missed where another thread without any is the first to reach a span (`tracing` decides once).
pub struct Recorder {
    /// It belongs to its thread.
    _here: PhantomData<*const ()>,
}

/// A span or an event.
#[derive(Debug, Clone)]
pub struct Entry {
    id: u64,
    pub target: &'static str,
    /// The name of a span, the message of an event.
    pub name: String,
    pub level: Level,
    /// The id of the span around it.
    parent: Option<u64>,
    /// In the order in which they were recorded.
    pub fields: Vec<(&'static str, String)>,
    pub is_span: bool,
    /// For a span: how many handles of it are left.
    handles: usize,
}

/// What a thread has seen.
#[derive(Default)]
struct Seen {
    entries: Vec<Entry>,
    /// The spans that are entered, innermost last.
    entered: Vec<u64>,
}

thread_local! {
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

impl Recorder {
    /// Records from here on what happens on this thread.
    pub fn start() -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            tracing::subscriber::set_global_default(Listener).expect("nobody else listens");
            tracing::callsite::rebuild_interest_cache();
        });
        SEEN.set(Some(Seen::default()));
        Self { _here: PhantomData }
    }

    fn all(&self) -> Vec<Entry> {
        SEEN.with_borrow(|seen| seen.as_ref().unwrap().entries.clone())
    }

    /// What this crate has recorded.
    pub fn ours(&self) -> Vec<Entry> {
        let ours = |entry: &Entry| entry.target.starts_with("portkey_admin");
        self.all().into_iter().filter(ours).collect()
    }

    /// The spans of this crate that have this name.
    pub fn spans(&self, name: &str) -> Vec<Entry> {
        let named = |entry: &Entry| entry.is_span && entry.name == name;
        self.ours().into_iter().filter(named).collect()
    }

    /// The events of this crate that have this message.
    pub fn events(&self, message: &str) -> Vec<Entry> {
        let named = |entry: &Entry| !entry.is_span && entry.name == message;
        self.ours().into_iter().filter(named).collect()
    }

    /// Everything, as text.
    pub fn text(&self) -> String {
        format!("{:?}", self.all())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        SEEN.set(None);
    }
}

impl Entry {
    /// The last value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().rev().filter(|(other, _)| *other == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// The names of its fields, in alphabetical order.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.fields.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    }

    pub fn is_inside(&self, span: &Self) -> bool {
        self.parent == Some(span.id)
    }

    /// Whether no span is around it.
    pub fn is_outermost(&self) -> bool {
        self.parent.is_none()
    }

    /// Whether every handle of a span is dropped.
    pub fn is_over(&self) -> bool {
        self.handles == 0
    }
}

/// Puts what a thread tells into its record, if it has one.
struct Listener;

fn with<T: Default>(act: impl FnOnce(&mut Seen) -> T) -> T {
    SEEN.with_borrow_mut(|seen| seen.as_mut().map(act).unwrap_or_default())
}

impl Seen {
    fn add(
        &mut self,
        metadata: &Metadata<'static>,
        parent: Option<&Id>,
        is_contextual: bool,
        fields: Fields,
    ) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let around = self.entered.last().filter(|_| is_contextual).copied();
        let is_span = metadata.is_span();
        self.entries.push(Entry {
            id,
            target: metadata.target(),
            name: match is_span {
                true => metadata.name().to_owned(),
                false => fields.message,
            },
            level: *metadata.level(),
            parent: parent.map(Id::into_u64).or(around),
            fields: fields.named,
            is_span,
            handles: usize::from(is_span),
        });
        id
    }

    /// Changes a span, unless it is from before this record.
    fn change(&mut self, span: &Id, change: impl FnOnce(&mut Entry)) {
        let id = span.into_u64();
        let span = self.entries.iter_mut().find(|entry| entry.id == id);
        span.map(change);
    }
}

impl Subscriber for Listener {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        SEEN.with_borrow(Option::is_some)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let (parent, contextual) = (span.parent(), span.is_contextual());
        Id::from_u64(with(|seen| seen.add(span.metadata(), parent, contextual, fields)).max(1))
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        with(|seen| seen.change(span, |entry| entry.fields.extend(fields.named)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (parent, contextual) = (event.parent(), event.is_contextual());
        with(|seen| seen.add(event.metadata(), parent, contextual, fields));
    }

    fn enter(&self, span: &Id) {
        with(|seen| seen.entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        with(|seen| {
            let id = span.into_u64();
            let place = seen.entered.iter().rposition(|other| *other == id);
            place.map(|place| seen.entered.remove(place))
        });
    }

    fn clone_span(&self, span: &Id) -> Id {
        with(|seen| seen.change(span, |entry| entry.handles += 1));
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        with(|seen| seen.change(&span, |entry| entry.handles -= 1));
        false
    }
}

/// The values of a span or an event.
#[derive(Default)]
struct Fields {
    message: String,
    named: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.named.push((name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
