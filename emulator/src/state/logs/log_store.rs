//! The log store: logs by workspace, ordered by time.
//!
//! A time range is found by binary search, so that the cost of a query depends on the number of
//! logs in its time range and workspaces. Strings are interned, so that comparing and counting is
//! cheap.
//!
//! Written by hand: an embedded database would be many times the emulator's size, and its snapshots would
//! copy all logs, where clones of this store share them.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::state::logs::attributes::LogAttributes;
use crate::state::logs::strings::{StringId, StringPool};

/// The maximum number of logs in a chunk. Clones of the store share a chunk until it changes.
pub(crate) const CHUNK_SIZE: usize = 1024;

/// The log of one request and its response.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// Milliseconds since the Unix epoch.
    pub(crate) at: i64,
    /// The sequence number, in order of arrival across all workspaces.
    pub(crate) number: u64,
    pub(crate) attributes: LogAttributes,
    /// The received entry, as JSON.
    pub(crate) entry: Arc<str>,
}

/// Logs are ordered by time, then by arrival.
pub(crate) type SortKey = (i64, u64);

impl Log {
    fn sort_key(&self) -> SortKey {
        (self.at, self.number)
    }

    /// Returns a version 7 UUID. It contains the sort key, so that a log is found without an index.
    pub(crate) fn id(&self) -> String {
        let millis = u128::try_from(self.at).unwrap_or(0) & 0xffff_ffff_ffff;
        let number = u128::from(self.number) & 0x3fff_ffff_ffff_ffff;
        Uuid::from_u128(millis << 80 | 0x7 << 76 | 0x2 << 62 | number).to_string()
    }

    /// Returns the received entry.
    pub(crate) fn entry(&self) -> Value {
        serde_json::from_str(&self.entry).unwrap_or_default()
    }
}

/// Returns the sort key that an id contains; `None` if it is not an id of a log.
pub(crate) fn sort_key_of(id: &str) -> Option<SortKey> {
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
pub(crate) struct Timeline {
    /// No chunk is empty.
    pub(crate) chunks: Vec<Arc<Vec<Log>>>,
}

impl Timeline {
    fn insert(&mut self, log: Log) {
        let sort_key = log.sort_key();
        let begins_before =
            |chunk: &Arc<Vec<Log>>| chunk.first().map(Log::sort_key) <= Some(sort_key);
        let position = self.chunks.partition_point(begins_before).saturating_sub(1);
        let is_last = position + 1 >= self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(position) else {
            self.chunks.push(Arc::new(vec![log]));
            return;
        };
        let chunk = Arc::make_mut(chunk);
        let index = chunk.partition_point(|other| other.sort_key() < sort_key);
        chunk.insert(index, log);
        if chunk.len() > CHUNK_SIZE {
            // Logs mostly arrive in order of time: appending leaves the previous chunk full.
            let split_at = if is_last && index == CHUNK_SIZE {
                CHUNK_SIZE
            } else {
                CHUNK_SIZE / 2
            };
            let rest = chunk.split_off(split_at);
            self.chunks.insert(position + 1, Arc::new(rest));
        }
    }

    fn in_range(&self, range: &RangeInclusive<i64>) -> impl Iterator<Item = &Log> + use<'_> {
        let (start, end) = (*range.start(), *range.end());
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

    fn get(&self, sort_key: SortKey) -> Option<&Log> {
        let begins_before =
            |chunk: &Arc<Vec<Log>>| chunk.first().map(Log::sort_key) <= Some(sort_key);
        let position = self.chunks.partition_point(begins_before).checked_sub(1)?;
        let chunk = self.chunks.get(position)?;
        let index = chunk.binary_search_by_key(&sort_key, Log::sort_key).ok()?;
        chunk.get(index)
    }
}

/// The logs of an organisation.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogStore {
    pub(crate) strings: StringPool,
    pub(crate) timelines: BTreeMap<String, Timeline>,
    /// The first log of each trace, by workspace and trace id. Only for logs with a trace id.
    pub(crate) traces: HashMap<(StringId, StringId), SortKey>,
    pub(crate) next_number: u64,
}

/// A log in a state file. The attributes are extracted from the entry again when it is read.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedLog<'a> {
    pub(crate) workspace: String,
    pub(crate) at: i64,
    pub(crate) number: u64,
    pub(crate) api_key: String,
    pub(crate) entry: std::borrow::Cow<'a, str>,
}

impl LogStore {
    /// Inserts a log at a time in milliseconds since the Unix epoch, and returns its attributes.
    pub(crate) fn insert(
        &mut self,
        workspace: &str,
        at: i64,
        api_key: &str,
        entry: &Value,
    ) -> LogAttributes {
        let attributes = LogAttributes::from_entry(entry, api_key, &mut self.strings);
        let log = Log {
            at,
            number: self.next_number,
            attributes: attributes.clone(),
            entry: entry.to_string().into(),
        };
        self.put(workspace, log);
        attributes
    }

    fn put(&mut self, workspace: &str, log: Log) {
        self.next_number = self.next_number.max(log.number.saturating_add(1));
        if let Some(trace) = log.attributes.trace {
            let key = (self.strings.intern(workspace), trace);
            self.traces.entry(key).or_insert_with(|| log.sort_key());
        }
        match self.timelines.get_mut(workspace) {
            Some(timeline) => timeline.insert(log),
            None => {
                let timeline = self.timelines.entry(workspace.to_owned()).or_default();
                timeline.insert(log);
            }
        }
    }

    /// Returns the workspaces that have logs.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &str> {
        self.timelines.keys().map(String::as_str)
    }

    /// Returns the logs of a workspace in a time range, including its ends, oldest first.
    pub(crate) fn in_range<'a>(
        &'a self,
        workspace: &str,
        range: &RangeInclusive<i64>,
    ) -> impl Iterator<Item = &'a Log> + use<'a> {
        let timeline = self.timelines.get(workspace);
        let logs = timeline.map(|timeline| timeline.in_range(range));
        logs.into_iter().flatten()
    }

    /// Returns the log of a workspace with this id.
    pub(crate) fn get(&self, workspace: &str, id: &str) -> Option<&Log> {
        self.timelines.get(workspace)?.get(sort_key_of(id)?)
    }

    /// Returns the first log of a trace in a workspace.
    pub(crate) fn first_of_trace(&self, workspace: &str, trace: &str) -> Option<&Log> {
        let key = || Some((self.strings.get(workspace)?, self.strings.get(trace)?));
        match key().and_then(|key| self.traces.get(&key)) {
            Some(sort_key) => self.timelines.get(workspace)?.get(*sort_key),
            None => self.get(workspace, trace),
        }
    }

    /// Returns the trace id of a log, or else its own id.
    pub(crate) fn trace_id(&self, log: &Log) -> String {
        match log.attributes.trace {
            Some(trace) => self.strings.resolve(trace).to_owned(),
            None => log.id(),
        }
    }

    /// Removes the logs of a workspace.
    pub(crate) fn remove_workspace(&mut self, workspace: &str) {
        self.timelines.remove(workspace);
        if let Some(id) = self.strings.get(workspace) {
            self.traces.retain(|(workspace, _), _| *workspace != id);
        }
    }
}

impl Serialize for LogStore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let logs = self.timelines.iter().flat_map(|(workspace, timeline)| {
            let logs = timeline.chunks.iter().flat_map(|chunk| chunk.iter());
            logs.map(move |log| (workspace, log))
        });
        serializer.collect_seq(logs.map(|(workspace, log)| SavedLog {
            workspace: workspace.clone(),
            at: log.at,
            number: log.number,
            api_key: self.strings.resolve(log.attributes.api_key).to_owned(),
            entry: (&*log.entry).into(),
        }))
    }
}

impl<'de> Deserialize<'de> for LogStore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut logs = Self::default();
        for saved in Vec::<SavedLog>::deserialize(deserializer)? {
            let entry: Value = serde_json::from_str(&saved.entry).map_err(D::Error::custom)?;
            let log = Log {
                at: saved.at,
                number: saved.number,
                attributes: LogAttributes::from_entry(&entry, &saved.api_key, &mut logs.strings),
                entry: saved.entry.into(),
            };
            logs.put(&saved.workspace, log);
        }
        Ok(logs)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CHUNK_SIZE, LogStore};

    fn entry(trace: &str) -> Value {
        let metadata = if trace.is_empty() {
            json!({})
        } else {
            json!({"trace_id": trace})
        };
        json!({"metadata": metadata, "request": {"url": "", "body": {}}, "response": {"body": {}}})
    }

    fn times(logs: &LogStore, from: i64, to: i64) -> Vec<i64> {
        logs.in_range("w", &(from..=to)).map(|log| log.at).collect()
    }

    #[test]
    fn logs_are_sorted_by_time_regardless_of_arrival() {
        let count = 3 * CHUNK_SIZE as i64 + 7;
        let mut logs = LogStore::default();
        // Every third log arrives late.
        for at in (0..count).filter(|at| at % 3 > 0) {
            logs.insert("w", at, "key", &entry(""));
        }
        for at in (0..count).filter(|at| at % 3 == 0).rev() {
            logs.insert("w", at, "key", &entry(""));
        }
        assert_eq!(times(&logs, 0, count), (0..count).collect::<Vec<_>>());
        assert_eq!(times(&logs, 1000, 1002), [1000, 1001, 1002]);
        assert!(times(&logs, count, i64::MAX).is_empty() && times(&logs, -9, -1).is_empty());
        assert!(times(&logs, 9, 3).is_empty());
        let ids: Vec<String> = logs
            .in_range("w", &(0..=count))
            .map(super::Log::id)
            .collect();
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(logs.get("w", id).map(|log| log.at), Some(at as i64));
        }
        assert!(logs.get("w", "nonsense").is_none() && logs.get("other", &ids[0]).is_none());
    }

    #[test]
    fn a_trace_finds_its_first_log() {
        let mut logs = LogStore::default();
        for (at, trace) in [(5, "a"), (6, "a"), (7, "")] {
            logs.insert("w", at, "key", &entry(trace));
        }
        assert_eq!(logs.first_of_trace("w", "a").map(|log| log.at), Some(5));
        let last = logs.in_range("w", &(7..=7)).next().unwrap();
        assert_eq!(
            logs.first_of_trace("w", &logs.trace_id(last)).unwrap().at,
            7
        );
        logs.remove_workspace("w");
        assert!(logs.first_of_trace("w", "a").is_none());
    }

    #[test]
    fn serialisation_round_trips() {
        let mut logs = LogStore::default();
        for at in 0..10 {
            logs.insert(if at % 2 == 0 { "v" } else { "w" }, 3, "key", &entry("t"));
        }
        let json = serde_json::to_string(&logs).unwrap();
        let read: LogStore = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(read.next_number, 10);
    }

    #[test]
    fn a_clone_is_independent() {
        let mut logs = LogStore::default();
        logs.insert("w", 1, "key", &entry(""));
        let before = logs.clone();
        logs.insert("w", 2, "key", &entry(""));
        assert_eq!(
            (times(&before, 0, 9), times(&logs, 0, 9)),
            (vec![1], vec![1, 2])
        );
    }
}
