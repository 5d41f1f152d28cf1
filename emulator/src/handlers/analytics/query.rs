//! The parameters and totals that graphs and groups share.

use std::ops::RangeInclusive;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::feedback;
use crate::state::State;
use crate::state::feedback::FeedbackItem;
use crate::state::logs::attributes::{Cache, LogAttributes};
use crate::state::logs::filter::{FeedbackScores, FilterSource, LogFilter};
use crate::state::logs::log_store::Log;
use crate::state::workspaces::Workspace;

/// The workspaces, time range and filter of an analytics request.
pub(super) struct AnalyticsQuery<'a> {
    pub(super) state: &'a State,
    pub(super) workspaces: Vec<&'a str>,
    pub(super) time_range: RangeInclusive<i64>,
    pub(super) filter: LogFilter,
    pub(super) is_filtered: bool,
}

/// Parameters of these operations that do not filter logs.
const NON_FILTER_PARAMETERS: [&str; 9] = [
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

impl<'a> AnalyticsQuery<'a> {
    pub(super) fn read(state: &'a State, call: &Call) -> Result<Self, ApiError> {
        let source = FilterSource {
            filters: &call.query,
            error: |name, reason| {
                ApiError::bad_request(format!("query parameter `{name}` {reason}"))
            },
        };
        let mut names = call.query.keys();
        Ok(Self {
            state,
            workspaces: queried_workspaces(state, call)?,
            time_range: source.time_range()?,
            filter: LogFilter::read(&source, &state.logs)?,
            is_filtered: names.any(|name| !NON_FILTER_PARAMETERS.contains(&name.as_str())),
        })
    }

    /// Calls `visit` for every matching log, ordered by time within a workspace.
    pub(super) fn for_each_log(&self, mut visit: impl FnMut(&'a str, &'a Log)) {
        let logs = &self.state.logs;
        for workspace in &self.workspaces {
            let scores = if self.filter.needs_feedback() {
                feedback::scores(self.state, workspace)
            } else {
                FeedbackScores::new()
            };
            let matching = logs.in_range(workspace, &self.time_range);
            let matched = matching.filter(|log| self.filter.matches(logs, log, &scores));
            matched.for_each(|log| visit(workspace, log));
        }
    }

    /// Calls `visit` for the feedback in the time range, with the first log of its trace. If logs
    /// are filtered, feedback without a log is excluded.
    pub(super) fn for_each_feedback(
        &self,
        mut visit: impl FnMut(&'a FeedbackItem, Option<&'a Log>),
    ) {
        let logs = &self.state.logs;
        for workspace in &self.workspaces {
            let items = self.state.feedback.in_workspace(workspace);
            if items.is_empty() {
                continue;
            }
            let scores = feedback::scores(self.state, workspace);
            for item in items
                .iter()
                .filter(|item| self.time_range.contains(&item.at))
            {
                let log = logs.first_of_trace(workspace, &item.trace_id);
                let matched = match log {
                    Some(log) => self.filter.matches(logs, log, &scores),
                    None => !self.is_filtered,
                };
                if matched {
                    visit(item, log);
                }
            }
        }
    }
}

/// Returns the UUIDs of the queried workspaces. A workspace key always queries its own workspace;
/// an organisation key the workspace named in the request, or all.
pub(super) fn queried_workspaces<'a>(
    state: &'a State,
    call: &Call,
) -> Result<Vec<&'a str>, ApiError> {
    let slug = call
        .query_param("workspace_slug")
        .filter(|slug| !slug.is_empty());
    let requested = match (call.caller.workspace(), slug) {
        (Some(id), _) => Some(id.to_owned()),
        (None, Some(slug)) => Some(state.workspaces.resolve(slug, &call.caller)?),
        (None, None) => None,
    };
    let workspace_id = |workspace: &'a Workspace| workspace.id.as_str();
    Ok(match requested {
        Some(id) => state
            .workspaces
            .get(&id)
            .into_iter()
            .map(workspace_id)
            .collect(),
        None => state.workspaces.iter().map(workspace_id).collect(),
    })
}

/// Totals over a set of logs.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) successes: u64,
    pub(super) cost: f64,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) tokens: u64,
    pub(super) millis: u64,
    pub(super) simple_hits: u64,
    pub(super) semantic_hits: u64,
    pub(super) simple_savings: f64,
    pub(super) semantic_savings: f64,
    /// The total duration of the responses from the cache.
    pub(super) cached_duration_ms: u64,
    /// The times of the first and the last log.
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
}

impl Totals {
    pub(super) fn add(&mut self, log: &Log) {
        let attributes = &log.attributes;
        self.requests += 1;
        self.errors += u64::from(is_error(attributes));
        self.successes += u64::from(attributes.is_success());
        self.cost += attributes.cost;
        self.input = self.input.saturating_add(attributes.input_tokens);
        self.output = self.output.saturating_add(attributes.output_tokens);
        self.tokens = self.tokens.saturating_add(attributes.total_tokens);
        self.millis = self.millis.saturating_add(attributes.duration_ms);
        self.first = Some(self.first.map_or(log.at, |first| first.min(log.at)));
        self.last = self.last.max(Some(log.at));
        match attributes.cache {
            Cache::None => return,
            Cache::Simple => {
                self.simple_hits += 1;
                self.simple_savings += attributes.cache_savings;
            }
            Cache::Semantic => {
                self.semantic_hits += 1;
                self.semantic_savings += attributes.cache_savings;
            }
        }
        self.cached_duration_ms = self
            .cached_duration_ms
            .saturating_add(attributes.duration_ms);
    }

    pub(super) fn hits(&self) -> u64 {
        self.simple_hits + self.semantic_hits
    }
}

pub(super) fn is_error(attributes: &LogAttributes) -> bool {
    attributes.status >= 400
}

/// Returns `part / count`; 0 if `count` is 0.
pub(super) fn ratio(part: f64, count: u64) -> f64 {
    if count == 0 {
        0.0
    } else {
        part / to_f64(count)
    }
}

/// Returns the percentage of `part` in `count`.
pub(super) fn percentage(part: u64, count: u64) -> f64 {
    ratio(100.0 * to_f64(part), count)
}

#[allow(clippy::cast_precision_loss)]
pub(super) fn to_f64(count: u64) -> f64 {
    count as f64
}

/// Returns the given percentile of sorted values (nearest rank); 0 if there are none.
pub(super) fn percentile(sorted: &[u64], percentage: usize) -> u64 {
    let rank = (sorted.len() * percentage).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    pub(super) fn percentiles_are_values_of_the_input() {
        let numbers: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&numbers, 50), 100);
        assert_eq!(percentile(&numbers, 99), 198);
        assert_eq!((percentile(&[7], 50), percentile(&[], 99)), (7, 0));
    }
}
