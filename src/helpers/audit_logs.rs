//! The audit log as a stream that continues where an earlier one ended.
//!
//! Records have no id, their order is not documented, and records can share a timestamp (M294). So a
//! part of the time range is read completely, sorted, and compared with the records that were
//! yielded before.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::Stream;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    audit::{AuditLog, ListAuditLogs},
};

/// The maximum page size.
const PAGE_SIZE: u32 = 100;

/// The most records that are held in memory, if the service returns the total.
const MAX_RECORDS: u64 = 10_000;

/// The shortest part of the time range that is read at once.
const MIN_RANGE: TimeDelta = TimeDelta::seconds(1);

/// The resolution of the parameters for the time range.
const RESOLUTION: TimeDelta = TimeDelta::milliseconds(1);

const DEFAULT_OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// A position in the audit log: everything up to a time, and the records that were yielded shortly
/// before it.
///
/// Serialize it after a record was processed, and pass it to
/// [`since`](crate::audit::ListAuditLogs::since) later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLogWatermark {
    start: DateTime<Utc>,
    time: DateTime<Utc>,
    /// Time and identity of the records that may be read again, with their number.
    seen: BTreeMap<DateTime<Utc>, BTreeMap<String, u32>>,
}

impl AuditLogWatermark {
    /// Creates a watermark for the records at this time and later.
    pub fn new(start: impl Into<DateTime<Utc>>) -> Self {
        let start = start.into();
        Self {
            start,
            time: start,
            seen: BTreeMap::new(),
        }
    }

    /// Returns the time of the latest record that was yielded, or the start.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Returns the time from which records are read again.
    fn read_from(&self, overlap: TimeDelta) -> DateTime<Utc> {
        let from = self.time.checked_sub_signed(overlap + RESOLUTION);
        from.map_or(self.start, |from| from.max(self.start))
    }

    /// Adds a record that is yielded, and removes those that are not read again.
    fn add(&mut self, time: DateTime<Utc>, record: &AuditLog, overlap: TimeDelta) {
        self.time = self.time.max(time);
        let records = self.seen.entry(time).or_default();
        *records.entry(identity(record)).or_default() += 1;
        self.seen = self.seen.split_off(&self.read_from(overlap));
    }
}

/// Returns what distinguishes records with the same timestamp. Identical records are counted.
fn identity(record: &AuditLog) -> String {
    let method = record.method.as_ref().map(ToString::to_string);
    let status = record.response_status_code.map(|status| status.to_string());
    let parts = [
        record.request_id.as_deref(),
        record.user_id.as_deref(),
        method.as_deref(),
        record.uri.as_deref(),
        record.resource_type.as_deref(),
        record.action.as_deref(),
        status.as_deref(),
    ];
    parts.map(Option::unwrap_or_default).join(" ")
}

impl ListAuditLogs {
    /// Returns the records after a watermark, up to now, as a stream. Replaces the time range.
    ///
    /// No record is yielded twice and none is lost, also if several have the same timestamp and the
    /// stream was dropped between them. Records that appear in the log up to five minutes late
    /// ([`overlap`](AuditLogStream::overlap)) are yielded by a later stream.
    ///
    /// Records have no id; they count as the same if timestamp, request, user, method, URI, resource,
    /// action and status are equal. Records are yielded in the order of their timestamps. Up to
    /// 10,000 records are held in memory.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use portkey_admin::AuditLogWatermark;
    ///
    /// let watermark: AuditLogWatermark = serde_json::from_slice(&std::fs::read("watermark.json")?)?;
    /// let mut records = client
    ///     .list_audit_logs()
    ///     .organisation_id("id-of-the-organisation")
    ///     .since(watermark);
    /// while let Some(record) = records.next().await {
    ///     println!("{}", serde_json::to_string(&record?)?);
    ///     std::fs::write("watermark.json", serde_json::to_vec(records.watermark())?)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn since(self, watermark: AuditLogWatermark) -> AuditLogStream {
        AuditLogStream {
            list: self,
            end: Utc::now(),
            overlap: DEFAULT_OVERLAP,
            next_start: None,
            watermark,
            ready: VecDeque::new(),
            loading: None,
        }
    }
}

/// The records of the audit log after a watermark, returned by
/// [`since`](crate::audit::ListAuditLogs::since).
///
/// After an error, the next call reads the same part of the log again.
#[must_use = "nothing is sent before the first record is requested"]
pub struct AuditLogStream {
    list: ListAuditLogs,
    end: DateTime<Utc>,
    overlap: TimeDelta,
    /// The end of the part that was read last.
    next_start: Option<DateTime<Utc>>,
    watermark: AuditLogWatermark,
    ready: VecDeque<(DateTime<Utc>, AuditLog)>,
    loading: Option<Loading>,
}

type Loading = Pin<Box<dyn Future<Output = Result<Part, Error>> + Send>>;

/// The records of a part of the time range.
struct Part {
    end: DateTime<Utc>,
    records: Vec<AuditLog>,
}

impl AuditLogStream {
    /// Sets how late a record may appear in the log; the default is 5 minutes. The log is read again
    /// for this time before the watermark, which remembers the records in it.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = TimeDelta::from_std(overlap).unwrap_or(TimeDelta::days(365));
        self
    }

    /// Sets the end of the time range; the default is the time when the stream was created.
    pub fn until(mut self, end: impl Into<DateTime<Utc>>) -> Self {
        self.end = end.into();
        self
    }

    /// Returns the next record; `None` at the end of the time range.
    ///
    /// This method is cancel safe.
    ///
    /// # Errors
    ///
    /// The errors of [`Client::list_audit_logs`](crate::Client::list_audit_logs).
    pub async fn next(&mut self) -> Option<Result<AuditLog, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the position after the last record that was yielded.
    pub fn watermark(&self) -> &AuditLogWatermark {
        &self.watermark
    }

    /// Queues the records of a part that were not yielded before, sorted by time.
    fn queue(&mut self, part: Part) {
        let mut seen = self.watermark.seen.clone();
        let mut is_new = |time: &DateTime<Utc>, record: &AuditLog| {
            let records = seen.get_mut(time);
            match records.and_then(|records| records.get_mut(&identity(record))) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            }
        };
        let records = part.records.into_iter();
        let mut records: Vec<_> = records
            .map(|record| (record.timestamp.unwrap_or(part.end), record))
            .filter(|(time, record)| is_new(time, record))
            .collect();
        records.sort_by_key(|(time, _)| *time);
        self.ready = records.into();
        self.next_start = Some(part.end);
    }
}

/// Reads a part of the log, which is shorter than the given one if that has too many records.
async fn load(
    list: ListAuditLogs,
    start: DateTime<Utc>,
    mut end: DateTime<Utc>,
) -> Result<Part, Error> {
    loop {
        let list = list.clone().start_time(start).end_time(end);
        let mut pages = list.pages().page_size(PAGE_SIZE);
        let mut records = Vec::new();
        let mut is_too_long = false;
        while let Some(page) = pages.next().await {
            let page = page?;
            is_too_long =
                page.total().is_some_and(|total| total > MAX_RECORDS) && end - start > MIN_RANGE;
            if is_too_long {
                break;
            }
            records.extend(page.into_items());
        }
        if !is_too_long {
            return Ok(Part { end, records });
        }
        end = start + (end - start) / 2;
    }
}

impl Stream for AuditLogStream {
    type Item = Result<AuditLog, Error>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<AuditLog, Error>>> {
        let this = self.get_mut();
        loop {
            if let Some((time, record)) = this.ready.pop_front() {
                this.watermark.add(time, &record, this.overlap);
                return Poll::Ready(Some(Ok(record)));
            }
            let start = this
                .next_start
                .unwrap_or_else(|| this.watermark.read_from(this.overlap));
            if this.loading.is_none() && start >= this.end {
                return Poll::Ready(None);
            }
            let (list, end) = (&this.list, this.end);
            let loading = this
                .loading
                .get_or_insert_with(|| Box::pin(load(list.clone(), start, end)));
            let part = ready!(loading.as_mut().poll(context));
            this.loading = None;
            match part {
                Ok(part) => this.queue(part),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl fmt::Debug for AuditLogStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLogStream")
            .field("end", &self.end)
            .field("watermark", &self.watermark.time)
            .finish_non_exhaustive()
    }
}
