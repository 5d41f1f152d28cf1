//! The book of logs: by workspace, in the order of time.
//!
//! A span of time is found by bisection, so what a question costs depends on the logs in that span of
//! those workspaces. Texts that logs share are numbers: comparing and counting them is cheap.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::entry::Facts;

/// How many logs lie together. A copy of the book shares them until one changes.
const CHUNK: usize = 1024;

/// A text that logs share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name(NonZeroU32);

/// Every text that logs share, once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    numbers: HashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

impl Names {
    /// The name of a text, which may be new.
    pub(crate) fn enter(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text) {
            return *name;
        }
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        let count = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let name = Name(NonZeroU32::new(count).unwrap_or(NonZeroU32::MAX));
        self.numbers.insert(text, name);
        name
    }

    /// The name of a text, if any log has it.
    pub(crate) fn find(&self, text: &str) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    /// The text of a name.
    pub(crate) fn text(&self, name: Name) -> &str {
        let position = name.0.get() as usize - 1;
        self.texts.get(position).map_or("", AsRef::as_ref)
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// Milliseconds since the Unix epoch.
    pub(crate) at: i64,
    /// Its position in the order of arrival, over all workspaces.
    number: u64,
    pub(crate) facts: Facts,
    /// The entry as it was sent, JSON.
    entry: Arc<str>,
}

/// Logs are in the order of time, and then of arrival.
type Place = (i64, u64);

impl Log {
    fn place(&self) -> Place {
        (self.at, self.number)
    }

    /// A UUID of version 7, which begins with the time: the log is found by it without an index.
    pub(crate) fn id(&self) -> String {
        let millis = u128::try_from(self.at).unwrap_or(0) & 0xffff_ffff_ffff;
        let number = u128::from(self.number) & 0x3fff_ffff_ffff_ffff;
        Uuid::from_u128(millis << 80 | 0x7 << 76 | 0x2 << 62 | number).to_string()
    }

    /// The entry as it was sent.
    pub(crate) fn entry(&self) -> Value {
        serde_json::from_str(&self.entry).unwrap_or_default()
    }
}

/// Where the log with this id lies, if there is one.
fn place_of(id: &str) -> Option<Place> {
    let id = Uuid::parse_str(id).ok()?;
    if id.get_version_num() != 7 {
        return None;
    }
    let bits = id.as_u128();
    let number = u64::try_from(bits & 0x3fff_ffff_ffff_ffff).ok()?;
    Some((i64::try_from(bits >> 80).ok()?, number))
}

/// The logs of one workspace.
#[derive(Debug, Clone, Default)]
struct Timeline {
    /// None is empty.
    chunks: Vec<Arc<Vec<Log>>>,
}

impl Timeline {
    fn insert(&mut self, log: Log) {
        let place = log.place();
        let begins_before = |chunk: &Arc<Vec<Log>>| chunk.first().map(Log::place) <= Some(place);
        let position = self.chunks.partition_point(begins_before).saturating_sub(1);
        let is_last = position + 1 >= self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(position) else {
            self.chunks.push(Arc::new(vec![log]));
            return;
        };
        let chunk = Arc::make_mut(chunk);
        let within = chunk.partition_point(|other| other.place() < place);
        chunk.insert(within, log);
        if chunk.len() > CHUNK {
            // Logs mostly arrive in the order of time: what is full then stays full.
            let keep = if is_last && within == CHUNK {
                CHUNK
            } else {
                CHUNK / 2
            };
            let rest = chunk.split_off(keep);
            self.chunks.insert(position + 1, Arc::new(rest));
        }
    }

    fn within(&self, span: &RangeInclusive<i64>) -> impl Iterator<Item = &Log> + use<'_> {
        let (start, end) = (*span.start(), *span.end());
        let before = |chunk: &Arc<Vec<Log>>| chunk.last().is_none_or(|log| log.at < start);
        let first = self.chunks.partition_point(before);
        self.chunks[first..]
            .iter()
            .take_while(move |chunk| chunk.first().is_some_and(|log| log.at <= end))
            .flat_map(move |chunk| {
                let from = chunk.partition_point(|log| log.at < start);
                let to = chunk.partition_point(|log| log.at <= end);
                &chunk[from..to.max(from)]
            })
    }

    fn get(&self, place: Place) -> Option<&Log> {
        let begins_before = |chunk: &Arc<Vec<Log>>| chunk.first().map(Log::place) <= Some(place);
        let position = self.chunks.partition_point(begins_before).checked_sub(1)?;
        let chunk = self.chunks.get(position)?;
        let within = chunk.binary_search_by_key(&place, Log::place).ok()?;
        chunk.get(within)
    }
}

/// The logs of an organisation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    pub(crate) names: Names,
    timelines: BTreeMap<String, Timeline>,
    /// The first log of each trace that a log names, by workspace and trace.
    traces: HashMap<(Name, Name), Place>,
    next: u64,
}

/// A log as a state file has it: the facts are read from the entry again.
#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    workspace: String,
    at: i64,
    number: u64,
    api_key: String,
    entry: std::borrow::Cow<'a, str>,
}

impl Book {
    /// Enters a log of now, or of another time; what it says.
    pub(crate) fn insert(
        &mut self,
        workspace: &str,
        at: i64,
        api_key: &str,
        entry: &Value,
    ) -> Facts {
        let facts = Facts::of(entry, api_key, &mut self.names);
        let log = Log {
            at,
            number: self.next,
            facts: facts.clone(),
            entry: entry.to_string().into(),
        };
        self.put(workspace, log);
        facts
    }

    fn put(&mut self, workspace: &str, log: Log) {
        self.next = self.next.max(log.number.saturating_add(1));
        if let Some(trace) = log.facts.trace {
            let key = (self.names.enter(workspace), trace);
            self.traces.entry(key).or_insert_with(|| log.place());
        }
        match self.timelines.get_mut(workspace) {
            Some(timeline) => timeline.insert(log),
            None => {
                let timeline = self.timelines.entry(workspace.to_owned()).or_default();
                timeline.insert(log);
            }
        }
    }

    /// The workspaces that have logs.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &str> {
        self.timelines.keys().map(String::as_str)
    }

    /// The logs of a workspace in a span of time, ends included, oldest first.
    pub(crate) fn within<'a>(
        &'a self,
        workspace: &str,
        span: &RangeInclusive<i64>,
    ) -> impl Iterator<Item = &'a Log> + use<'a> {
        let timeline = self.timelines.get(workspace);
        let logs = timeline.map(|timeline| timeline.within(span));
        logs.into_iter().flatten()
    }

    /// The log of a workspace with this id.
    pub(crate) fn get(&self, workspace: &str, id: &str) -> Option<&Log> {
        self.timelines.get(workspace)?.get(place_of(id)?)
    }

    /// The first log of a trace of a workspace.
    pub(crate) fn first_of(&self, workspace: &str, trace: &str) -> Option<&Log> {
        let named = || Some((self.names.find(workspace)?, self.names.find(trace)?));
        match named().and_then(|key| self.traces.get(&key)) {
            Some(place) => self.timelines.get(workspace)?.get(*place),
            None => self.get(workspace, trace),
        }
    }

    /// The trace of a log: what it names, or else its own id.
    pub(crate) fn trace(&self, log: &Log) -> String {
        match log.facts.trace {
            Some(trace) => self.names.text(trace).to_owned(),
            None => log.id(),
        }
    }

    /// Takes away the logs of a workspace.
    pub(crate) fn forget(&mut self, workspace: &str) {
        self.timelines.remove(workspace);
        if let Some(name) = self.names.find(workspace) {
            self.traces.retain(|(own, _), _| *own != name);
        }
    }
}

impl Serialize for Book {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let logs = self.timelines.iter().flat_map(|(workspace, timeline)| {
            let logs = timeline.chunks.iter().flat_map(|chunk| chunk.iter());
            logs.map(move |log| (workspace, log))
        });
        serializer.collect_seq(logs.map(|(workspace, log)| Saved {
            workspace: workspace.clone(),
            at: log.at,
            number: log.number,
            api_key: self.names.text(log.facts.api_key).to_owned(),
            entry: (&*log.entry).into(),
        }))
    }
}

impl<'de> Deserialize<'de> for Book {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut book = Self::default();
        for saved in Vec::<Saved>::deserialize(deserializer)? {
            let entry: Value = serde_json::from_str(&saved.entry).map_err(D::Error::custom)?;
            let log = Log {
                at: saved.at,
                number: saved.number,
                facts: Facts::of(&entry, &saved.api_key, &mut book.names),
                entry: saved.entry.into(),
            };
            book.put(&saved.workspace, log);
        }
        Ok(book)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Book, CHUNK};

    fn entry(trace: &str) -> Value {
        let metadata = if trace.is_empty() {
            json!({})
        } else {
            json!({"trace_id": trace})
        };
        json!({"metadata": metadata, "request": {"url": "", "body": {}}, "response": {"body": {}}})
    }

    fn times(book: &Book, from: i64, to: i64) -> Vec<i64> {
        book.within("w", &(from..=to)).map(|log| log.at).collect()
    }

    #[test]
    fn logs_lie_in_the_order_of_time_however_they_come() {
        let count = 3 * CHUNK as i64 + 7;
        let mut book = Book::default();
        // Every third comes late.
        for at in (0..count).filter(|at| at % 3 > 0) {
            book.insert("w", at, "key", &entry(""));
        }
        for at in (0..count).filter(|at| at % 3 == 0).rev() {
            book.insert("w", at, "key", &entry(""));
        }
        assert_eq!(times(&book, 0, count), (0..count).collect::<Vec<_>>());
        assert_eq!(times(&book, 1000, 1002), [1000, 1001, 1002]);
        assert!(times(&book, count, i64::MAX).is_empty() && times(&book, -9, -1).is_empty());
        assert!(times(&book, 9, 3).is_empty());
        let ids: Vec<String> = book.within("w", &(0..=count)).map(super::Log::id).collect();
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(book.get("w", id).map(|log| log.at), Some(at as i64));
        }
        assert!(book.get("w", "nonsense").is_none() && book.get("other", &ids[0]).is_none());
    }

    #[test]
    fn a_trace_leads_to_its_first_log() {
        let mut book = Book::default();
        for (at, trace) in [(5, "a"), (6, "a"), (7, "")] {
            book.insert("w", at, "key", &entry(trace));
        }
        assert_eq!(book.first_of("w", "a").map(|log| log.at), Some(5));
        let last = book.within("w", &(7..=7)).next().unwrap();
        assert_eq!(book.first_of("w", &book.trace(last)).unwrap().at, 7);
        book.forget("w");
        assert!(book.first_of("w", "a").is_none());
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut book = Book::default();
        for at in 0..10 {
            book.insert(if at % 2 == 0 { "v" } else { "w" }, 3, "key", &entry("t"));
        }
        let text = serde_json::to_string(&book).unwrap();
        let read: Book = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.next, 10);
    }

    #[test]
    fn a_copy_keeps_what_it_had() {
        let mut book = Book::default();
        book.insert("w", 1, "key", &entry(""));
        let before = book.clone();
        book.insert("w", 2, "key", &entry(""));
        assert_eq!(
            (times(&before, 0, 9), times(&book, 0, 9)),
            (vec![1], vec![1, 2])
        );
    }
}
