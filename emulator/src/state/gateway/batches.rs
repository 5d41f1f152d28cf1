//! Batches, which execute the requests of an uploaded file like single requests.
//!
//! The requests are executed when the batch is created; by the emulator's clock the batch is in
//! progress for two seconds.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::gateway::ResourceKey;
use crate::state::table::{Row, row};

/// How long a batch is in progress, and when it expires.
pub(crate) const RUN_DURATION: TimeDelta = TimeDelta::seconds(2);

pub(crate) const EXPIRY: TimeDelta = TimeDelta::hours(24);

/// A batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) key: ResourceKey,
    pub(crate) input_file_id: String,
    pub(crate) endpoint: String,
    pub(crate) completion_window: String,
    pub(crate) metadata: Value,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
    pub(crate) total: usize,
    /// The errors in the input file; if there are any, there is no output.
    pub(crate) errors: Vec<Value>,
    pub(crate) output_file_id: Option<String>,
}

row! { Batch: "batch", id: key.id, workspace: key.workspace_id }

impl Batch {
    pub(crate) fn status(&self, now: DateTime<Utc>) -> &'static str {
        if !self.errors.is_empty() {
            "failed"
        } else if self.cancelled_at.is_some() {
            "cancelled"
        } else if now < self.created_at + RUN_DURATION {
            "in_progress"
        } else {
            "completed"
        }
    }

    pub(crate) fn json(&self, now: DateTime<Utc>) -> Value {
        let status = self.status(now);
        let completed_at = self.created_at + RUN_DURATION;
        let completed = (status == "completed").then_some(completed_at);
        let failed = (status == "failed").then_some(self.created_at);
        let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
        let errors_json = match self.errors.as_slice() {
            [] => Value::Null,
            errors => json!({"object": "list", "data": errors}),
        };
        json!({
            "id": self.key.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": errors_json,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": status,
            "output_file_id": completed.and(self.output_file_id.as_ref()),
            "error_file_id": null,
            "created_at": self.created_at.timestamp(),
            "in_progress_at": self.created_at.timestamp(),
            "expires_at": (self.created_at + EXPIRY).timestamp(),
            "finalizing_at": seconds(completed),
            "completed_at": seconds(completed),
            "failed_at": seconds(failed),
            "cancelling_at": seconds(self.cancelled_at),
            "cancelled_at": seconds(self.cancelled_at),
            "request_counts": {
                "total": self.total,
                "completed": completed.map_or(0, |_| self.total),
                "failed": 0,
            },
            "metadata": self.metadata,
        })
    }
}
