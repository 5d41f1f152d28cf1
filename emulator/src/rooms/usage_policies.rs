//! Usage-limit policies, and what each group of requests has used: every log that is inserted counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::logs::Facts;
use super::meter::{self, Meter, Resets};
use super::policies::Policy;
use super::{Room, State};
use crate::call::{Call, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    forget_workspace: |state, workspace| state.usage_policies.forget_workspace(workspace),
    ..Room::of(&[
        ("list_usage_limits_policies", Read(list)),
        ("get_usage_limits_policy", Read(get)),
        ("create_usage_limits_policy", Write(create)),
        ("update_usage_limits_policy", Write(update)),
        ("delete_usage_limits_policy", Write(delete)),
        ("list_usage_limits_policy_entities", Read(list_entities)),
        ("reset_usage_limits_policy_entity", Write(reset_entity)),
    ])
};

pub(crate) type UsagePolicies = Shelf<UsagePolicy>;

/// How much each group of requests may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UsagePolicy {
    policy: Policy,
    credit_limit: f64,
    alert_threshold: Option<f64>,
    resets: Resets,
    created: DateTime<Utc>,
    /// What each group has used, by the keys and values that make it.
    entities: BTreeMap<String, Entity>,
}

/// What one group has used.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entity {
    id: String,
    #[serde(flatten)]
    meter: Meter,
}

impl Item for UsagePolicy {
    const NAME: &'static str = "usage limits policy";

    fn id(&self) -> &str {
        &self.policy.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.policy.workspace_id)
    }
}

impl UsagePolicy {
    /// When usage was last set to zero by itself.
    fn last_reset(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.resets.last(self.created, now)
    }

    /// What a group has used since the latest reset.
    fn usage(&self, entity: &Entity, now: DateTime<Utc>) -> f64 {
        entity.meter.usage(self.last_reset(now))
    }

    fn entity_status(&self, usage: f64) -> &'static str {
        if usage >= self.credit_limit {
            "exhausted"
        } else {
            "active"
        }
    }

    fn count(&mut self, group: String, facts: &Facts, call: &Call) {
        let (more, reset) = (
            meter::amount(&self.policy.kind, facts),
            self.last_reset(call.now),
        );
        let entity = self.entities.entry(group).or_insert_with(|| Entity {
            id: call.ids.uuid(),
            meter: Meter::default(),
        });
        entity.meter.add(more, reset, call.now);
    }

    fn json(&self, state: &State, now: DateTime<Utc>) -> Value {
        let mut body = self.policy.json(state);
        let period = match self.resets {
            Resets::Weekly => Some("weekly"),
            Resets::Monthly => Some("monthly"),
            Resets::Never | Resets::Days(_) => None,
        };
        let days = match self.resets {
            Resets::Days(days) => Some(days),
            _ => None,
        };
        let next = days.and_then(|_| self.resets.period(self.created, now));
        body["credit_limit"] = json!(self.credit_limit);
        body["alert_threshold"] = json!(self.alert_threshold);
        body["periodic_reset"] = json!(period);
        body["periodic_reset_days"] = json!(days);
        body["last_reset_at"] = json!(self.last_reset(now).map(timestamp));
        body["next_usage_reset_at"] = json!(next.map(|(_, end)| timestamp(end)));
        body
    }

    fn usage_map(&self, now: DateTime<Utc>) -> Value {
        let shown = |(group, entity): (&String, &Entity)| {
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
        Value::Object(self.entities.iter().map(shown).collect::<Map<_, _>>())
    }

    /// Takes over the limits of a body; null ends what can be left out.
    fn apply(&mut self, call: &Call) -> Result<(), Refusal> {
        if let Some(limit) = call.value("credit_limit").as_f64() {
            self.credit_limit = limit;
        }
        if let Some(alert) = call.given("alert_threshold") {
            self.alert_threshold = alert.as_f64();
        }
        if self
            .alert_threshold
            .is_some_and(|alert| alert > self.credit_limit)
        {
            return Err(Refusal::invalid_field(
                "alert_threshold",
                "is above `credit_limit`",
            ));
        }
        self.resets = resets(call, self.resets)?;
        Ok(())
    }
}

fn resets(call: &Call, before: Resets) -> Result<Resets, Refusal> {
    let days = call.value("periodic_reset_days").as_u64();
    let days = days.and_then(|days| u16::try_from(days).ok());
    match (call.given("periodic_reset"), days) {
        (Some(Value::String(_)), Some(_)) => Err(Refusal::invalid_field(
            "periodic_reset_days",
            "goes with no `periodic_reset`",
        )),
        (_, Some(days)) => Ok(Resets::Days(days)),
        (None, None) => Ok(before),
        (Some(period), None) => Ok(match period.as_str() {
            Some("weekly") => Resets::Weekly,
            Some("monthly") => Resets::Monthly,
            _ => Resets::Never,
        }),
    }
}

/// Counts a request that is being logged for every policy that is about it.
pub(crate) fn count(state: &mut State, workspace: &str, facts: &Facts, call: &Call) {
    let policies = state.usage_policies.in_workspace(workspace);
    let groups: Vec<(String, String)> = policies
        .iter()
        .filter_map(|own| {
            let group = own.policy.group(state, workspace, facts)?;
            Some((own.policy.id.clone(), group))
        })
        .collect();
    for (id, group) in groups {
        let counting = |own: &mut UsagePolicy| own.count(group, facts, call);
        state.usage_policies.edit(&id, counting);
    }
}

fn list(state: &State, call: &Call) -> Answer {
    let policies = state.usage_policies.listed(call);
    let wanted = policies.filter(|own| own.policy.is_asked_for(call));
    Ok(call.page(wanted, |own| own.json(state, call.now)))
}

fn get(state: &State, call: &Call) -> Answer {
    let own = state.usage_policies.find(call.id(0), call)?;
    if !own.policy.is_asked_for(call) {
        return Err(Refusal::missing(UsagePolicy::NAME));
    }
    let mut body = own.json(state, call.now);
    if call.query.get("include_usage") == Some(&json!(true)) {
        body["value_key_usage_map"] = own.usage_map(call.now);
    }
    Ok(Reply::json(body))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let mut own = UsagePolicy {
        policy: Policy::new(call)?,
        credit_limit: 0.0,
        alert_threshold: None,
        resets: Resets::Never,
        created: call.now,
        entities: BTreeMap::new(),
    };
    own.apply(call)?;
    let body = json!({"id": own.policy.id, "object": "policy"});
    state.usage_policies.put(own);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut own = state.usage_policies.find(call.id(0), call)?.clone();
    own.apply(call)?;
    if let Some(group) = call.text("reset_usage_for_value") {
        let entity = own.entities.get_mut(group).ok_or_else(|| {
            Refusal::invalid_field("reset_usage_for_value", "is no group of this policy")
        })?;
        entity.meter = Meter::default();
    }
    own.policy.apply(call);
    state.usage_policies.put(own);
    Ok(Reply::done())
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let id = state
        .usage_policies
        .find(call.id(0), call)?
        .policy
        .id
        .clone();
    state.usage_policies.remove(&id);
    Ok(Reply::done())
}

fn list_entities(state: &State, call: &Call) -> Answer {
    let own = state.usage_policies.find(call.id(0), call)?;
    let search = call.query_text("search").unwrap_or_default();
    let wanted = own.entities.iter().filter_map(|(group, entity)| {
        let usage = own.usage(entity, call.now);
        let asked = group.contains(search) && call.admits("status", own.entity_status(usage));
        asked.then_some((group, &entity.id, usage))
    });
    let rows: Vec<_> = wanted.collect();
    Ok(call.page(
        rows,
        |(group, id, usage)| json!({"id": id, "value_key": group, "current_usage": usage}),
    ))
}

fn reset_entity(state: &mut State, call: &Call) -> Answer {
    let mut own = state.usage_policies.find(call.id(0), call)?.clone();
    let mut entities = own.entities.values_mut();
    let entity = entities.find(|entity| entity.id == call.id(1));
    entity.ok_or_else(|| Refusal::missing("entity"))?.meter = Meter::default();
    state.usage_policies.put(own);
    Ok(Reply::done())
}
