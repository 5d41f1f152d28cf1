//! Cost and usage over seeded figures.
//!
//! The figures are a pure function of the hour: since [`FIRST_HOUR`], the three seeded users have
//! each sent some requests at the start of every hour, all of them in the seeded workspace. The
//! same window therefore always has the same figures.

use chrono::{DateTime, Duration, DurationRound, Utc};
use serde_json::{Value, json};

use crate::call::{Call, Caller, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::State;

pub(crate) const HANDLERS: Handlers = &[
    ("get_cost_graph", cost_graph),
    ("get_usage_by_user", usage_by_user),
];

/// 2026-01-01T00:00:00Z, in hours since the Unix epoch.
const FIRST_HOUR: i64 = 490_896;

/// Users with figures: the seeded ones.
const USERS: i64 = 3;

/// Longer windows have one data point for each day, shorter ones for each hour.
const HOURLY: i64 = 48;

/// Requests and cost, in hundredths of a cent so that sums are exact.
#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    requests: i64,
    cost: i64,
}

impl Figures {
    /// What a user (0, 1, 2) did in an hour.
    fn of(hour: i64, user: i64) -> Self {
        let requests = 1 + (hour * 7 + user * 5).rem_euclid(11);
        Self {
            requests,
            cost: requests * (125 + 25 * user),
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            cost: self.cost + other.cost,
        }
    }

    /// Cents.
    #[allow(clippy::cast_precision_loss)]
    fn cents(self) -> f64 {
        self.cost as f64 / 100.0
    }

    /// Cents for each request.
    #[allow(clippy::cast_precision_loss)]
    fn average(self) -> f64 {
        if self.requests == 0 {
            0.0
        } else {
            self.cents() / self.requests as f64
        }
    }
}

/// The hours whose start lies in the requested window and in the past.
fn hours(state: &State, call: &Call) -> Result<std::ops::Range<i64>, Refusal> {
    let start = boundary(call, "time_of_generation_min")?;
    let end = boundary(call, "time_of_generation_max")?.min(call.now);
    if !measured(state, call)? {
        return Ok(0..0);
    }
    let first_at_or_after =
        |at: DateTime<Utc>| (at.timestamp_millis() + 3_599_999).div_euclid(3_600_000);
    Ok(first_at_or_after(start).max(FIRST_HOUR)..first_at_or_after(end).max(FIRST_HOUR))
}

fn boundary(call: &Call, name: &str) -> Result<DateTime<Utc>, Refusal> {
    let text = call.query_text(name).unwrap_or_default();
    let parsed = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
    parsed.map_err(|_| Refusal::invalid(format!("query parameter `{name}` is not a date and time")))
}

/// Whether the question is about the workspace that has figures; a workspace key asks about its own.
fn measured(state: &State, call: &Call) -> Result<bool, Refusal> {
    match (
        &call.caller,
        call.query_text("workspace_slug")
            .filter(|slug| !slug.is_empty()),
    ) {
        (Caller::Workspace(own), _) => Ok(*own == state.measured_workspace),
        (Caller::Organisation, None) => Ok(true),
        (Caller::Organisation, Some(slug)) => {
            let position = state.workspace_position(slug, &call.caller)?;
            Ok(state.workspaces[position].id == state.measured_workspace)
        }
    }
}

/// What all users did in an hour.
fn of_all(hour: i64) -> Figures {
    (0..USERS)
        .map(|user| Figures::of(hour, user))
        .fold(Figures::default(), Figures::add)
}

fn cost_graph(state: &mut State, call: &Call) -> Answer {
    let hours = hours(state, call)?;
    let width = if hours.end - hours.start <= HOURLY {
        Duration::hours(1)
    } else {
        Duration::days(1)
    };
    let mut total = Figures::default();
    let mut points: Vec<(DateTime<Utc>, Figures)> = Vec::new();
    for hour in hours {
        let figures = of_all(hour);
        let at = DateTime::from_timestamp(hour * 3600, 0)
            .and_then(|at| at.duration_trunc(width).ok())
            .unwrap_or_default();
        total = total.add(figures);
        match points.last_mut() {
            Some((last, sum)) if *last == at => *sum = sum.add(figures),
            _ => points.push((at, figures)),
        }
    }
    let point = |(at, figures): &(DateTime<Utc>, Figures)| json!({"timestamp": timestamp(*at), "total": figures.cents(), "avg": figures.average()});
    Ok(Reply::json(json!({
        "summary": {"total": total.cents(), "avg": total.average()},
        "data_points": points.iter().map(point).collect::<Vec<Value>>(),
        "object": "analytics-graph",
    })))
}

/// Numbers come as text here, as the document says.
fn usage_by_user(state: &mut State, call: &Call) -> Answer {
    let hours = hours(state, call)?;
    let row = |user: i64| {
        let sum = hours
            .clone()
            .map(|hour| Figures::of(hour, user))
            .fold(Figures::default(), Figures::add);
        (sum.requests > 0).then(|| {
            json!({
                "user": format!("user{}@example.com", user + 1),
                "requests": sum.requests.to_string(),
                "cost": sum.cents().to_string(),
                "object": "analytics-group",
            })
        })
    };
    Ok(call.page((0..USERS).filter_map(row).collect()))
}
