//! What a log says: read once from the entry, so that counting needs no JSON.

use std::sync::Arc;

use serde_json::Value;

use super::log_store::{StringId, StringPool};
use crate::handlers::pricing;

/// The attributes of a log that filters and figures are about.
#[derive(Debug, Clone)]
pub(crate) struct LogAttributes {
    pub(crate) api_key: StringId,
    pub(crate) trace: Option<StringId>,
    pub(crate) span: Option<StringId>,
    pub(crate) user: Option<StringId>,
    pub(crate) provider: Option<StringId>,
    pub(crate) model: Option<StringId>,
    pub(crate) config: Option<StringId>,
    pub(crate) prompt: Option<StringId>,
    pub(crate) virtual_key: Option<StringId>,
    /// What the answer says of the cache, in lower case.
    pub(crate) cache_status: Option<StringId>,
    pub(crate) cache: Cache,
    pub(crate) status: u16,
    /// How long it took, in milliseconds.
    pub(crate) duration_ms: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) total_tokens: u64,
    /// Cents.
    pub(crate) cost: f64,
    /// What it would have cost without the cache, in cents; 0 where the cache did not answer.
    pub(crate) cache_savings: f64,
    /// How many attempts failed before the answer.
    pub(crate) retries: u32,
    /// Whether another target than the first answered.
    pub(crate) fallback: bool,
    /// Keys and values, but for trace and span.
    pub(crate) metadata: Arc<[(StringId, StringId)]>,
}

/// Which cache answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    None,
    Simple,
    Semantic,
}

/// Where an entry names its trace and span; both spellings are in use.
pub(crate) const TRACE_FIELDS: [&str; 2] = ["trace_id", "traceId"];
pub(crate) const SPAN_FIELDS: [&str; 2] = ["span_id", "spanId"];
pub(crate) const SPAN_NAME_FIELDS: [&str; 2] = ["span_name", "spanName"];
pub(crate) const PARENT_SPAN_FIELDS: [&str; 2] = ["parent_span_id", "parentSpanId"];

impl LogAttributes {
    /// The attributes of an entry that was made with an API key.
    pub(crate) fn from_entry(entry: &Value, api_key: &str, strings: &mut StringPool) -> Self {
        let (request, response) = (&entry["request"], &entry["response"]);
        let provider = provider(request);
        let model = model(entry);
        let tokens = Tokens::from_usage(&response["body"]["usage"]);
        let price = match (&provider, model) {
            (Some(provider), Some(model)) => {
                pricing::cost_in_cents(provider, model, tokens.input, tokens.output)
            }
            _ => 0.0,
        };
        let cache_status = header(response, "x-portkey-cache-status").map(str::to_lowercase);
        let cache = Cache::from_status(cache_status.as_deref());
        let is_cached = cache != Cache::None;
        let mut intern = |text: Option<&str>| text.map(|text| strings.intern(text));
        Self {
            trace: intern(metadata_str(entry, &TRACE_FIELDS)),
            span: intern(metadata_str(entry, &SPAN_FIELDS)),
            user: intern(user(entry)),
            provider: intern(provider.as_deref()),
            model: intern(model),
            config: intern(header(request, "x-portkey-config")),
            prompt: intern(prompt(request)),
            virtual_key: intern(virtual_key(request)),
            cache_status: intern(cache_status.as_deref()),
            cache,
            status: status(entry),
            duration_ms: response["response_time"].as_u64().unwrap_or(0),
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            total_tokens: tokens.total,
            cost: if is_cached { 0.0 } else { price },
            cache_savings: if is_cached { price } else { 0.0 },
            retries: number(header(response, "x-portkey-retry-attempt-count")),
            fallback: number(header(response, "x-portkey-last-used-option-index")) > 0,
            metadata: metadata(&entry["metadata"], strings),
            api_key: strings.intern(api_key),
        }
    }

    /// Whether the answer was a success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Cache {
    fn from_status(status: Option<&str>) -> Self {
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
    fn from_usage(usage: &Value) -> Self {
        let count = |fields: [&str; 2]| fields.iter().find_map(|field| usage[*field].as_u64());
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
pub(crate) fn metadata_str<'a>(entry: &'a Value, fields: &[&str]) -> Option<&'a str> {
    let metadata = &entry["metadata"];
    let mut found = fields.iter().filter_map(|field| metadata[*field].as_str());
    found.find(|text| !text.is_empty())
}

/// A header, whose name may be written in any case.
fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let headers = message["headers"].as_object()?;
    let mut found = headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next()?.1.as_str().filter(|text| !text.is_empty())
}

fn number(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Who made the request: the metadata `_user`, or what the provider was told.
fn user(entry: &Value) -> Option<&str> {
    let provider_user = entry["request"]["body"]["user"].as_str();
    metadata_str(entry, &["_user"]).or(provider_user.filter(|user| !user.is_empty()))
}

/// The model that was asked, or else the one that answered.
fn model(entry: &Value) -> Option<&str> {
    let model_of = |message: &str| entry[message]["body"]["model"].as_str();
    model_of("request")
        .or_else(|| model_of("response"))
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

fn metadata(metadata: &Value, strings: &mut StringPool) -> Arc<[(StringId, StringId)]> {
    let members = metadata.as_object().into_iter().flatten();
    let excluded = [
        TRACE_FIELDS,
        SPAN_FIELDS,
        SPAN_NAME_FIELDS,
        PARENT_SPAN_FIELDS,
    ]
    .concat();
    members
        .filter(|(key, _)| !excluded.contains(&key.as_str()))
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .map(|(key, value)| (strings.intern(key), strings.intern(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cache, LogAttributes, StringPool};

    fn text(strings: &StringPool, name: Option<super::StringId>) -> String {
        name.map_or(String::new(), |name| strings.resolve(name).to_owned())
    }

    #[test]
    fn attributes_are_read_from_the_entry() {
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
        let mut strings = StringPool::default();
        let attributes = LogAttributes::from_entry(&entry, "key", &mut strings);
        assert_eq!(text(&strings, attributes.trace), "t");
        assert_eq!(text(&strings, attributes.user), "u");
        assert_eq!(text(&strings, attributes.provider), "openai");
        assert_eq!(text(&strings, attributes.virtual_key), "vk");
        assert_eq!(
            (
                attributes.status,
                attributes.total_tokens,
                attributes.retries
            ),
            (429, 7, 2)
        );
        assert_eq!(attributes.metadata.len(), 2);
        assert!(!attributes.is_success() && attributes.cache == Cache::None);
    }

    #[test]
    fn minimal_entries_are_accepted() {
        for url in [
            "",
            "x",
            "http://",
            "http://127.0.0.1:9/x",
            "https://@/?",
            "http://./",
        ] {
            let entry = json!({"request": {"url": url, "body": {}}, "response": {"body": {}}});
            let mut strings = StringPool::default();
            let attributes = LogAttributes::from_entry(&entry, "key", &mut strings);
            assert_eq!(text(&strings, attributes.provider), "", "{url}");
            assert_eq!((attributes.status, attributes.total_tokens), (200, 0));
        }
    }

    #[test]
    fn cached_responses_cost_nothing() {
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
        let attributes = LogAttributes::from_entry(&entry, "key", &mut StringPool::default());
        assert_eq!((attributes.cost, attributes.cache), (0.0, Cache::Semantic));
        assert!(
            (attributes.cache_savings - 0.1).abs() < 1e-9,
            "{}",
            attributes.cache_savings
        );
    }
}
