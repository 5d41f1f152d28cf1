//! Groups: metrics for each user, model, provider, workspace and so on.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::query::{AnalyticsQuery, Totals, percentage, percentile, ratio, to_f64};
use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::feedback;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::logs::format_millis;
use crate::state::logs::log_store::Log;
use crate::state::logs::strings::StringId;

/// The value by which logs are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum GroupKey<'a> {
    String(StringId),
    Status(u16),
    /// By UUID.
    Workspace(&'a str),
}

impl GroupKey<'_> {
    fn display(self, state: &State) -> String {
        match self {
            GroupKey::String(name) => state.logs.strings.resolve(name).to_owned(),
            GroupKey::Status(status) => status.to_string(),
            GroupKey::Workspace(id) => {
                let workspace = state.workspaces.get(id);
                workspace.map_or(id, |workspace| &workspace.slug).to_owned()
            }
        }
    }
}

/// The metrics of one group.
#[derive(Default)]
struct Group {
    totals: Totals,
    /// The duration of each request; only filled if percentiles are requested.
    latencies: Vec<u64>,
    /// The number of requests with feedback, and the sum of their average scores.
    with_feedback: u64,
    score: f64,
}

/// A group and its displayed value.
struct GroupRow {
    value: String,
    group: Group,
}

/// Groups the logs of a query; logs without a key are left out.
fn groups<'a>(
    query: &AnalyticsQuery<'a>,
    with_latencies: bool,
    key: impl Fn(&'a str, &'a Log) -> Option<GroupKey<'a>>,
    mut update: impl FnMut(&mut Group, &'a str, &'a Log),
) -> Vec<GroupRow> {
    let mut groups: HashMap<GroupKey, Group> = HashMap::new();
    query.for_each_log(|workspace, log| {
        let Some(key) = key(workspace, log) else {
            return;
        };
        let group = groups.entry(key).or_default();
        group.totals.add(log);
        if with_latencies {
            group.latencies.push(log.attributes.duration_ms);
        }
        update(group, workspace, log);
    });
    let row = |(key, group): (GroupKey, Group)| GroupRow {
        value: key.display(query.state),
        group,
    };
    groups.into_iter().map(row).collect()
}

/// The columns that rows can contain and be ordered by.
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
    /// Returns a column as a number; times are milliseconds since the Unix epoch.
    fn metric(&self, column: &str) -> f64 {
        let totals = &self.totals;
        let average = |total: u64| ratio(to_f64(total), totals.requests);
        #[allow(clippy::cast_precision_loss)]
        let time = |at: Option<i64>| at.unwrap_or_default() as f64;
        match column {
            "cost" => totals.cost,
            "total_tokens" => to_f64(totals.tokens),
            "avg_tokens" => average(totals.tokens),
            "avg_input_tokens" => average(totals.input),
            "avg_output_tokens" => average(totals.output),
            "avg_latency" => average(totals.millis),
            "p95_latency" => to_f64(percentile(&self.latencies, 95)),
            "p99_latency" => to_f64(percentile(&self.latencies, 99)),
            "success_rate" => percentage(totals.successes, totals.requests),
            "error_count" => to_f64(totals.errors),
            "cache_hit_rate" => percentage(totals.hits(), totals.requests),
            "last_seen" => time(totals.last),
            "first_seen" => time(totals.first),
            _ => to_f64(totals.requests),
        }
    }

    /// Returns the value of a column in the response.
    fn column(&self, column: &str) -> Value {
        match column {
            "requests" => json!(self.totals.requests),
            "total_tokens" => json!(self.totals.tokens),
            "error_count" => json!(self.totals.errors),
            "last_seen" => json!(self.totals.last.map(format_millis)),
            "first_seen" => json!(self.totals.first.map(format_millis)),
            other => json!(self.metric(other)),
        }
    }
}

/// Returns the requested columns, a list or a comma-separated string; the default is `requests` and
/// `cost`.
fn columns(call: &Call) -> Vec<&str> {
    let columns: Vec<&str> = match call.query.get("columns") {
        Some(Value::Array(columns)) => columns.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(columns)) => columns.split(',').map(str::trim).collect(),
        _ => Vec::new(),
    };
    if columns.is_empty() {
        vec!["requests", "cost"]
    } else {
        columns
    }
}

fn order(call: &Call) -> Result<&str, ApiError> {
    let column = call.query_param("order_by").unwrap_or("requests");
    if COLUMNS.contains(&column) {
        Ok(column)
    } else {
        let message = format!(
            "query parameter `order_by` must be one of {}",
            COLUMNS.join(", ")
        );
        Err(ApiError::bad_request(message))
    }
}

fn needs_latencies(columns: &[&str]) -> bool {
    let percentiles = ["p95_latency", "p99_latency"];
    columns.iter().any(|column| percentiles.contains(column))
}

/// Orders groups, in descending order by default; ties are ordered by value.
fn sorted(call: &Call, mut rows: Vec<GroupRow>, order: &str) -> Vec<GroupRow> {
    let ascending = call
        .query_param("order_by_type")
        .is_some_and(|order| order.eq_ignore_ascii_case("asc"));
    for row in &mut rows {
        row.group.latencies.sort_unstable();
    }
    let metric = |row: &GroupRow| row.group.metric(order);
    rows.sort_by(|a, b| {
        let descending = metric(b).partial_cmp(&metric(a)).unwrap_or(Ordering::Equal);
        let ordered = if ascending {
            descending.reverse()
        } else {
            descending
        };
        ordered.then_with(|| a.value.cmp(&b.value))
    });
    rows
}

/// Returns a page of groups.
fn page(
    call: &Call,
    rows: Vec<GroupRow>,
    order: &str,
    to_json: impl Fn(&GroupRow) -> Value,
) -> ResponseBody {
    call.page(sorted(call, rows, order), |row| {
        let mut body = to_json(&row);
        body["object"] = json!("analytics-group");
        body
    })
}

/// Counts and costs are strings here, as reported for the service.
pub(super) fn by_user(state: &State, call: &Call) -> HandlerResult {
    with_string_numbers(state, call, "user", |log| log.attributes.user)
}

pub(super) fn by_model(state: &State, call: &Call) -> HandlerResult {
    with_string_numbers(state, call, "ai_model", |log| log.attributes.model)
}

fn with_string_numbers(
    state: &State,
    call: &Call,
    value_field: &str,
    name: impl Fn(&Log) -> Option<StringId>,
) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let rows = groups(
        &query,
        false,
        |_, log| name(log).map(GroupKey::String),
        |_, _, _| (),
    );
    Ok(page(call, rows, "requests", |row| {
        let totals = &row.group.totals;
        json!({
            (value_field): row.value,
            "requests": totals.requests.to_string(),
            "cost": totals.cost.to_string(),
        })
    }))
}

/// Returns the value of a log for the metadata key in the path.
fn metadata_value(state: &State, call: &Call) -> impl Fn(&Log) -> Option<StringId> {
    let wanted_key = state.logs.strings.get(call.path_param(0));
    move |log| {
        let mut metadata = log.attributes.metadata.iter();
        let found = metadata.find(|(key, _)| Some(*key) == wanted_key);
        found.map(|(_, value)| *value)
    }
}

/// Lists the values that a metadata key has in the logs, the most frequent first.
pub(crate) fn metadata_values(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let value = metadata_value(state, call);
    let key = |_, log: &Log| value(log).map(GroupKey::String);
    let rows = groups(&query, false, key, |_, _, _| ());
    let rows = sorted(call, rows, "requests").into_iter();
    let values: Vec<String> = rows.map(|row| row.value).collect();
    Ok(call.page(values, Value::from))
}

pub(crate) fn by_metadata(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let logs = &state.logs;
    let value = metadata_value(state, call);
    let key = |_, log: &Log| value(log).map(GroupKey::String);
    let mut scores = HashMap::new();
    for workspace in &query.workspaces {
        scores.insert(*workspace, feedback::scores(state, workspace));
    }
    let rate = |group: &mut Group, workspace: &str, log: &Log| {
        let scores = scores.get(workspace).filter(|scores| !scores.is_empty());
        if let Some(score) = scores.and_then(|scores| scores.get(&logs.trace_id(log))) {
            group.with_feedback += 1;
            group.score += score;
        }
    };
    let rows = groups(&query, false, key, rate);
    Ok(page(call, rows, "requests", |row| {
        json!({
            "metadata_value": row.value,
            "requests": row.group.totals.requests,
            "cost": row.group.totals.cost,
            "avg_tokens": row.group.metric("avg_tokens"),
            "avg_weighted_feedback": ratio(row.group.score, row.group.with_feedback),
            "requests_with_feedback": row.group.with_feedback,
            "last_seen": row.group.column("last_seen"),
        })
    }))
}

pub(super) fn by_provider(state: &State, call: &Call) -> HandlerResult {
    with_columns(state, call, "provider", |_, log| {
        log.attributes.provider.map(GroupKey::String)
    })
}

/// Counts the requests to MCP servers.
pub(super) fn by_mcp_server(state: &State, call: &Call) -> HandlerResult {
    by_name(state, call, |log| log.attributes.mcp_server)
}

/// Counts the requests to agents.
pub(super) fn by_agent(state: &State, call: &Call) -> HandlerResult {
    by_name(state, call, |log| log.attributes.agent)
}

/// Returns groups with a name and the number of requests (V150).
fn by_name(state: &State, call: &Call, name: impl Fn(&Log) -> Option<StringId>) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let key = |_, log: &Log| name(log).map(GroupKey::String);
    let rows = groups(&query, false, key, |_, _, _| ());
    Ok(page(
        call,
        rows,
        "requests",
        |row| json!({"name": row.value, "requests": row.group.totals.requests}),
    ))
}

/// Identifies a workspace by its slug.
pub(super) fn by_workspace(state: &State, call: &Call) -> HandlerResult {
    with_columns(state, call, "workspace_slug", |workspace, _| {
        Some(GroupKey::Workspace(workspace))
    })
}

/// The properties that [`by_dimension`] groups by.
const DIMENSIONS: [&str; 8] = [
    "ai_service",
    "api_key",
    "config",
    "model",
    "prompt",
    "provider",
    "status_code",
    "workspace",
];

pub(crate) fn by_dimension(state: &State, call: &Call) -> HandlerResult {
    let dimension = call.path_param(0);
    if !DIMENSIONS.contains(&dimension) {
        let known = DIMENSIONS.join(", ");
        let message = format!("path parameter `groupBy` must be one of {known}");
        return Err(ApiError::bad_request(message));
    }
    with_columns(state, call, dimension, |workspace, log| {
        let attributes = &log.attributes;
        let name = match dimension {
            "status_code" => return Some(GroupKey::Status(attributes.status)),
            "workspace" => return Some(GroupKey::Workspace(workspace)),
            "ai_service" | "provider" => attributes.provider,
            "model" => attributes.model,
            "api_key" => Some(attributes.api_key),
            "config" => attributes.config,
            _ => attributes.prompt,
        };
        name.map(GroupKey::String)
    })
}

fn with_columns<'a>(
    state: &'a State,
    call: &Call,
    value_field: &str,
    key: impl Fn(&'a str, &'a Log) -> Option<GroupKey<'a>>,
) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let (columns, order) = (columns(call), order(call)?);
    let with_latencies = needs_latencies(&columns) || needs_latencies(&[order]);
    let rows = groups(&query, with_latencies, key, |_, _, _| ());
    let response = page(call, rows, order, |row| {
        let mut body = Map::new();
        body.insert(value_field.to_owned(), json!(row.value));
        for column in &columns {
            body.insert((*column).to_owned(), row.group.column(column));
        }
        Value::Object(body)
    });
    Ok(without_total(call, response))
}

/// Removes `total` if the request sets `include_total` to false.
fn without_total(call: &Call, response: ResponseBody) -> ResponseBody {
    match response {
        ResponseBody::Json(Value::Object(mut body))
            if call.query.get("include_total") == Some(&json!(false)) =>
        {
            body.remove("total");
            ResponseBody::Json(Value::Object(body))
        }
        other => other,
    }
}
