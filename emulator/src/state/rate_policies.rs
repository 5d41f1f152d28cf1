//! Rate-limit policies. They are stored but not enforced.

use serde::{Deserialize, Serialize};

use crate::state::policies::Policy;
use crate::state::table::{Row, Table};

pub(crate) type RatePolicies = Table<RatePolicy>;

/// The maximum usage of each group of requests in a unit of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RatePolicy {
    pub(crate) policy: Policy,
    pub(crate) unit: String,
    pub(crate) value: f64,
}

impl Row for RatePolicy {
    const NAME: &'static str = "rate limits policy";

    fn id(&self) -> &str {
        &self.policy.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.policy.workspace_id)
    }
}
