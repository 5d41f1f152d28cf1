//! Analytics: figures of the logs that were inserted, as graphs over time and as groups.
//!
//! A question costs what the logs of its span of time in its workspaces cost, however many others
//! there are.

mod graphs;
mod groups;

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Handler::Read;
use super::logs::{Cache, Facts, Filter, Log, Scores, Source};
use super::workspaces::Workspace;
use super::{Room, State, feedback};
use crate::call::Call;
use crate::reply::Refusal;

pub(crate) const ROOM: Room = Room::of(&[
    ("get_requests_graph", Read(graphs::requests)),
    ("get_cost_graph", Read(graphs::cost)),
    ("get_latency_graph", Read(graphs::latency)),
    ("get_tokens_graph", Read(graphs::tokens)),
    ("get_users_graph", Read(graphs::users)),
    (
        "get_requests_per_user_graph",
        Read(graphs::requests_per_user),
    ),
    ("get_errors_graph", Read(graphs::errors)),
    ("get_error_rate_graph", Read(graphs::error_rate)),
    ("get_error_stacks_graph", Read(graphs::error_stacks)),
    ("get_error_status_codes_graph", Read(graphs::status_codes)),
    ("get_rescued_requests_graph", Read(graphs::rescued)),
    ("get_cache_hit_rate_graph", Read(graphs::cache_hit_rate)),
    ("get_cache_latency_graph", Read(graphs::cache_latency)),
    ("get_feedbacks_graph", Read(graphs::feedbacks)),
    ("get_feedback_scores_graph", Read(graphs::feedback_scores)),
    (
        "get_weighted_feedback_graph",
        Read(graphs::weighted_feedback),
    ),
    (
        "get_feedback_by_model_graph",
        Read(graphs::feedback_by_model),
    ),
    ("get_cache_summary", Read(graphs::cache_summary)),
    ("get_usage_by_user", Read(groups::by_user)),
    ("get_usage_by_model", Read(groups::by_model)),
    ("get_usage_by_metadata", Read(groups::by_metadata)),
    ("get_usage_by_provider", Read(groups::by_provider)),
    ("get_usage_by_workspace", Read(groups::by_workspace)),
    ("get_usage_by", Read(groups::by_choice)),
]);

/// Everything is computed from logs and feedback.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Analytics {}

/// What figures are asked for: whose, of when, of which logs.
struct Question<'a> {
    state: &'a State,
    workspaces: Vec<&'a str>,
    span: RangeInclusive<i64>,
    filter: Filter,
    is_filtered: bool,
}

/// Parameters of these operations that say nothing about logs.
const NO_FILTERS: [&str; 9] = [
    "workspace_slug",
    "time_of_generation_min",
    "time_of_generation_max",
    "current_page",
    "page_size",
    "columns",
    "include_total",
    "order_by",
    "order_by_type",
];

impl<'a> Question<'a> {
    fn read(state: &'a State, call: &Call) -> Result<Self, Refusal> {
        let source = Source {
            filters: &call.query,
            refuse: |name, problem| Refusal::invalid(format!("query parameter `{name}` {problem}")),
        };
        let mut names = call.query.keys();
        Ok(Self {
            state,
            workspaces: workspaces(state, call)?,
            span: source.span()?,
            filter: Filter::read(&source, &state.logs)?,
            is_filtered: names.any(|name| !NO_FILTERS.contains(&name.as_str())),
        })
    }

    /// Shows every log that is asked about, those of a workspace in the order of time.
    fn each(&self, mut show: impl FnMut(&'a str, &'a Log)) {
        let book = &self.state.logs;
        for workspace in &self.workspaces {
            let scores = if self.filter.asks_for_feedback() {
                feedback::scores(self.state, workspace)
            } else {
                Scores::new()
            };
            let logs = book.within(workspace, &self.span);
            let admitted = logs.filter(|log| self.filter.admits(book, log, &scores));
            admitted.for_each(|log| show(workspace, log));
        }
    }

    /// Shows the feedback that was given in the span of time, with the first log of its trace. Where
    /// logs are filtered, feedback without a log is not asked about.
    fn each_feedback(&self, mut show: impl FnMut(&'a feedback::Piece, Option<&'a Log>)) {
        let book = &self.state.logs;
        for workspace in &self.workspaces {
            let pieces = self.state.feedback.in_workspace(workspace);
            if pieces.is_empty() {
                continue;
            }
            let scores = feedback::scores(self.state, workspace);
            for piece in pieces.iter().filter(|piece| self.span.contains(&piece.at)) {
                let log = book.first_of(workspace, &piece.trace_id);
                let admitted = match log {
                    Some(log) => self.filter.admits(book, log, &scores),
                    None => !self.is_filtered,
                };
                if admitted {
                    show(piece, log);
                }
            }
        }
    }
}

/// A workspace key asks about its own workspace, whatever it names; a key of the organisation about
/// the one that it names, or all. By UUID.
fn workspaces<'a>(state: &'a State, call: &Call) -> Result<Vec<&'a str>, Refusal> {
    let slug = call
        .query_text("workspace_slug")
        .filter(|slug| !slug.is_empty());
    let wanted = match (call.caller.workspace(), slug) {
        (Some(own), _) => Some(own.to_owned()),
        (None, Some(slug)) => Some(super::workspaces::resolve(state, slug, &call.caller)?),
        (None, None) => None,
    };
    let shown = |workspace: &'a Workspace| workspace.id.as_str();
    Ok(match wanted {
        Some(id) => state.workspaces.get(&id).into_iter().map(shown).collect(),
        None => state.workspaces.iter().map(shown).collect(),
    })
}

/// Sums over logs.
#[derive(Debug, Clone, Default)]
struct Totals {
    requests: u64,
    errors: u64,
    successes: u64,
    cost: f64,
    input: u64,
    output: u64,
    tokens: u64,
    millis: u64,
    simple_hits: u64,
    semantic_hits: u64,
    simple_savings: f64,
    semantic_savings: f64,
    /// How long answers from the cache took, all together.
    hit_millis: u64,
    /// The times of the first and the last.
    first: Option<i64>,
    last: Option<i64>,
}

impl Totals {
    fn add(&mut self, log: &Log) {
        let facts = &log.facts;
        self.requests += 1;
        self.errors += u64::from(is_error(facts));
        self.successes += u64::from(facts.is_success());
        self.cost += facts.cost;
        self.input = self.input.saturating_add(facts.input);
        self.output = self.output.saturating_add(facts.output);
        self.tokens = self.tokens.saturating_add(facts.tokens);
        self.millis = self.millis.saturating_add(facts.millis);
        self.first = Some(self.first.map_or(log.at, |first| first.min(log.at)));
        self.last = self.last.max(Some(log.at));
        match facts.cache {
            Cache::None => return,
            Cache::Simple => {
                self.simple_hits += 1;
                self.simple_savings += facts.saved;
            }
            Cache::Semantic => {
                self.semantic_hits += 1;
                self.semantic_savings += facts.saved;
            }
        }
        self.hit_millis = self.hit_millis.saturating_add(facts.millis);
    }

    fn hits(&self) -> u64 {
        self.simple_hits + self.semantic_hits
    }
}

fn is_error(facts: &Facts) -> bool {
    facts.status >= 400
}

/// `part` for each of `count`; 0 where there is none.
fn ratio(part: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { part / float(count) }
}

/// Which share of `count` are `part`, in per cent.
fn per_cent(part: u64, count: u64) -> f64 {
    ratio(100.0 * float(part), count)
}

#[allow(clippy::cast_precision_loss)]
fn float(count: u64) -> f64 {
    count as f64
}

/// What so many per cent of the numbers, which are in order, do not exceed.
fn percentile(sorted: &[u64], per_cent: usize) -> u64 {
    let rank = (sorted.len() * per_cent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_numbers_that_occur() {
        let numbers: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&numbers, 50), 100);
        assert_eq!(percentile(&numbers, 99), 198);
        assert_eq!((percentile(&[7], 50), percentile(&[], 99)), (7, 0));
    }
}
