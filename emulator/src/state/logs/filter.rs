//! The log filters that analytics and exports share.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::state::logs::log_store::{Log, LogStore};
use crate::state::logs::strings::StringId;

/// The filters of a request, by their names in the OpenAPI document.
pub(crate) struct FilterSource<'a> {
    pub(crate) filters: &'a Map<String, Value>,
    /// Creates the error for an invalid filter, from its name and the reason.
    pub(crate) error: fn(&str, &str) -> ApiError,
}

/// The filters of a request; an absent filter matches every log.
#[derive(Default)]
pub(crate) struct LogFilter {
    pub(crate) total_tokens: Bounds,
    pub(crate) cost: Bounds,
    pub(crate) input_tokens: Bounds,
    pub(crate) output_tokens: Bounds,
    pub(crate) statuses: Option<HashSet<u16>>,
    pub(crate) feedback: Bounds,
    pub(crate) virtual_keys: AllowedIds,
    pub(crate) configs: AllowedIds,
    pub(crate) api_keys: AllowedIds,
    pub(crate) models: AllowedIds,
    pub(crate) spans: AllowedIds,
    pub(crate) prompts: AllowedIds,
    pub(crate) caches: AllowedIds,
    /// Pairs of provider and model. Pairs with a string that no log has are left out.
    pub(crate) provider_models: Option<HashSet<(StringId, StringId)>>,
    /// Keys and values that must all be present; `None` if no log has the key or the value.
    pub(crate) metadata: Vec<Option<(StringId, StringId)>>,
    pub(crate) traces: Option<HashSet<String>>,
}

/// The allowed values; `None` if there is no filter.
pub(crate) type AllowedIds = Option<HashSet<StringId>>;

/// The average weighted feedback, by trace.
pub(crate) type FeedbackScores = HashMap<String, f64>;

#[derive(Default, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

impl Bounds {
    fn read(source: &FilterSource, name: &str) -> Self {
        let bound = |end: &str| source.filters.get(&format!("{name}_{end}"))?.as_f64();
        Self {
            min: bound("min"),
            max: bound("max"),
        }
    }

    fn contains(self, value: f64) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }

    #[allow(clippy::cast_precision_loss)]
    fn contains_count(self, count: u64) -> bool {
        self.contains(count as f64)
    }

    fn is_set(self) -> bool {
        self.min.is_some() || self.max.is_some()
    }
}

impl FilterSource<'_> {
    /// Returns the items of a list filter, which is an array or a comma-separated string.
    fn list(&self, name: &str) -> Option<Vec<&str>> {
        let items: Vec<&str> = match self.filters.get(name)? {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            value => value.as_str()?.split(',').map(str::trim).collect(),
        };
        let items: Vec<&str> = items.into_iter().filter(|item| !item.is_empty()).collect();
        (!items.is_empty()).then_some(items)
    }

    fn string_ids(&self, name: &str, logs: &LogStore) -> AllowedIds {
        let items = self.list(name)?;
        Some(
            items
                .into_iter()
                .filter_map(|item| logs.strings.get(item))
                .collect(),
        )
    }

    fn statuses(&self) -> Result<Option<HashSet<u16>>, ApiError> {
        let codes: Option<HashSet<u16>> = match self.filters.get("status_code") {
            // Query parameters are a list of numbers.
            Some(Value::Array(codes)) => codes
                .iter()
                .map(|code| u16::try_from(code.as_u64()?).ok())
                .collect(),
            _ => match self.list("status_code") {
                Some(codes) => codes.into_iter().map(|code| code.parse().ok()).collect(),
                None => return Ok(None),
            },
        };
        match codes {
            Some(codes) => Ok((!codes.is_empty()).then_some(codes)),
            None => Err((self.error)(
                "status_code",
                "must be a list of status codes",
            )),
        }
    }

    fn provider_models(&self, logs: &LogStore) -> Option<HashSet<(StringId, StringId)>> {
        let pair = |item: &str| {
            let (provider, model) = item.split_once("__")?;
            Some((logs.strings.get(provider)?, logs.strings.get(model)?))
        };
        let items = self.list("ai_org_model")?;
        Some(items.into_iter().filter_map(pair).collect())
    }

    /// Returns the metadata filter, which is an object or a JSON string of one.
    fn metadata(&self, logs: &LogStore) -> Result<Vec<Option<(StringId, StringId)>>, ApiError> {
        let parsed = match self.filters.get("metadata") {
            None => return Ok(Vec::new()),
            Some(Value::String(json)) if json.is_empty() => return Ok(Vec::new()),
            Some(Value::String(json)) => serde_json::from_str(json).unwrap_or_default(),
            Some(other) => other.clone(),
        };
        let Value::Object(fields) = parsed else {
            return Err((self.error)("metadata", "must be a JSON object"));
        };
        let pair = |(key, value): (&String, &Value)| {
            let value = match value {
                Value::String(string) => string.clone(),
                other => other.to_string(),
            };
            Some((logs.strings.get(key)?, logs.strings.get(&value)?))
        };
        Ok(fields.iter().map(pair).collect())
    }

    fn timestamp(&self, name: &str, default: i64) -> Result<i64, ApiError> {
        let Some(string) = self.filters.get(name).and_then(Value::as_str) else {
            return Ok(default);
        };
        let parsed = DateTime::parse_from_rfc3339(string);
        parsed
            .map(|at| at.timestamp_millis())
            .map_err(|_| (self.error)(name, "must be an RFC 3339 date and time"))
    }

    /// Returns the time range, in milliseconds since the Unix epoch.
    pub(crate) fn time_range(&self) -> Result<RangeInclusive<i64>, ApiError> {
        let start = self.timestamp("time_of_generation_min", i64::MIN)?;
        Ok(start..=self.timestamp("time_of_generation_max", i64::MAX)?)
    }
}

impl LogFilter {
    /// Parses the filters of a request.
    pub(crate) fn read(source: &FilterSource, logs: &LogStore) -> Result<Self, ApiError> {
        let string_ids = |field| source.string_ids(field, logs);
        let traces = source.list("trace_id");
        Ok(Self {
            total_tokens: Bounds::read(source, "total_units"),
            cost: Bounds::read(source, "cost"),
            input_tokens: Bounds::read(source, "prompt_token"),
            output_tokens: Bounds::read(source, "completion_token"),
            statuses: source.statuses()?,
            feedback: Bounds::read(source, "weighted_feedback"),
            virtual_keys: string_ids("virtual_keys"),
            configs: string_ids("configs"),
            api_keys: string_ids("api_key_ids"),
            models: string_ids("ai_model"),
            spans: string_ids("span_id"),
            prompts: string_ids("prompt_slug"),
            caches: cache_statuses(source, logs),
            provider_models: source.provider_models(logs),
            metadata: source.metadata(logs)?,
            traces: traces.map(|traces| traces.into_iter().map(str::to_owned).collect()),
        })
    }

    /// Returns whether [`LogFilter::matches`] needs the feedback scores.
    pub(crate) fn needs_feedback(&self) -> bool {
        self.feedback.is_set()
    }

    /// Returns whether a log passes all filters.
    pub(crate) fn matches(&self, logs: &LogStore, log: &Log, scores: &FeedbackScores) -> bool {
        let attributes = &log.attributes;
        self.total_tokens.contains_count(attributes.total_tokens)
            && self.cost.contains(attributes.cost)
            && self.input_tokens.contains_count(attributes.input_tokens)
            && self.output_tokens.contains_count(attributes.output_tokens)
            && is_allowed(self.statuses.as_ref(), Some(attributes.status))
            && is_allowed(self.virtual_keys.as_ref(), attributes.virtual_key)
            && is_allowed(self.configs.as_ref(), attributes.config)
            && is_allowed(self.api_keys.as_ref(), Some(attributes.api_key))
            && is_allowed(self.models.as_ref(), attributes.model)
            && is_allowed(self.spans.as_ref(), attributes.span)
            && is_allowed(self.prompts.as_ref(), attributes.prompt)
            && is_allowed(self.caches.as_ref(), attributes.cache_status)
            && is_allowed(
                self.provider_models.as_ref(),
                attributes.provider.zip(attributes.model),
            )
            && self
                .metadata
                .iter()
                .all(|required| required.is_some_and(|pair| attributes.metadata.contains(&pair)))
            && self.matches_trace(logs, log, scores)
    }

    fn matches_trace(&self, logs: &LogStore, log: &Log, scores: &FeedbackScores) -> bool {
        if self.traces.is_none() && !self.feedback.is_set() {
            return true;
        }
        let trace = logs.trace_id(log);
        let score = || {
            scores
                .get(&trace)
                .is_some_and(|s| self.feedback.contains(*s))
        };
        self.traces
            .as_ref()
            .is_none_or(|traces| traces.contains(&trace))
            && (!self.feedback.is_set() || score())
    }
}

pub(crate) fn is_allowed<T: std::hash::Hash + Eq>(
    allowed: Option<&HashSet<T>>,
    value: Option<T>,
) -> bool {
    allowed.is_none_or(|allowed| value.is_some_and(|value| allowed.contains(&value)))
}

/// Converts the values to lower case, in which logs store the cache status.
pub(crate) fn cache_statuses(source: &FilterSource, logs: &LogStore) -> AllowedIds {
    let items = source.list("cache_status")?;
    let known = |item: &str| logs.strings.get(&item.to_lowercase());
    Some(items.into_iter().filter_map(known).collect())
}
