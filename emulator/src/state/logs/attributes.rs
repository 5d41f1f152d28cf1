//! The attributes of a log, extracted once from its entry, so that queries do not parse JSON.

use std::sync::Arc;

use serde_json::Value;

use crate::state::logs::strings::{StringId, StringPool};
use crate::state::pricing;

/// The attributes of a log that filters and metrics use.
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
    pub(crate) mcp_server: Option<StringId>,
    pub(crate) agent: Option<StringId>,
    /// The cache status of the response, in lower case.
    pub(crate) cache_status: Option<StringId>,
    pub(crate) cache: Cache,
    pub(crate) status: u16,
    pub(crate) duration_ms: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) total_tokens: u64,
    /// The cost in cents.
    pub(crate) cost: f64,
    /// The cost without the cache, in cents; 0 if the response is not from the cache.
    pub(crate) cache_savings: f64,
    /// The number of failed attempts before the response.
    pub(crate) retries: u32,
    /// Whether the response is from a target other than the first.
    pub(crate) fallback: bool,
    /// Keys and values, except those of trace and span.
    pub(crate) metadata: Arc<[(StringId, StringId)]>,
}

/// The cache that served the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    None,
    Simple,
    Semantic,
}

/// The metadata keys of trace and span; both spellings are in use.
pub(crate) const TRACE_FIELDS: [&str; 2] = ["trace_id", "traceId"];

pub(crate) const SPAN_FIELDS: [&str; 2] = ["span_id", "spanId"];

pub(crate) const SPAN_NAME_FIELDS: [&str; 2] = ["span_name", "spanName"];

pub(crate) const PARENT_SPAN_FIELDS: [&str; 2] = ["parent_span_id", "parentSpanId"];

impl LogAttributes {
    /// Extracts the attributes of an entry that was sent with an API key.
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
        let mut intern = |string: Option<&str>| string.map(|string| strings.intern(string));
        Self {
            trace: intern(metadata_str(entry, &TRACE_FIELDS)),
            span: intern(metadata_str(entry, &SPAN_FIELDS)),
            user: intern(user(entry)),
            provider: intern(provider.as_deref()),
            model: intern(model),
            config: intern(header(request, "x-portkey-config")),
            prompt: intern(prompt(request)),
            virtual_key: intern(virtual_key(request)),
            mcp_server: intern(segment_after(request, "mcp")),
            agent: intern(segment_after(request, "agent")),
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

    /// Returns whether the status is 2xx.
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

/// Token counts. Their field names differ between providers.
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) total: u64,
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

/// Returns the status of the response; 200 if the entry has none.
pub(crate) fn status(entry: &Value) -> u16 {
    let status = entry["response"]["status"].as_u64();
    status
        .and_then(|status| u16::try_from(status).ok())
        .unwrap_or(200)
}

/// Returns the first non-empty string under these metadata keys.
pub(crate) fn metadata_str<'a>(entry: &'a Value, fields: &[&str]) -> Option<&'a str> {
    let metadata = &entry["metadata"];
    let mut found = fields.iter().filter_map(|field| metadata[*field].as_str());
    found.find(|value| !value.is_empty())
}

/// Returns a non-empty header; its name is case-insensitive.
pub(crate) fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let headers = message["headers"].as_object()?;
    let mut found = headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next()?.1.as_str().filter(|value| !value.is_empty())
}

pub(crate) fn number(string: Option<&str>) -> u32 {
    string.and_then(|string| string.parse().ok()).unwrap_or(0)
}

/// Returns the user of the request: the metadata `_user`, or `user` in the request body.
pub(crate) fn user(entry: &Value) -> Option<&str> {
    let provider_user = entry["request"]["body"]["user"].as_str();
    metadata_str(entry, &["_user"]).or(provider_user.filter(|user| !user.is_empty()))
}

/// Returns the model of the request, or else of the response.
pub(crate) fn model(entry: &Value) -> Option<&str> {
    let model_of = |message: &str| entry[message]["body"]["model"].as_str();
    model_of("request")
        .or_else(|| model_of("response"))
        .filter(|model| !model.is_empty())
}

/// Returns the provider from the header, or else from the host: `openai` for `api.openai.com`.
pub(crate) fn provider(request: &Value) -> Option<String> {
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

/// Returns the virtual key from its header, or from the provider header, where it begins with `@`.
pub(crate) fn virtual_key(request: &Value) -> Option<&str> {
    header(request, "x-portkey-virtual-key")
        .or_else(|| header(request, "x-portkey-provider")?.strip_prefix('@'))
}

/// Returns the prompt from the URL: `…/prompts/SLUG/completions`.
pub(crate) fn prompt(request: &Value) -> Option<&str> {
    let (_, rest) = request["url"].as_str()?.split_once("/prompts/")?;
    rest.strip_suffix("/completions")
        .filter(|slug| !slug.is_empty() && !slug.contains('/'))
}

/// Returns the server in the path of the URL: `…/agent/SERVER/…`, the proxy route of agents (V037), and
/// `…/mcp/SERVER/…`, which is assumed for MCP servers.
fn segment_after<'a>(request: &'a Value, prefix: &str) -> Option<&'a str> {
    let (_, rest) = request["url"].as_str()?.split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let mut segments = path.split('/').skip(1);
    segments.find(|segment| *segment == prefix)?;
    segments.next().filter(|segment| !segment.is_empty())
}

pub(crate) fn metadata(metadata: &Value, strings: &mut StringPool) -> Arc<[(StringId, StringId)]> {
    let fields = metadata.as_object().into_iter().flatten();
    let excluded = [
        TRACE_FIELDS,
        SPAN_FIELDS,
        SPAN_NAME_FIELDS,
        PARENT_SPAN_FIELDS,
    ]
    .concat();
    fields
        .filter(|(key, _)| !excluded.contains(&key.as_str()))
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .map(|(key, value)| (strings.intern(key), strings.intern(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cache, LogAttributes, StringPool};

    fn resolve(strings: &StringPool, id: Option<super::StringId>) -> String {
        id.map_or(String::new(), |id| strings.resolve(id).to_owned())
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
        assert_eq!(resolve(&strings, attributes.trace), "t");
        assert_eq!(resolve(&strings, attributes.user), "u");
        assert_eq!(resolve(&strings, attributes.provider), "openai");
        assert_eq!(resolve(&strings, attributes.virtual_key), "vk");
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
            assert_eq!(resolve(&strings, attributes.provider), "", "{url}");
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
