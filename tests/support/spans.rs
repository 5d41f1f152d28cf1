//! A subscriber that records every span and event.

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

/// Records every span and event of this thread, from all crates, until it is dropped.
///
/// One global subscriber serves all threads, and each thread has its own record. A thread-local
/// subscriber would miss a span that a thread without a subscriber reaches first, since `tracing`
/// caches the interest in a callsite.
pub struct Recorder {
    /// Not `Send`: the record belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

/// A span or an event.
#[derive(Debug, Clone)]
pub struct Entry {
    id: u64,
    pub target: &'static str,
    /// The name of a span, the message of an event.
    pub name: String,
    pub level: Level,
    /// The id of the parent span.
    parent: Option<u64>,
    /// In recording order.
    pub fields: Vec<(&'static str, String)>,
    pub is_span: bool,
    /// The number of open handles of a span.
    handles: usize,
}

/// What a thread has recorded.
#[derive(Default)]
struct ThreadRecord {
    entries: Vec<Entry>,
    /// The spans that are entered, innermost last.
    entered: Vec<u64>,
}

thread_local! {
    static RECORD: RefCell<Option<ThreadRecord>> = const { RefCell::new(None) };
}

impl Recorder {
    /// Starts to record the spans and events of this thread.
    pub fn start() -> Self {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| {
            tracing::subscriber::set_global_default(RecordingSubscriber)
                .expect("another global subscriber is set");
            tracing::callsite::rebuild_interest_cache();
        });
        RECORD.set(Some(ThreadRecord::default()));
        Self {
            _not_send: PhantomData,
        }
    }

    fn all(&self) -> Vec<Entry> {
        RECORD.with_borrow(|record| record.as_ref().unwrap().entries.clone())
    }

    /// Returns the spans and events of this crate.
    pub fn client_entries(&self) -> Vec<Entry> {
        let is_ours = |entry: &Entry| entry.target.starts_with("portkey_admin");
        self.all().into_iter().filter(is_ours).collect()
    }

    /// Returns the spans of this crate with this name.
    pub fn spans(&self, name: &str) -> Vec<Entry> {
        let named = |entry: &Entry| entry.is_span && entry.name == name;
        self.client_entries().into_iter().filter(named).collect()
    }

    /// Returns the events of this crate with this message.
    pub fn events(&self, message: &str) -> Vec<Entry> {
        let named = |entry: &Entry| !entry.is_span && entry.name == message;
        self.client_entries().into_iter().filter(named).collect()
    }

    /// Renders all entries with `Debug`.
    pub fn debug_output(&self) -> String {
        format!("{:?}", self.all())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        RECORD.set(None);
    }
}

impl Entry {
    /// Returns the last value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().rev().filter(|(other, _)| *other == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// Returns the field names in alphabetical order.
    pub fn field_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.fields.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    }

    pub fn is_child_of(&self, span: &Self) -> bool {
        self.parent == Some(span.id)
    }

    /// Whether the entry has no parent span.
    pub fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// Whether every handle of a span is dropped.
    pub fn is_closed(&self) -> bool {
        self.handles == 0
    }
}

/// Writes spans and events into the record of the current thread, if it has one.
struct RecordingSubscriber;

fn with_record<T: Default>(act: impl FnOnce(&mut ThreadRecord) -> T) -> T {
    RECORD.with_borrow_mut(|record| record.as_mut().map(act).unwrap_or_default())
}

impl ThreadRecord {
    fn add(
        &mut self,
        metadata: &Metadata<'static>,
        parent: Option<&Id>,
        is_contextual: bool,
        fields: Fields,
    ) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let current = self.entered.last().filter(|_| is_contextual).copied();
        let is_span = metadata.is_span();
        self.entries.push(Entry {
            id,
            target: metadata.target(),
            name: match is_span {
                true => metadata.name().to_owned(),
                false => fields.message,
            },
            level: *metadata.level(),
            parent: parent.map(Id::into_u64).or(current),
            fields: fields.named,
            is_span,
            handles: usize::from(is_span),
        });
        id
    }

    /// Changes a span, unless it was created before this record.
    fn change(&mut self, span: &Id, change: impl FnOnce(&mut Entry)) {
        let id = span.into_u64();
        let span = self.entries.iter_mut().find(|entry| entry.id == id);
        span.map(change);
    }
}

impl Subscriber for RecordingSubscriber {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        RECORD.with_borrow(Option::is_some)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let (parent, contextual) = (span.parent(), span.is_contextual());
        Id::from_u64(
            with_record(|record| record.add(span.metadata(), parent, contextual, fields)).max(1),
        )
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        with_record(|record| record.change(span, |entry| entry.fields.extend(fields.named)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (parent, contextual) = (event.parent(), event.is_contextual());
        with_record(|record| record.add(event.metadata(), parent, contextual, fields));
    }

    fn enter(&self, span: &Id) {
        with_record(|record| record.entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        with_record(|record| {
            let id = span.into_u64();
            let position = record.entered.iter().rposition(|other| *other == id);
            position.map(|position| record.entered.remove(position))
        });
    }

    fn clone_span(&self, span: &Id) -> Id {
        with_record(|record| record.change(span, |entry| entry.handles += 1));
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        with_record(|record| record.change(&span, |entry| entry.handles -= 1));
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
