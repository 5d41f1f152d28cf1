//! Rate-limit policies. They are stored but not enforced.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::organisation::OrganisationInfo;
use super::plain::Plain;
use super::policies::Policy;
use super::table::{Row, Table, row};
use crate::call::Call;
use crate::error::ApiError;

pub(crate) type RatePolicies = Table<RatePolicy>;

/// The maximum usage of each group of requests in a unit of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RatePolicy {
    policy: Policy,
    unit: String,
    /// `llm` or `mcp_tools`; it cannot change (V137).
    #[serde(default)]
    target: Option<String>,
    value: f64,
}

row! { RatePolicy: "rate limits policy", id: policy.id, workspace: policy.workspace_id }

impl Plain for RatePolicy {
    fn new(call: &Call) -> Result<Self, ApiError> {
        Ok(Self {
            policy: Policy::new(call)?,
            unit: call.required_str("unit")?.to_owned(),
            target: call.body_str("target").map(str::to_owned),
            value: call.body_value("value").as_f64().unwrap_or(0.0),
        })
    }

    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        self.policy.apply(call)?;
        call.set_str("unit", &mut self.unit);
        if let Some(value) = call.body_value("value").as_f64() {
            self.value = value;
        }
        Ok(())
    }

    fn json(&self, organisation: &OrganisationInfo, _: &Call) -> Value {
        let mut body = self.policy.json(organisation);
        body["unit"] = json!(self.unit);
        body["target"] = json!(self.target.as_deref().unwrap_or("llm"));
        body["value"] = json!(self.value);
        body
    }

    fn created_json(&self) -> Value {
        self.policy.created_json()
    }

    fn matches(&self, call: &Call) -> bool {
        self.policy.matches_query(call) && call.matches_filter("unit", &self.unit)
    }
}
