//! Log exports: a draft is started, runs for a short time, and can then be downloaded.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::state::table::{Row, Table, row};

/// The duration of an export, by the emulator's clock.
pub(crate) const RUN_DURATION: TimeDelta = TimeDelta::seconds(2);

/// The maximum number of logs in an export.
pub(crate) const MAX_LOGS: usize = 50_000;

pub(crate) type LogExports = Table<LogExport>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogExport {
    pub(crate) id: String,
    pub(crate) workspace_id: String,
    pub(crate) description: Option<String>,
    pub(crate) filters: Map<String, Value>,
    pub(crate) requested_data: Vec<String>,
    pub(crate) progress: Progress,
    pub(crate) created_by: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    Draft,
    /// Contains the logs from before the start. Links to the file are signed with the secret.
    Started {
        at: DateTime<Utc>,
        secret: String,
        total: usize,
    },
    Stopped,
}

row! { LogExport: "log export", id: id, workspace: workspace_id }

impl LogExport {
    pub(crate) fn status(&self, now: DateTime<Utc>) -> &'static str {
        match &self.progress {
            Progress::Draft => "draft",
            Progress::Started { at, .. } if now < *at + RUN_DURATION => "in_progress",
            Progress::Started { .. } => "success",
            Progress::Stopped => "stopped",
        }
    }

    /// Returns the number of logs to skip and to take, as the filters may select a page.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn page(&self) -> (usize, usize) {
        // The cast truncates and saturates: a negative number becomes 0.
        let number = |name| {
            self.filters
                .get(name)?
                .as_f64()
                .map(|number| number as usize)
        };
        let size = number("page_size").unwrap_or(MAX_LOGS).min(MAX_LOGS);
        let page = number("current_page").unwrap_or(0);
        (page.saturating_mul(size), size)
    }

    /// Returns the signature of a link that expires at `expires`; `None` unless the export was
    /// started. It detects invalid links but is not cryptographically secure.
    pub(crate) fn signature(&self, expires: i64) -> Option<String> {
        let Progress::Started { secret, .. } = &self.progress else {
            return None;
        };
        let mut hasher = DefaultHasher::new();
        (secret, &self.id, expires).hash(&mut hasher);
        Some(format!("{:016x}", hasher.finish()))
    }
}
