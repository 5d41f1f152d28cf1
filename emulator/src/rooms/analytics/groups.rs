//! Groups: figures for each user, model, provider, workspace and the like.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::super::logs::{Log, Name, moment};
use super::super::{State, feedback};
use super::{Question, Totals, float, per_cent, percentile, ratio};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};

/// What makes a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Name(Name),
    Status(u16),
    /// By UUID.
    Workspace(&'a str),
}

impl Key<'_> {
    fn text(self, state: &State) -> String {
        match self {
            Key::Name(name) => state.logs.names.text(name).to_owned(),
            Key::Status(status) => status.to_string(),
            Key::Workspace(id) => {
                let workspace = state.workspaces.get(id);
                workspace.map_or(id, |workspace| &workspace.slug).to_owned()
            }
        }
    }
}

/// The figures of one group.
#[derive(Default)]
struct Group {
    totals: Totals,
    /// How long each request took; only where percentiles are asked for.
    times: Vec<u64>,
    /// Requests with feedback, and the sum of the averages of it.
    rated: u64,
    score: f64,
}

/// A group as a list has it.
struct Row {
    value: String,
    group: Group,
}

/// The groups of a question; logs without a key belong to none.
fn groups<'a>(
    question: &Question<'a>,
    with_times: bool,
    key: impl Fn(&'a str, &'a Log) -> Option<Key<'a>>,
    mut also: impl FnMut(&mut Group, &'a str, &'a Log),
) -> Vec<Row> {
    let mut groups: HashMap<Key, Group> = HashMap::new();
    question.each(|workspace, log| {
        let Some(key) = key(workspace, log) else {
            return;
        };
        let group = groups.entry(key).or_default();
        group.totals.add(log);
        if with_times {
            group.times.push(log.facts.millis);
        }
        also(group, workspace, log);
    });
    let row = |(key, group): (Key, Group)| Row {
        value: key.text(question.state),
        group,
    };
    groups.into_iter().map(row).collect()
}

/// Columns that rows can show and be ordered by.
const COLUMNS: [&str; 14] = [
    "requests",
    "cost",
    "total_tokens",
    "avg_tokens",
    "avg_input_tokens",
    "avg_output_tokens",
    "avg_latency",
    "p95_latency",
    "p99_latency",
    "success_rate",
    "error_count",
    "cache_hit_rate",
    "last_seen",
    "first_seen",
];

impl Group {
    /// The figure of a column; times as milliseconds since the Unix epoch.
    fn figure(&self, column: &str) -> f64 {
        let sum = &self.totals;
        let average = |total: u64| ratio(float(total), sum.requests);
        #[allow(clippy::cast_precision_loss)]
        let time = |at: Option<i64>| at.unwrap_or_default() as f64;
        match column {
            "cost" => sum.cost,
            "total_tokens" => float(sum.tokens),
            "avg_tokens" => average(sum.tokens),
            "avg_input_tokens" => average(sum.input),
            "avg_output_tokens" => average(sum.output),
            "avg_latency" => average(sum.millis),
            "p95_latency" => float(percentile(&self.times, 95)),
            "p99_latency" => float(percentile(&self.times, 99)),
            "success_rate" => per_cent(sum.successes, sum.requests),
            "error_count" => float(sum.errors),
            "cache_hit_rate" => per_cent(sum.hits(), sum.requests),
            "last_seen" => time(sum.last),
            "first_seen" => time(sum.first),
            _ => float(sum.requests),
        }
    }

    /// A column as a row shows it.
    fn column(&self, column: &str) -> Value {
        match column {
            "requests" => json!(self.totals.requests),
            "total_tokens" => json!(self.totals.tokens),
            "error_count" => json!(self.totals.errors),
            "last_seen" => json!(self.totals.last.map(moment)),
            "first_seen" => json!(self.totals.first.map(moment)),
            other => json!(self.figure(other)),
        }
    }
}

/// The columns that are asked for.
fn columns(call: &Call) -> Vec<&str> {
    let given = call.query.get("columns").and_then(Value::as_array);
    let given: Vec<&str> = given
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if given.is_empty() {
        vec!["requests", "cost"]
    } else {
        given
    }
}

fn order(call: &Call) -> Result<&str, Refusal> {
    let column = call.query_text("order_by").unwrap_or("requests");
    if COLUMNS.contains(&column) {
        Ok(column)
    } else {
        let message = format!(
            "query parameter `order_by` is none of {}",
            COLUMNS.join(", ")
        );
        Err(Refusal::invalid(message))
    }
}

fn needs_times(columns: &[&str]) -> bool {
    let percentiles = ["p95_latency", "p99_latency"];
    columns.iter().any(|column| percentiles.contains(column))
}

/// The busiest first, unless the query says otherwise; equals by their value.
fn page(call: &Call, mut rows: Vec<Row>, order: &str, show: impl Fn(&Row) -> Value) -> Reply {
    let ascending = call
        .query_text("order_by_type")
        .is_some_and(|order| order.eq_ignore_ascii_case("asc"));
    for row in &mut rows {
        row.group.times.sort_unstable();
    }
    let figure = |row: &Row| row.group.figure(order);
    rows.sort_by(|one, other| {
        let larger_first = figure(other)
            .partial_cmp(&figure(one))
            .unwrap_or(Ordering::Equal);
        let ordered = if ascending {
            larger_first.reverse()
        } else {
            larger_first
        };
        ordered.then_with(|| one.value.cmp(&other.value))
    });
    call.page(rows, |row| {
        let mut shown = show(&row);
        shown["object"] = json!("analytics-group");
        shown
    })
}

/// Counts and costs come as text here, as the service was said to write them.
pub(super) fn by_user(state: &State, call: &Call) -> Answer {
    as_text(state, call, "user", |log| log.facts.user)
}

pub(super) fn by_model(state: &State, call: &Call) -> Answer {
    as_text(state, call, "ai_model", |log| log.facts.model)
}

fn as_text(
    state: &State,
    call: &Call,
    member: &str,
    name: impl Fn(&Log) -> Option<Name>,
) -> Answer {
    let question = Question::read(state, call)?;
    let rows = groups(
        &question,
        false,
        |_, log| name(log).map(Key::Name),
        |_, _, _| (),
    );
    Ok(page(call, rows, "requests", |row| {
        let sum = &row.group.totals;
        json!({
            (member): row.value,
            "requests": sum.requests.to_string(),
            "cost": sum.cost.to_string(),
        })
    }))
}

pub(super) fn by_metadata(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let book = &state.logs;
    let wanted = book.names.find(call.id(0));
    let key = |_, log: &Log| {
        let mut metadata = log.facts.metadata.iter();
        let found = metadata.find(|(key, _)| Some(*key) == wanted);
        found.map(|(_, value)| Key::Name(*value))
    };
    let mut scores = HashMap::new();
    for workspace in &question.workspaces {
        scores.insert(*workspace, feedback::scores(state, workspace));
    }
    let rate = |group: &mut Group, workspace: &str, log: &Log| {
        let scores = scores.get(workspace).filter(|scores| !scores.is_empty());
        if let Some(score) = scores.and_then(|scores| scores.get(&book.trace(log))) {
            group.rated += 1;
            group.score += score;
        }
    };
    let rows = groups(&question, false, key, rate);
    Ok(page(call, rows, "requests", |row| {
        json!({
            "metadata_value": row.value,
            "requests": row.group.totals.requests,
            "cost": row.group.totals.cost,
            "avg_tokens": row.group.figure("avg_tokens"),
            "avg_weighted_feedback": ratio(row.group.score, row.group.rated),
            "requests_with_feedback": row.group.rated,
            "last_seen": row.group.column("last_seen"),
        })
    }))
}

pub(super) fn by_provider(state: &State, call: &Call) -> Answer {
    with_columns(state, call, "provider", |_, log| {
        log.facts.provider.map(Key::Name)
    })
}

/// A workspace is shown by its slug.
pub(super) fn by_workspace(state: &State, call: &Call) -> Answer {
    with_columns(state, call, "workspace_slug", |workspace, _| {
        Some(Key::Workspace(workspace))
    })
}

pub(super) fn by_choice(state: &State, call: &Call) -> Answer {
    let choice = call.id(0);
    with_columns(state, call, choice, |workspace, log| {
        let facts = &log.facts;
        let name = match choice {
            "status_code" => return Some(Key::Status(facts.status)),
            "workspace" => return Some(Key::Workspace(workspace)),
            "ai_service" => facts.provider,
            "model" => facts.model,
            "api_key" => Some(facts.api_key),
            "config" => facts.config,
            _ => facts.prompt,
        };
        name.map(Key::Name)
    })
}

fn with_columns<'a>(
    state: &'a State,
    call: &Call,
    member: &str,
    key: impl Fn(&'a str, &'a Log) -> Option<Key<'a>>,
) -> Answer {
    let question = Question::read(state, call)?;
    let (columns, order) = (columns(call), order(call)?);
    let with_times = needs_times(&columns) || needs_times(&[order]);
    let rows = groups(&question, with_times, key, |_, _, _| ());
    let reply = page(call, rows, order, |row| {
        let mut shown = Map::new();
        shown.insert(member.to_owned(), json!(row.value));
        for column in &columns {
            shown.insert((*column).to_owned(), row.group.column(column));
        }
        Value::Object(shown)
    });
    Ok(without_total(call, reply))
}

/// Counting all groups can be declined.
fn without_total(call: &Call, reply: Reply) -> Reply {
    match reply {
        Reply::Json(Value::Object(mut body))
            if call.query.get("include_total") == Some(&json!(false)) =>
        {
            body.remove("total");
            Reply::Json(Value::Object(body))
        }
        other => other,
    }
}
