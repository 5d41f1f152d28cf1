//! Request logs that clients insert and read.

pub(crate) mod attributes;
pub(crate) mod filter;
pub(crate) mod log_store;

use chrono::DateTime;

use crate::call::timestamp;
use crate::state::logs::log_store::LogStore;
use crate::state::table::ResourceState;

pub(crate) type Logs = LogStore;

/// Formats the time of a log, given in milliseconds since the Unix epoch.
pub(crate) fn format_millis(millis: i64) -> String {
    timestamp(DateTime::from_timestamp_millis(millis).unwrap_or_default())
}

impl ResourceState for Logs {
    fn remove_workspace(&mut self, workspace: &str) {
        Self::remove_workspace(self, workspace);
    }
}
