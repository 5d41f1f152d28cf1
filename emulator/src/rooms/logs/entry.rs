//! What a log says: read once from the entry, so that counting needs no JSON.

use std::sync::Arc;

use serde_json::Value;

use super::book::{Name, Names};
use crate::rooms::pricing;

/// The facts of a log that filters and figures are about.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) api_key: Name,
    pub(crate) trace: Option<Name>,
    pub(crate) span: Option<Name>,
    pub(crate) user: Option<Name>,
    pub(crate) provider: Option<Name>,
    pub(crate) model: Option<Name>,
    pub(crate) config: Option<Name>,
    pub(crate) prompt: Option<Name>,
    pub(crate) virtual_key: Option<Name>,
    /// What the answer says of the cache, in lower case.
    pub(crate) cache_status: Option<Name>,
    pub(crate) cache: Cache,
    pub(crate) status: u16,
    /// How long it took, in milliseconds.
    pub(crate) millis: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) tokens: u64,
    /// Cents.
    pub(crate) cost: f64,
    /// What it would have cost without the cache, in cents; 0 where the cache did not answer.
    pub(crate) saved: f64,
    /// How many attempts failed before the answer.
    pub(crate) retries: u32,
    /// Whether another target than the first answered.
    pub(crate) fallback: bool,
    /// Keys and values, but for trace and span.
    pub(crate) metadata: Arc<[(Name, Name)]>,
}

/// Which cache answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    None,
    Simple,
    Semantic,
}

/// Where an entry names its trace and span; both spellings are in use.
pub(crate) const TRACE: [&str; 2] = ["trace_id", "traceId"];
pub(crate) const SPAN: [&str; 2] = ["span_id", "spanId"];
pub(crate) const SPAN_NAME: [&str; 2] = ["span_name", "spanName"];
pub(crate) const PARENT_SPAN: [&str; 2] = ["parent_span_id", "parentSpanId"];

impl Facts {
    /// The facts of an entry that was made with an API key.
    pub(crate) fn of(entry: &Value, api_key: &str, names: &mut Names) -> Self {
        let (request, response) = (&entry["request"], &entry["response"]);
        let provider = provider(request);
        let model = model(entry);
        let tokens = Tokens::of(&response["body"]["usage"]);
        let price = match (&provider, model) {
            (Some(provider), Some(model)) => {
                pricing::cents(provider, model, tokens.input, tokens.output)
            }
            _ => 0.0,
        };
        let cache_status = header(response, "x-portkey-cache-status").map(str::to_lowercase);
        let cache = Cache::of(cache_status.as_deref());
        let cached = cache != Cache::None;
        let mut name = |text: Option<&str>| text.map(|text| names.enter(text));
        Self {
            trace: name(metadata_text(entry, &TRACE)),
            span: name(metadata_text(entry, &SPAN)),
            user: name(user(entry)),
            provider: name(provider.as_deref()),
            model: name(model),
            config: name(header(request, "x-portkey-config")),
            prompt: name(prompt(request)),
            virtual_key: name(virtual_key(request)),
            cache_status: name(cache_status.as_deref()),
            cache,
            status: status(entry),
            millis: response["response_time"].as_u64().unwrap_or(0),
            input: tokens.input,
            output: tokens.output,
            tokens: tokens.total,
            cost: if cached { 0.0 } else { price },
            saved: if cached { price } else { 0.0 },
            retries: number(header(response, "x-portkey-retry-attempt-count")),
            fallback: number(header(response, "x-portkey-last-used-option-index")) > 0,
            metadata: metadata(&entry["metadata"], names),
            api_key: names.enter(api_key),
        }
    }

    /// Whether the answer was a success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Cache {
    fn of(status: Option<&str>) -> Self {
        match status {
            Some("hit") => Self::Simple,
            Some("semantic hit") => Self::Semantic,
            _ => Self::None,
        }
    }
}

/// Token counts; providers call them differently.
struct Tokens {
    input: u64,
    output: u64,
    total: u64,
}

impl Tokens {
    fn of(usage: &Value) -> Self {
        let count = |names: [&str; 2]| names.iter().find_map(|name| usage[*name].as_u64());
        let input = count(["prompt_tokens", "input_tokens"]).unwrap_or(0);
        let output = count(["completion_tokens", "output_tokens"]).unwrap_or(0);
        let total = usage["total_tokens"].as_u64();
        Self {
            input,
            output,
            total: total.unwrap_or_else(|| input.saturating_add(output)),
        }
    }
}

/// The status of the answer; 200 where the entry has none.
pub(crate) fn status(entry: &Value) -> u16 {
    let status = entry["response"]["status"].as_u64();
    status
        .and_then(|status| u16::try_from(status).ok())
        .unwrap_or(200)
}

/// The first of these members of the metadata that is there.
pub(crate) fn metadata_text<'a>(entry: &'a Value, names: &[&str]) -> Option<&'a str> {
    let metadata = &entry["metadata"];
    let mut found = names.iter().filter_map(|name| metadata[*name].as_str());
    found.find(|text| !text.is_empty())
}

/// A header, whose name may be written in any case.
fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let headers = message["headers"].as_object()?;
    let mut found = headers
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name));
    found.next()?.1.as_str().filter(|text| !text.is_empty())
}

fn number(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Who made the request: the metadata `_user`, or what the provider was told.
fn user(entry: &Value) -> Option<&str> {
    let told = entry["request"]["body"]["user"].as_str();
    metadata_text(entry, &["_user"]).or(told.filter(|user| !user.is_empty()))
}

/// The model that was asked, or else the one that answered.
fn model(entry: &Value) -> Option<&str> {
    let of = |message: &str| entry[message]["body"]["model"].as_str();
    of("request")
        .or_else(|| of("response"))
        .filter(|model| !model.is_empty())
}

/// The provider that a header names, or the name of the host: `openai` of `api.openai.com`.
fn provider(request: &Value) -> Option<String> {
    if let Some(provider) = header(request, "x-portkey-provider")
        && !provider.starts_with('@')
    {
        return Some(provider.to_owned());
    }
    let (_, rest) = request["url"].as_str()?.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let host = host.split(':').next()?;
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    let name = host.rsplit('.').nth(1)?;
    (!name.is_empty()).then(|| name.to_lowercase())
}

/// A virtual key has a header of its own; as a provider it begins with `@`.
fn virtual_key(request: &Value) -> Option<&str> {
    header(request, "x-portkey-virtual-key")
        .or_else(|| header(request, "x-portkey-provider")?.strip_prefix('@'))
}

/// The prompt that the URL runs: `…/prompts/SLUG/completions`.
fn prompt(request: &Value) -> Option<&str> {
    let (_, rest) = request["url"].as_str()?.split_once("/prompts/")?;
    rest.strip_suffix("/completions")
        .filter(|slug| !slug.is_empty() && !slug.contains('/'))
}

fn metadata(metadata: &Value, names: &mut Names) -> Arc<[(Name, Name)]> {
    let members = metadata.as_object().into_iter().flatten();
    let own = [TRACE, SPAN, SPAN_NAME, PARENT_SPAN].concat();
    members
        .filter(|(key, _)| !own.contains(&key.as_str()))
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .map(|(key, value)| (names.enter(key), names.enter(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cache, Facts, Names};

    fn text(names: &Names, name: Option<super::Name>) -> String {
        name.map_or(String::new(), |name| names.text(name).to_owned())
    }

    #[test]
    fn facts_are_found_where_clients_put_them() {
        let entry = json!({
            "metadata": {"traceId": "t", "_user": "u", "team": "search"},
            "request": {
                "url": "https://api.openai.com/v1/chat/completions",
                "headers": {"X-Portkey-Virtual-Key": "vk"},
                "body": {"model": "m"},
            },
            "response": {
                "status": 429,
                "response_time": 12,
                "headers": {"x-portkey-retry-attempt-count": "2"},
                "body": {"usage": {"input_tokens": 3, "output_tokens": 4}},
            },
        });
        let mut names = Names::default();
        let facts = Facts::of(&entry, "key", &mut names);
        assert_eq!(text(&names, facts.trace), "t");
        assert_eq!(text(&names, facts.user), "u");
        assert_eq!(text(&names, facts.provider), "openai");
        assert_eq!(text(&names, facts.virtual_key), "vk");
        assert_eq!((facts.status, facts.tokens, facts.retries), (429, 7, 2));
        assert_eq!(facts.metadata.len(), 2);
        assert!(!facts.is_success() && facts.cache == Cache::None);
    }

    #[test]
    fn an_entry_may_say_next_to_nothing() {
        for url in [
            "",
            "x",
            "http://",
            "http://127.0.0.1:9/x",
            "https://@/?",
            "http://./",
        ] {
            let entry = json!({"request": {"url": url, "body": {}}, "response": {"body": {}}});
            let mut names = Names::default();
            let facts = Facts::of(&entry, "key", &mut names);
            assert_eq!(text(&names, facts.provider), "", "{url}");
            assert_eq!((facts.status, facts.tokens), (200, 0));
        }
    }

    #[test]
    fn what_the_cache_answers_costs_nothing() {
        let entry = json!({
            "request": {
                "url": "",
                "headers": {"x-portkey-provider": "example-provider"},
                "body": {"model": "example-model"},
            },
            "response": {
                "headers": {"x-portkey-cache-status": "SEMANTIC HIT"},
                "body": {"usage": {"prompt_tokens": 1000}},
            },
        });
        let facts = Facts::of(&entry, "key", &mut Names::default());
        assert_eq!((facts.cost, facts.cache), (0.0, Cache::Semantic));
        assert!((facts.saved - 0.1).abs() < 1e-9, "{}", facts.saved);
    }
}
