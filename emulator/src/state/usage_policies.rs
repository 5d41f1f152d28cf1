//! Usage-limit policies, and the usage of each group of requests. Every inserted log counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::state::logs::attributes::LogAttributes;
use crate::state::policies::Policy;
use crate::state::table::{Row, Table};
use crate::state::usage;
use crate::state::usage::{ResetSchedule, UsageCounter};

pub(crate) type UsagePolicies = Table<UsagePolicy>;

/// The maximum usage of each group of requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UsagePolicy {
    pub(crate) policy: Policy,
    pub(crate) credit_limit: f64,
    pub(crate) alert_threshold: Option<f64>,
    pub(crate) reset_schedule: ResetSchedule,
    pub(crate) created_at: DateTime<Utc>,
    /// The groups, by their keys and values.
    pub(crate) entities: BTreeMap<String, Entity>,
}

/// The usage of one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) usage: UsageCounter,
}

impl Row for UsagePolicy {
    const NAME: &'static str = "usage limits policy";

    fn id(&self) -> &str {
        &self.policy.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.policy.workspace_id)
    }
}

impl UsagePolicy {
    /// Returns the time of the last automatic reset.
    pub(crate) fn last_reset(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.reset_schedule.last_reset(self.created_at, now)
    }

    /// Returns the usage of a group since the latest reset.
    pub(crate) fn usage(&self, entity: &Entity, now: DateTime<Utc>) -> f64 {
        entity.usage.since_reset(self.last_reset(now))
    }

    pub(crate) fn entity_status(&self, usage: f64) -> &'static str {
        if usage >= self.credit_limit {
            "exhausted"
        } else {
            "active"
        }
    }

    pub(crate) fn record(&mut self, group: String, attributes: &LogAttributes, call: &Call) {
        let (amount, reset) = (
            usage::usage_amount(&self.policy.kind, attributes),
            self.last_reset(call.now),
        );
        let entity = self.entities.entry(group).or_insert_with(|| Entity {
            id: call.ids.uuid(),
            usage: UsageCounter::default(),
        });
        entity.usage.add(amount, reset, call.now);
    }

    pub(crate) fn usage_map(&self, now: DateTime<Utc>) -> Value {
        let entry = |(group, entity): (&String, &Entity)| {
            let usage = self.usage(entity, now);
            let alert = self.alert_threshold.is_some_and(|alert| usage >= alert);
            let value = json!({
                "current_usage": usage,
                "status": self.entity_status(usage),
                "is_threshold_alerts_sent": alert,
                "is_exhausted_alerts_sent": usage >= self.credit_limit,
            });
            (group.clone(), value)
        };
        Value::Object(self.entities.iter().map(entry).collect::<Map<_, _>>())
    }

    /// Applies the limits of a create or update request; null clears an optional field.
    pub(crate) fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        if let Some(limit) = call.body_value("credit_limit").as_f64() {
            self.credit_limit = limit;
        }
        if let Some(alert) = call.body_field("alert_threshold") {
            self.alert_threshold = alert.as_f64();
        }
        if self
            .alert_threshold
            .is_some_and(|alert| alert > self.credit_limit)
        {
            return Err(ApiError::invalid_field(
                "alert_threshold",
                "must not exceed `credit_limit`",
            ));
        }
        self.reset_schedule = parse_reset_schedule(call, self.reset_schedule)?;
        Ok(())
    }
}

pub(crate) fn parse_reset_schedule(
    call: &Call,
    before: ResetSchedule,
) -> Result<ResetSchedule, ApiError> {
    let days = call.body_value("periodic_reset_days").as_u64();
    let days = days.and_then(|days| u16::try_from(days).ok());
    match (call.body_field("periodic_reset"), days) {
        (Some(Value::String(_)), Some(_)) => Err(ApiError::invalid_field(
            "periodic_reset_days",
            "and `/periodic_reset` are mutually exclusive",
        )),
        (_, Some(days)) => Ok(ResetSchedule::Days(days)),
        (None, None) => Ok(before),
        (Some(period), None) => Ok(match period.as_str() {
            Some("weekly") => ResetSchedule::Weekly,
            Some("monthly") => ResetSchedule::Monthly,
            _ => ResetSchedule::Never,
        }),
    }
}
