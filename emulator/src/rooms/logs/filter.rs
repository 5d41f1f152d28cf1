//! Which logs a question is about: the filters that analytics and exports share.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::DateTime;
use serde_json::{Map, Value};

use super::book::{Book, Log, Name};
use crate::reply::Refusal;

/// Filters by their names in the document, and where they stood, for complaints.
pub(crate) struct Source<'a> {
    pub(crate) filters: &'a Map<String, Value>,
    /// Says which filter is wrong, and how.
    pub(crate) refuse: fn(&str, &str) -> Refusal,
}

/// Every filter of a question; what was not asked for lets everything through.
#[derive(Default)]
pub(crate) struct Filter {
    units: Bounds,
    cost: Bounds,
    input: Bounds,
    output: Bounds,
    statuses: Option<HashSet<u16>>,
    feedback: Bounds,
    virtual_keys: Wanted,
    configs: Wanted,
    api_keys: Wanted,
    models: Wanted,
    spans: Wanted,
    prompts: Wanted,
    caches: Wanted,
    /// Provider and model; one that no log has is no pair.
    provider_models: Option<HashSet<(Name, Name)>>,
    /// All of these have to be there; `None` in a pair stands for a text that no log has.
    metadata: Vec<Option<(Name, Name)>>,
    traces: Option<HashSet<String>>,
}

/// The names that are let through.
type Wanted = Option<HashSet<Name>>;

/// The average of the weighted feedback of traces, by trace.
pub(crate) type Scores = HashMap<String, f64>;

#[derive(Default, Clone, Copy)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
}

impl Bounds {
    fn read(source: &Source, name: &str) -> Self {
        let bound = |end: &str| source.filters.get(&format!("{name}_{end}"))?.as_f64();
        Self {
            least: bound("min"),
            most: bound("max"),
        }
    }

    fn admits(self, value: f64) -> bool {
        self.least.is_none_or(|least| least <= value) && self.most.is_none_or(|most| value <= most)
    }

    #[allow(clippy::cast_precision_loss)]
    fn admits_count(self, count: u64) -> bool {
        self.admits(count as f64)
    }

    fn is_set(self) -> bool {
        self.least.is_some() || self.most.is_some()
    }
}

impl Source<'_> {
    /// The items of a filter whose values are separated by commas.
    fn list(&self, name: &str) -> Option<Vec<&str>> {
        let items: Vec<&str> = match self.filters.get(name)? {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            text => text.as_str()?.split(',').map(str::trim).collect(),
        };
        let items: Vec<&str> = items.into_iter().filter(|item| !item.is_empty()).collect();
        (!items.is_empty()).then_some(items)
    }

    fn names(&self, name: &str, book: &Book) -> Wanted {
        let items = self.list(name)?;
        Some(
            items
                .into_iter()
                .filter_map(|item| book.names.find(item))
                .collect(),
        )
    }

    fn statuses(&self) -> Result<Option<HashSet<u16>>, Refusal> {
        let Some(items) = self.list("status_code") else {
            return Ok(None);
        };
        let codes: Result<_, _> = items.into_iter().map(str::parse).collect();
        codes
            .map(Some)
            .map_err(|_| (self.refuse)("status_code", "is no list of status codes"))
    }

    fn provider_models(&self, book: &Book) -> Option<HashSet<(Name, Name)>> {
        let pair = |item: &str| {
            let (provider, model) = item.split_once("__")?;
            Some((book.names.find(provider)?, book.names.find(model)?))
        };
        let items = self.list("ai_org_model")?;
        Some(items.into_iter().filter_map(pair).collect())
    }

    /// An object, or one as text.
    fn metadata(&self, book: &Book) -> Result<Vec<Option<(Name, Name)>>, Refusal> {
        let parsed = match self.filters.get("metadata") {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) if text.is_empty() => return Ok(Vec::new()),
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
            Some(other) => other.clone(),
        };
        let Value::Object(members) = parsed else {
            return Err((self.refuse)("metadata", "is no JSON object"));
        };
        let pair = |(key, value): (&String, &Value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some((book.names.find(key)?, book.names.find(&value)?))
        };
        Ok(members.iter().map(pair).collect())
    }

    fn moment(&self, name: &str, otherwise: i64) -> Result<i64, Refusal> {
        let Some(text) = self.filters.get(name).and_then(Value::as_str) else {
            return Ok(otherwise);
        };
        let parsed = DateTime::parse_from_rfc3339(text);
        parsed
            .map(|at| at.timestamp_millis())
            .map_err(|_| (self.refuse)(name, "is not a date and time"))
    }

    /// The span of time that is asked about, in milliseconds since the Unix epoch.
    pub(crate) fn span(&self) -> Result<RangeInclusive<i64>, Refusal> {
        let start = self.moment("time_of_generation_min", i64::MIN)?;
        Ok(start..=self.moment("time_of_generation_max", i64::MAX)?)
    }
}

impl Filter {
    /// Reads the filters of a request.
    pub(crate) fn read(source: &Source, book: &Book) -> Result<Self, Refusal> {
        let names = |name| source.names(name, book);
        let traces = source.list("trace_id");
        Ok(Self {
            units: Bounds::read(source, "total_units"),
            cost: Bounds::read(source, "cost"),
            input: Bounds::read(source, "prompt_token"),
            output: Bounds::read(source, "completion_token"),
            statuses: source.statuses()?,
            feedback: Bounds::read(source, "weighted_feedback"),
            virtual_keys: names("virtual_keys"),
            configs: names("configs"),
            api_keys: names("api_key_ids"),
            models: names("ai_model"),
            spans: names("span_id"),
            prompts: names("prompt_slug"),
            caches: cache_statuses(source, book),
            provider_models: source.provider_models(book),
            metadata: source.metadata(book)?,
            traces: traces.map(|traces| traces.into_iter().map(str::to_owned).collect()),
        })
    }

    /// Whether it has to be told what feedback there is.
    pub(crate) fn asks_for_feedback(&self) -> bool {
        self.feedback.is_set()
    }

    /// Whether a log is let through.
    pub(crate) fn admits(&self, book: &Book, log: &Log, scores: &Scores) -> bool {
        let facts = &log.facts;
        self.units.admits_count(facts.tokens)
            && self.cost.admits(facts.cost)
            && self.input.admits_count(facts.input)
            && self.output.admits_count(facts.output)
            && admits(self.statuses.as_ref(), Some(facts.status))
            && admits(self.virtual_keys.as_ref(), facts.virtual_key)
            && admits(self.configs.as_ref(), facts.config)
            && admits(self.api_keys.as_ref(), Some(facts.api_key))
            && admits(self.models.as_ref(), facts.model)
            && admits(self.spans.as_ref(), facts.span)
            && admits(self.prompts.as_ref(), facts.prompt)
            && admits(self.caches.as_ref(), facts.cache_status)
            && admits(
                self.provider_models.as_ref(),
                facts.provider.zip(facts.model),
            )
            && self
                .metadata
                .iter()
                .all(|wanted| wanted.is_some_and(|wanted| facts.metadata.contains(&wanted)))
            && self.admits_trace(book, log, scores)
    }

    fn admits_trace(&self, book: &Book, log: &Log, scores: &Scores) -> bool {
        if self.traces.is_none() && !self.feedback.is_set() {
            return true;
        }
        let trace = book.trace(log);
        let score = || scores.get(&trace).is_some_and(|s| self.feedback.admits(*s));
        self.traces.as_ref().is_none_or(|own| own.contains(&trace))
            && (!self.feedback.is_set() || score())
    }
}

fn admits<T: std::hash::Hash + Eq>(wanted: Option<&HashSet<T>>, value: Option<T>) -> bool {
    wanted.is_none_or(|wanted| value.is_some_and(|value| wanted.contains(&value)))
}

/// Entries have these in lower case.
fn cache_statuses(source: &Source, book: &Book) -> Wanted {
    let items = source.list("cache_status")?;
    let known = |item: &str| book.names.find(&item.to_lowercase());
    Some(items.into_iter().filter_map(known).collect())
}
