//! Usage counters and reset schedules of keys and policies.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::logs::attributes::LogAttributes;

/// The usage, in dollars or tokens.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UsageCounter {
    pub(crate) usage: f64,
    /// The time of the last addition. Usage from before the latest reset no longer counts.
    pub(crate) last_counted: Option<DateTime<Utc>>,
}

impl UsageCounter {
    /// Returns the usage since the latest reset.
    pub(crate) fn since_reset(&self, reset: Option<DateTime<Utc>>) -> f64 {
        // `None` is less than any time: without a reset, all usage counts.
        if self.last_counted < reset {
            0.0
        } else {
            self.usage
        }
    }

    /// Adds to the usage.
    pub(crate) fn add(&mut self, amount: f64, reset: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        self.usage = self.since_reset(reset) + amount;
        self.last_counted = Some(now);
    }
}

/// Returns the amount that a log adds to a counter of `cost`, `tokens` or `requests`.
pub(crate) fn usage_amount(kind: &str, attributes: &LogAttributes) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    match kind {
        // The cost of logs is in cents, limits are in dollars.
        "cost" => attributes.cost / 100.0,
        "requests" => 1.0,
        _ => attributes.total_tokens as f64,
    }
}

/// The `usage_limits` of a key: an object, or a list of at most one object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsageLimits<'a> {
    pub(crate) limits: &'a Value,
    /// The start of the first period, if periods are in days.
    pub(crate) created: DateTime<Utc>,
}

impl<'a> UsageLimits<'a> {
    pub(crate) fn new(limits: &'a Value, created: DateTime<Utc>) -> Self {
        let limits = limits.get(0).unwrap_or(limits);
        Self { limits, created }
    }

    /// Returns whether there is a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.limits["credit_limit"].is_number()
    }

    /// Counts a log; the default type is `cost`.
    pub(crate) fn record(
        &self,
        counter: &mut UsageCounter,
        attributes: &LogAttributes,
        now: DateTime<Utc>,
    ) {
        let kind = self.limits["type"].as_str().unwrap_or("cost");
        counter.add(usage_amount(kind, attributes), self.last_reset(now), now);
    }

    /// Returns whether the usage has reached the limit.
    pub(crate) fn is_exhausted(&self, counter: &UsageCounter, now: DateTime<Utc>) -> bool {
        let limit = self.limits["credit_limit"].as_f64();
        limit.is_some_and(|limit| counter.since_reset(self.last_reset(now)) >= limit)
    }

    /// Returns the time of the last automatic reset.
    pub(crate) fn last_reset(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let scheduled_reset = self.scheduled_reset().filter(|at| *at <= now);
        ResetSchedule::from_limits(self.limits)
            .last_reset(self.created, now)
            .max(scheduled_reset)
    }

    /// Returns the time of the next automatic reset, if any.
    pub(crate) fn next_reset(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let period = ResetSchedule::from_limits(self.limits).period(self.created, now);
        let scheduled_reset = self.scheduled_reset().filter(|at| *at > now);
        scheduled_reset.or(period.map(|(_, end)| end))
    }

    /// Returns the explicit reset time of the limits.
    fn scheduled_reset(&self) -> Option<DateTime<Utc>> {
        self.limits["next_usage_reset_at"].as_str()?.parse().ok()
    }
}

/// The schedule of automatic usage resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResetSchedule {
    Never,
    /// On Mondays, at midnight UTC.
    Weekly,
    /// On the first of the month, at midnight UTC.
    Monthly,
    /// Every `n` days, starting at the creation.
    Days(u16),
}

impl ResetSchedule {
    /// Returns the schedule in the `usage_limits` of a key.
    fn from_limits(limits: &Value) -> Self {
        let days = limits["periodic_reset_days"].as_u64();
        match (limits["periodic_reset"].as_str(), days.map(u16::try_from)) {
            (Some("weekly"), _) => Self::Weekly,
            (Some("monthly"), _) => Self::Monthly,
            (_, Some(Ok(days))) => Self::Days(days),
            _ => Self::Never,
        }
    }

    /// Returns the time of the last automatic reset since the creation.
    pub(crate) fn last_reset(
        self,
        created: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let (start, _) = self.period(created, now)?;
        (start > created).then_some(start)
    }

    /// Returns the start and the end of the current period.
    pub(crate) fn period(
        self,
        created: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let today = now.date_naive();
        match self {
            Self::Never => None,
            Self::Weekly => {
                let past = u64::from(today.weekday().num_days_from_monday());
                let monday = today.checked_sub_days(Days::new(past))?;
                Some((
                    midnight(monday),
                    midnight(monday.checked_add_days(Days::new(7))?),
                ))
            }
            Self::Monthly => {
                let first = today.with_day(1)?;
                Some((
                    midnight(first),
                    midnight(first.checked_add_months(Months::new(1))?),
                ))
            }
            Self::Days(days) => {
                let length = i64::from(days.max(1));
                let past = (now - created).num_days().div_euclid(length) * length;
                let start = created.checked_add_signed(TimeDelta::days(past))?;
                Some((start, start.checked_add_signed(TimeDelta::days(length))?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::ResetSchedule;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    #[test]
    fn periods_follow_the_calendar() {
        let created = at("2026-01-05T10:00:00Z");
        for (resets, now, start, end) in [
            (
                ResetSchedule::Weekly,
                "2026-02-01T23:59:59Z",
                "2026-01-26",
                "2026-02-02",
            ),
            (
                ResetSchedule::Weekly,
                "2026-02-02T00:00:00Z",
                "2026-02-02",
                "2026-02-09",
            ),
            (
                ResetSchedule::Monthly,
                "2026-12-31T00:00:00Z",
                "2026-12-01",
                "2027-01-01",
            ),
        ] {
            let midnight = |day: &str| at(&format!("{day}T00:00:00Z"));
            assert_eq!(
                resets.period(created, at(now)),
                Some((midnight(start), midnight(end)))
            );
        }
        assert_eq!(
            ResetSchedule::Days(10).period(created, at("2026-01-25T09:00:00Z")),
            Some((at("2026-01-15T10:00:00Z"), at("2026-01-25T10:00:00Z")))
        );
        assert_eq!(ResetSchedule::Never.period(created, created), None);
    }
}
