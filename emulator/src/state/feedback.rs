//! Feedback on traced requests.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::table::{Row, Table, row};

pub(crate) type Feedback = Table<FeedbackItem>;

/// Feedback on the response of a traced request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FeedbackItem {
    pub(crate) id: String,
    pub(crate) workspace_id: String,
    pub(crate) trace_id: String,
    /// From -10 to 10.
    pub(crate) value: i64,
    /// From 0 to 1.
    pub(crate) weight: f64,
    pub(crate) metadata: Value,
    /// Milliseconds since the Unix epoch.
    pub(crate) at: i64,
}

row! { FeedbackItem: "feedback", id: id, workspace: workspace_id }

impl FeedbackItem {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn weighted(&self) -> f64 {
        self.value as f64 * self.weight
    }
}
