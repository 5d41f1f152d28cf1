//! Graphs: one point for each span of time in which something happened, and a summary.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::super::State;
use super::super::feedback::Piece;
use super::super::logs::{Log, Name, moment};
use super::{Question, Totals, float, is_error, per_cent, percentile, ratio};
use crate::call::Call;
use crate::reply::{Answer, Reply};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Points are an hour apart in spans of time up to this long, and a day in longer ones.
const HOURLY: i64 = 2 * DAY;

/// Figures by the beginning of the span that they are of, and over all.
struct Series<T> {
    width: i64,
    points: BTreeMap<i64, T>,
    whole: T,
}

impl<T: Default> Series<T> {
    fn new(question: &Question) -> Self {
        let length = question.span.end().saturating_sub(*question.span.start());
        Self {
            width: if length <= HOURLY { HOUR } else { DAY },
            points: BTreeMap::new(),
            whole: T::default(),
        }
    }

    fn add(&mut self, at: i64, add: impl Fn(&mut T)) {
        let start = at.div_euclid(self.width) * self.width;
        add(self.points.entry(start).or_default());
        add(&mut self.whole);
    }

    fn of_logs(question: &Question, add: impl Fn(&mut T, &Log)) -> Self {
        let mut series = Self::new(question);
        question.each(|_, log| series.add(log.at, |sum| add(sum, log)));
        series
    }

    fn of_feedback(question: &Question, add: impl Fn(&mut T, &Piece)) -> Self {
        let mut series = Self::new(question);
        question.each_feedback(|piece, _| series.add(piece.at, |sum| add(sum, piece)));
        series
    }

    /// The members of a point stand beside its time.
    fn reply(self, mut point: impl FnMut(T) -> Value, summary: impl FnOnce(T) -> Value) -> Reply {
        let points = self.points.into_iter().map(|(start, sum)| {
            let mut shown = point(sum);
            shown["timestamp"] = json!(moment(start));
            shown
        });
        let points = points.collect();
        graph(points, summary(self.whole))
    }
}

fn graph(points: Vec<Value>, summary: Value) -> Reply {
    Reply::json(json!({
        "summary": summary,
        "data_points": points,
        "object": "analytics-graph",
    }))
}

/// A graph whose points and summary show the same.
fn totals(state: &State, call: &Call, show: impl Fn(Totals) -> Value) -> Answer {
    let question = Question::read(state, call)?;
    let series = Series::of_logs(&question, Totals::add);
    Ok(series.reply(&show, &show))
}

pub(super) fn requests(state: &State, call: &Call) -> Answer {
    totals(state, call, |sum| json!({"total": sum.requests}))
}

pub(super) fn cost(state: &State, call: &Call) -> Answer {
    totals(
        state,
        call,
        |sum| json!({"total": sum.cost, "avg": ratio(sum.cost, sum.requests)}),
    )
}

pub(super) fn tokens(state: &State, call: &Call) -> Answer {
    totals(
        state,
        call,
        |sum| json!({"total": sum.tokens, "avg": ratio(float(sum.tokens), sum.requests)}),
    )
}

pub(super) fn errors(state: &State, call: &Call) -> Answer {
    totals(state, call, |sum| json!({"total": sum.errors}))
}

pub(super) fn error_rate(state: &State, call: &Call) -> Answer {
    totals(
        state,
        call,
        |sum| json!({"rate": per_cent(sum.errors, sum.requests)}),
    )
}

pub(super) fn latency(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let series = Series::of_logs(&question, |times: &mut Vec<u64>, log| {
        times.push(log.facts.millis)
    });
    let show = |mut times: Vec<u64>| {
        times.sort_unstable();
        let sum = times
            .iter()
            .fold(0_u64, |sum, time| sum.saturating_add(*time));
        json!({
            "avg": ratio(float(sum), times.len() as u64),
            "p50": percentile(&times, 50),
            "p90": percentile(&times, 90),
            "p99": percentile(&times, 99),
        })
    };
    Ok(series.reply(show, show))
}

/// Requests, and who made them.
#[derive(Default)]
struct Users {
    requests: u64,
    users: HashSet<Name>,
}

fn by_user<'a>(question: &Question<'a>) -> Series<Users> {
    Series::of_logs(question, |sum: &mut Users, log| {
        if let Some(user) = log.facts.user {
            sum.requests += 1;
            sum.users.insert(user);
        }
    })
}

pub(super) fn users(state: &State, call: &Call) -> Answer {
    let series = by_user(&Question::read(state, call)?);
    let show = |sum: Users| json!({"total": sum.users.len()});
    Ok(series.reply(show, show))
}

/// Requests of nobody in particular count for nobody.
pub(super) fn requests_per_user(state: &State, call: &Call) -> Answer {
    let series = by_user(&Question::read(state, call)?);
    let average = |sum: &Users| ratio(float(sum.requests), sum.users.len() as u64);
    Ok(series.reply(
        |sum| json!({"avg": average(&sum)}),
        |sum| json!({"avg": average(&sum), "total": sum.requests, "unique": sum.users.len()}),
    ))
}

/// How many requests failed, by status.
type Statuses = BTreeMap<u16, u64>;

fn count_error(statuses: &mut Statuses, log: &Log) {
    if is_error(&log.facts) {
        *statuses.entry(log.facts.status).or_default() += 1;
    }
}

pub(super) fn error_stacks(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut series = Series::of_logs(&question, count_error);
    series.points.retain(|_, statuses| !statuses.is_empty());
    let stat =
        |(status, count): (u16, u64)| json!({"response_status_code": status, "count": count});
    Ok(series.reply(
        |statuses| json!({"stats": statuses.into_iter().map(stat).collect::<Vec<_>>()}),
        |statuses| json!({"total": statuses.values().sum::<u64>()}),
    ))
}

pub(super) fn status_codes(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut statuses = Statuses::new();
    question.each(|_, log| count_error(&mut statuses, log));
    let summary = json!({
        "total_errors": statuses.values().sum::<u64>(),
        "unique_error_codes": statuses.len(),
    });
    let point = |(status, count): (u16, u64)| json!({"status_code": status, "count": count});
    Ok(graph(statuses.into_iter().map(point).collect(), summary))
}

/// Requests that a fallback or a retry saved, the latter by the number of the attempt.
#[derive(Default)]
struct Rescued {
    fallback: u64,
    retries: BTreeMap<u32, u64>,
}

pub(super) fn rescued(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut series = Series::of_logs(&question, |sum: &mut Rescued, log| {
        let facts = &log.facts;
        if !facts.is_success() {
            return;
        }
        sum.fallback += u64::from(facts.fallback);
        if facts.retries > 0 {
            *sum.retries.entry(facts.retries).or_default() += 1;
        }
    });
    let any = |sum: &Rescued| sum.fallback > 0 || !sum.retries.is_empty();
    series.points.retain(|_, sum| any(sum));
    let retry =
        |(attempt, count): (u32, u64)| json!({"retry_success_count": attempt, "count": count});
    Ok(series.reply(
        |sum| {
            let retries: Vec<Value> = sum.retries.into_iter().map(retry).collect();
            json!({"fallback": sum.fallback, "retry": retries})
        },
        |sum| json!({"fallback": sum.fallback, "retry": sum.retries.values().sum::<u64>()}),
    ))
}

/// Savings grow from point to point.
pub(super) fn cache_hit_rate(state: &State, call: &Call) -> Answer {
    let series = Series::of_logs(&Question::read(state, call)?, Totals::add);
    let (mut simple, mut semantic) = (0.0, 0.0);
    let point = |sum: Totals| {
        simple += sum.simple_savings;
        semantic += sum.semantic_savings;
        json!({
            "rate": per_cent(sum.hits(), sum.requests),
            "simple_hits": sum.simple_hits,
            "semantic_hits": sum.semantic_hits,
            "cumulative_simple_cache_savings": simple,
            "cumulative_semantic_cache_savings": semantic,
        })
    };
    Ok(series.reply(
        point,
        |sum| json!({"rate": per_cent(sum.hits(), sum.requests), "total": sum.hits()}),
    ))
}

pub(super) fn cache_latency(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut series = Series::of_logs(&question, Totals::add);
    series.points.retain(|_, sum| sum.hits() > 0);
    let show = |sum: Totals| json!({"avg": ratio(float(sum.hit_millis), sum.hits())});
    Ok(series.reply(show, show))
}

/// How much faster the cache was than providers is known where both answered.
pub(super) fn cache_summary(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut sum = Totals::default();
    question.each(|_, log| sum.add(log));
    let cached = ratio(float(sum.hit_millis), sum.hits());
    let asked = ratio(
        float(sum.millis.saturating_sub(sum.hit_millis)),
        sum.requests - sum.hits(),
    );
    let speedup = if sum.hits() == 0 || asked <= 0.0 {
        0.0
    } else {
        100.0 * (asked - cached) / asked
    };
    let summary = json!({
        "avg_latency": cached,
        "cache_speedup": speedup,
        "hits": sum.hits(),
        "total_requests": sum.requests,
    });
    Ok(Reply::json(
        json!({"summary": summary, "object": "analytics-summary"}),
    ))
}

/// How much feedback, and the sum of what it is worth.
#[derive(Default)]
struct Opinion {
    count: u64,
    weighted: f64,
}

impl Opinion {
    fn add(&mut self, piece: &Piece) {
        self.count += 1;
        self.weighted += piece.weighted();
    }

    fn average(&self) -> f64 {
        ratio(self.weighted, self.count)
    }
}

pub(super) fn feedbacks(state: &State, call: &Call) -> Answer {
    let series = Series::of_feedback(&Question::read(state, call)?, Opinion::add);
    let show = |sum: Opinion| json!({"total": sum.count});
    Ok(series.reply(show, show))
}

pub(super) fn weighted_feedback(state: &State, call: &Call) -> Answer {
    let series = Series::of_feedback(&Question::read(state, call)?, Opinion::add);
    let show = |sum: Opinion| json!({"avg": sum.average()});
    Ok(series.reply(show, show))
}

pub(super) fn feedback_scores(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut scores: BTreeMap<i64, u64> = BTreeMap::new();
    question.each_feedback(|piece, _| *scores.entry(piece.value).or_default() += 1);
    let summary = json!({"total": scores.values().sum::<u64>()});
    let point = |(score, total): (i64, u64)| json!({"score": score, "total": total});
    Ok(graph(scores.into_iter().map(point).collect(), summary))
}

/// Feedback whose trace has no log is about no model that is known.
pub(super) fn feedback_by_model(state: &State, call: &Call) -> Answer {
    let question = Question::read(state, call)?;
    let mut models: BTreeMap<&str, Opinion> = BTreeMap::new();
    question.each_feedback(|piece, log| {
        if let Some(model) = log.and_then(|log| log.facts.model) {
            let model = state.logs.names.text(model);
            models.entry(model).or_default().add(piece);
        }
    });
    let point = |(model, sum): (&str, Opinion)| {
        json!({
            "ai_model": model,
            "total": sum.count,
            "avg_weighted_feedback": sum.average(),
        })
    };
    Ok(graph(models.into_iter().map(point).collect(), json!({})))
}
