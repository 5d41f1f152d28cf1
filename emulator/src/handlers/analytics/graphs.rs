//! Graphs: one data point for each non-empty time bucket, and a summary.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::query::{AnalyticsQuery, Totals, is_error, percentage, percentile, ratio, to_f64};
use crate::call::Call;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::feedback::FeedbackItem;
use crate::state::logs::format_millis;
use crate::state::logs::log_store::{Log, StringId};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The longest time range, in milliseconds, with hourly buckets; longer ranges have daily buckets.
const MAX_HOURLY_RANGE: i64 = 2 * DAY;

/// Metrics by the start of their bucket, and in total.
struct TimeSeries<T> {
    bucket_width: i64,
    buckets: BTreeMap<i64, T>,
    total: T,
}

impl<T: Default> TimeSeries<T> {
    fn new(query: &AnalyticsQuery) -> Self {
        let length = query
            .time_range
            .end()
            .saturating_sub(*query.time_range.start());
        Self {
            bucket_width: if length <= MAX_HOURLY_RANGE {
                HOUR
            } else {
                DAY
            },
            buckets: BTreeMap::new(),
            total: T::default(),
        }
    }

    fn add(&mut self, at: i64, add: impl Fn(&mut T)) {
        let start = at.div_euclid(self.bucket_width) * self.bucket_width;
        add(self.buckets.entry(start).or_default());
        add(&mut self.total);
    }

    fn from_logs(query: &AnalyticsQuery, add: impl Fn(&mut T, &Log)) -> Self {
        let mut series = Self::new(query);
        query.for_each_log(|_, log| series.add(log.at, |sum| add(sum, log)));
        series
    }

    fn from_feedback(query: &AnalyticsQuery, add: impl Fn(&mut T, &FeedbackItem)) -> Self {
        let mut series = Self::new(query);
        query.for_each_feedback(|item, _| series.add(item.at, |sum| add(sum, item)));
        series
    }

    /// Converts the buckets and the total to JSON; `timestamp` is added to each data point.
    fn into_response(
        self,
        mut point: impl FnMut(T) -> Value,
        summary: impl FnOnce(T) -> Value,
    ) -> ResponseBody {
        let data_points = self.buckets.into_iter().map(|(start, sum)| {
            let mut body = point(sum);
            body["timestamp"] = json!(format_millis(start));
            body
        });
        let data_points = data_points.collect();
        graph_response(data_points, summary(self.total))
    }
}

fn graph_response(data_points: Vec<Value>, summary: Value) -> ResponseBody {
    ResponseBody::json(json!({
        "summary": summary,
        "data_points": data_points,
        "object": "analytics-graph",
    }))
}

/// Returns a graph whose data points and summary have the same fields.
fn totals(state: &State, call: &Call, to_json: impl Fn(Totals) -> Value) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let series = TimeSeries::from_logs(&query, Totals::add);
    Ok(series.into_response(&to_json, &to_json))
}

pub(super) fn requests(state: &State, call: &Call) -> HandlerResult {
    totals(state, call, |sum| json!({"total": sum.requests}))
}

pub(super) fn cost(state: &State, call: &Call) -> HandlerResult {
    totals(
        state,
        call,
        |sum| json!({"total": sum.cost, "avg": ratio(sum.cost, sum.requests)}),
    )
}

pub(super) fn tokens(state: &State, call: &Call) -> HandlerResult {
    totals(
        state,
        call,
        |sum| json!({"total": sum.tokens, "avg": ratio(to_f64(sum.tokens), sum.requests)}),
    )
}

pub(super) fn errors(state: &State, call: &Call) -> HandlerResult {
    totals(state, call, |sum| json!({"total": sum.errors}))
}

pub(super) fn error_rate(state: &State, call: &Call) -> HandlerResult {
    totals(
        state,
        call,
        |sum| json!({"rate": percentage(sum.errors, sum.requests)}),
    )
}

pub(super) fn latency(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let series = TimeSeries::from_logs(&query, |times: &mut Vec<u64>, log| {
        times.push(log.attributes.duration_ms)
    });
    let to_json = |mut times: Vec<u64>| {
        times.sort_unstable();
        let sum = times
            .iter()
            .fold(0_u64, |sum, time| sum.saturating_add(*time));
        json!({
            "avg": ratio(to_f64(sum), times.len() as u64),
            "p50": percentile(&times, 50),
            "p90": percentile(&times, 90),
            "p99": percentile(&times, 99),
        })
    };
    Ok(series.into_response(to_json, to_json))
}

/// The number of requests, and their users.
#[derive(Default)]
struct UserCounts {
    requests: u64,
    users: HashSet<StringId>,
}

fn user_series<'a>(query: &AnalyticsQuery<'a>) -> TimeSeries<UserCounts> {
    TimeSeries::from_logs(query, |sum: &mut UserCounts, log| {
        if let Some(user) = log.attributes.user {
            sum.requests += 1;
            sum.users.insert(user);
        }
    })
}

pub(super) fn users(state: &State, call: &Call) -> HandlerResult {
    let series = user_series(&AnalyticsQuery::read(state, call)?);
    let to_json = |sum: UserCounts| json!({"total": sum.users.len()});
    Ok(series.into_response(to_json, to_json))
}

/// Requests without a user are not counted.
pub(super) fn requests_per_user(state: &State, call: &Call) -> HandlerResult {
    let series = user_series(&AnalyticsQuery::read(state, call)?);
    let average = |sum: &UserCounts| ratio(to_f64(sum.requests), sum.users.len() as u64);
    Ok(series.into_response(
        |sum| json!({"avg": average(&sum)}),
        |sum| json!({"avg": average(&sum), "total": sum.requests, "unique": sum.users.len()}),
    ))
}

/// The number of failed requests, by status.
type Statuses = BTreeMap<u16, u64>;

fn count_error(statuses: &mut Statuses, log: &Log) {
    if is_error(&log.attributes) {
        *statuses.entry(log.attributes.status).or_default() += 1;
    }
}

pub(super) fn error_stacks(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut series = TimeSeries::from_logs(&query, count_error);
    series.buckets.retain(|_, statuses| !statuses.is_empty());
    let status_count =
        |(status, count): (u16, u64)| json!({"response_status_code": status, "count": count});
    Ok(series.into_response(
        |statuses| json!({"stats": statuses.into_iter().map(status_count).collect::<Vec<_>>()}),
        |statuses| json!({"total": statuses.values().sum::<u64>()}),
    ))
}

pub(super) fn status_codes(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut statuses = Statuses::new();
    query.for_each_log(|_, log| count_error(&mut statuses, log));
    let summary = json!({
        "total_errors": statuses.values().sum::<u64>(),
        "unique_error_codes": statuses.len(),
    });
    let point = |(status, count): (u16, u64)| json!({"status_code": status, "count": count});
    Ok(graph_response(
        statuses.into_iter().map(point).collect(),
        summary,
    ))
}

/// The number of requests rescued by a fallback, and by retries, keyed by the number of retries.
#[derive(Default)]
struct RescuedRequests {
    fallback: u64,
    retries: BTreeMap<u32, u64>,
}

pub(super) fn rescued_requests(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut series = TimeSeries::from_logs(&query, |sum: &mut RescuedRequests, log| {
        let attributes = &log.attributes;
        if !attributes.is_success() {
            return;
        }
        sum.fallback += u64::from(attributes.fallback);
        if attributes.retries > 0 {
            *sum.retries.entry(attributes.retries).or_default() += 1;
        }
    });
    let any = |sum: &RescuedRequests| sum.fallback > 0 || !sum.retries.is_empty();
    series.buckets.retain(|_, sum| any(sum));
    let retry =
        |(attempt, count): (u32, u64)| json!({"retry_success_count": attempt, "count": count});
    Ok(series.into_response(
        |sum| {
            let retries: Vec<Value> = sum.retries.into_iter().map(retry).collect();
            json!({"fallback": sum.fallback, "retry": retries})
        },
        |sum| json!({"fallback": sum.fallback, "retry": sum.retries.values().sum::<u64>()}),
    ))
}

/// The savings are cumulative over the data points.
pub(super) fn cache_hit_rate(state: &State, call: &Call) -> HandlerResult {
    let series = TimeSeries::from_logs(&AnalyticsQuery::read(state, call)?, Totals::add);
    let (mut simple, mut semantic) = (0.0, 0.0);
    let point = |sum: Totals| {
        simple += sum.simple_savings;
        semantic += sum.semantic_savings;
        json!({
            "rate": percentage(sum.hits(), sum.requests),
            "simple_hits": sum.simple_hits,
            "semantic_hits": sum.semantic_hits,
            "cumulative_simple_cache_savings": simple,
            "cumulative_semantic_cache_savings": semantic,
        })
    };
    Ok(series.into_response(
        point,
        |sum| json!({"rate": percentage(sum.hits(), sum.requests), "total": sum.hits()}),
    ))
}

pub(super) fn cache_latency(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut series = TimeSeries::from_logs(&query, Totals::add);
    series.buckets.retain(|_, sum| sum.hits() > 0);
    let to_json = |sum: Totals| json!({"avg": ratio(to_f64(sum.cached_duration_ms), sum.hits())});
    Ok(series.into_response(to_json, to_json))
}

/// The speedup compares cached with uncached responses; it is 0 unless there are both.
pub(super) fn cache_summary(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut sum = Totals::default();
    query.for_each_log(|_, log| sum.add(log));
    let cached = ratio(to_f64(sum.cached_duration_ms), sum.hits());
    let uncached = ratio(
        to_f64(sum.millis.saturating_sub(sum.cached_duration_ms)),
        sum.requests - sum.hits(),
    );
    let speedup = if sum.hits() == 0 || uncached <= 0.0 {
        0.0
    } else {
        100.0 * (uncached - cached) / uncached
    };
    let summary = json!({
        "avg_latency": cached,
        "cache_speedup": speedup,
        "hits": sum.hits(),
        "total_requests": sum.requests,
    });
    respond(json!({"summary": summary, "object": "analytics-summary"}))
}

/// The number of feedback items, and the sum of their weighted values.
#[derive(Default)]
struct FeedbackTotals {
    count: u64,
    weighted: f64,
}

impl FeedbackTotals {
    fn add(&mut self, item: &FeedbackItem) {
        self.count += 1;
        self.weighted += item.weighted();
    }

    fn average(&self) -> f64 {
        ratio(self.weighted, self.count)
    }
}

pub(super) fn feedbacks(state: &State, call: &Call) -> HandlerResult {
    let series =
        TimeSeries::from_feedback(&AnalyticsQuery::read(state, call)?, FeedbackTotals::add);
    let to_json = |sum: FeedbackTotals| json!({"total": sum.count});
    Ok(series.into_response(to_json, to_json))
}

pub(super) fn weighted_feedback(state: &State, call: &Call) -> HandlerResult {
    let series =
        TimeSeries::from_feedback(&AnalyticsQuery::read(state, call)?, FeedbackTotals::add);
    let to_json = |sum: FeedbackTotals| json!({"avg": sum.average()});
    Ok(series.into_response(to_json, to_json))
}

pub(super) fn feedback_scores(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut scores: BTreeMap<i64, u64> = BTreeMap::new();
    query.for_each_feedback(|item, _| *scores.entry(item.value).or_default() += 1);
    let summary = json!({"total": scores.values().sum::<u64>()});
    let point = |(score, total): (i64, u64)| json!({"score": score, "total": total});
    Ok(graph_response(
        scores.into_iter().map(point).collect(),
        summary,
    ))
}

/// Feedback whose trace has no log is left out, since its model is unknown.
pub(super) fn feedback_by_model(state: &State, call: &Call) -> HandlerResult {
    let query = AnalyticsQuery::read(state, call)?;
    let mut models: BTreeMap<&str, FeedbackTotals> = BTreeMap::new();
    query.for_each_feedback(|item, log| {
        if let Some(model) = log.and_then(|log| log.attributes.model) {
            let model = state.logs.strings.resolve(model);
            models.entry(model).or_default().add(item);
        }
    });
    let point = |(model, sum): (&str, FeedbackTotals)| {
        json!({
            "ai_model": model,
            "total": sum.count,
            "avg_weighted_feedback": sum.average(),
        })
    };
    Ok(graph_response(
        models.into_iter().map(point).collect(),
        json!({}),
    ))
}
