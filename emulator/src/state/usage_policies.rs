//! Usage-limit policies, and the usage of each group of requests. Every inserted log counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::{Call, timestamp};
use crate::error::ApiError;
use crate::state::logs::attributes::LogAttributes;
use crate::state::organisation::OrganisationInfo;
use crate::state::plain::Plain;
use crate::state::policies::Policy;
use crate::state::table::{Row, Table, row};
use crate::state::usage::{self, ResetSchedule, UsageCounter};

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
    #[serde(default)]
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

row! { UsagePolicy: "usage limits policy", id: policy.id, workspace: policy.workspace_id }

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

    /// Returns whether a group has used up the limit.
    pub(crate) fn is_exhausted(&self, group: &str, now: DateTime<Utc>) -> bool {
        let entity = self.entities.get(group);
        entity.is_some_and(|entity| self.usage(entity, now) >= self.credit_limit)
    }

    pub(crate) fn record(&mut self, group: String, attributes: &LogAttributes, call: &Call) {
        let (amount, reset) = (
            usage::usage_amount(&self.policy.kind, attributes),
            self.last_reset(call.now),
        );
        let entity = self.entities.entry(group).or_insert_with(|| Entity {
            id: call.ids.uuid(),
            usage: UsageCounter::default(),
            last_used_at: None,
        });
        entity.usage.add(amount, reset, call.now);
        entity.last_used_at = Some(call.now);
    }

    /// Returns an item of the list of entities. Its flags are 0 or 1, those of the usage map are
    /// booleans.
    pub(crate) fn entity_json(&self, group: &str, entity: &Entity, usage: f64) -> Value {
        let alert = self.alert_threshold.is_some_and(|alert| usage >= alert);
        json!({
            "id": entity.id,
            "value_key": group,
            "current_usage": usage,
            "status": self.entity_status(usage),
            "is_threshold_alerts_sent": i32::from(alert),
            "is_exhausted_alerts_sent": i32::from(usage >= self.credit_limit),
            "last_used_at": entity.last_used_at.map(timestamp),
            "object": "policy-entity",
        })
    }

    fn usage_map(&self, now: DateTime<Utc>) -> Value {
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
    fn apply_limits(&mut self, call: &Call) -> Result<(), ApiError> {
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
        self.reset_schedule = parse_reset_schedule(call, self.reset_schedule);
        Ok(())
    }
}

impl Plain for UsagePolicy {
    fn new(call: &Call) -> Result<Self, ApiError> {
        let mut limits_policy = Self {
            policy: Policy::new(call)?,
            credit_limit: 0.0,
            alert_threshold: None,
            reset_schedule: ResetSchedule::Never,
            created_at: call.now,
            entities: BTreeMap::new(),
        };
        limits_policy.apply_limits(call)?;
        Ok(limits_policy)
    }

    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        self.apply_limits(call)?;
        if let Some(group) = call.body_str("reset_usage_for_value") {
            let entity = self.entities.get_mut(group).ok_or_else(|| {
                ApiError::invalid_field("reset_usage_for_value", "is not a group of this policy")
            })?;
            entity.usage = UsageCounter::default();
        }
        self.policy.apply(call)
    }

    fn json(&self, organisation: &OrganisationInfo, call: &Call) -> Value {
        let now = call.now;
        let mut body = self.policy.json(organisation);
        let period = match self.reset_schedule {
            ResetSchedule::Weekly => Some("weekly"),
            ResetSchedule::Monthly => Some("monthly"),
            ResetSchedule::Never | ResetSchedule::Days(_) => None,
        };
        let days = match self.reset_schedule {
            ResetSchedule::Days(days) => Some(days),
            _ => None,
        };
        let next = days.and_then(|_| self.reset_schedule.period(self.created_at, now));
        body["credit_limit"] = json!(self.credit_limit);
        body["alert_threshold"] = json!(self.alert_threshold);
        body["periodic_reset"] = json!(period);
        body["periodic_reset_days"] = json!(days);
        body["last_reset_at"] = json!(self.last_reset(now).map(timestamp));
        body["next_usage_reset_at"] = json!(next.map(|(_, end)| timestamp(end)));
        body
    }

    fn detail_json(&self, organisation: &OrganisationInfo, call: &Call) -> Value {
        let mut body = self.json(organisation, call);
        if call.query.get("include_usage") == Some(&json!(true)) {
            body["value_key_usage_map"] = self.usage_map(call.now);
        }
        body
    }

    fn created_json(&self) -> Value {
        self.policy.created_json()
    }

    fn matches(&self, call: &Call) -> bool {
        self.policy.matches_query(call)
    }
}

fn parse_reset_schedule(call: &Call, before: ResetSchedule) -> ResetSchedule {
    let days = call.body_value("periodic_reset_days").as_u64();
    let days = days.and_then(|days| u16::try_from(days).ok());
    match (call.body_field("periodic_reset"), days) {
        (_, Some(days)) => ResetSchedule::Days(days),
        (None, None) => before,
        (Some(period), None) => match period.as_str() {
            Some("weekly") => ResetSchedule::Weekly,
            Some("monthly") => ResetSchedule::Monthly,
            _ => ResetSchedule::Never,
        },
    }
}
