//! What the gateway is told beside the request itself: which provider, which cache, which trace.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Error, JsonObject, Secret,
    options::{self, ascii_json},
};

const VIRTUAL_KEY: &str = "x-portkey-virtual-key";
const FORWARD_HEADERS: &str = "x-portkey-forward-headers";

/// What goes to the gateway with every request: provider and its key, config, metadata, trace, cache.
///
/// For all calls of a client or for some, as part of [`RequestOptions`](crate::RequestOptions). It is sent to the
/// gateway alone: never to the control plane, the public base URL or a signed URL. What an operation
/// sets itself (`x_portkey_trace_id` …) wins over it.
///
/// Values are sent in headers. They do not show in `Debug` and are marked as sensitive; a
/// [virtual key](Self::virtual_key) or [authorization](Self::authorization) that the service repeats in
/// a refusal is taken out of what an [`Error`] shows. A value that is empty, or that no header may have
/// (a line break, text beyond ASCII), is an error when the client is built or something is sent.
///
/// ```
/// use portkey_admin::{Client, GatewayOptions, RequestOptions};
///
/// # fn main() -> Result<(), portkey_admin::Error> {
/// let defaults = GatewayOptions::new().provider("openai").authorization("provider-key");
/// let client = Client::builder()
///     .api_key("key")
///     .options(RequestOptions::new().gateway(defaults))
///     .build()?;
/// let traced = GatewayOptions::new().trace_id("order-7").metadata([("_user", "42")]);
/// let client = client.with_options(RequestOptions::new().gateway(traced));
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until options have it"]
pub struct GatewayOptions {
    headers: HeaderMap,
    /// Sent as they are, and named in a header of their own.
    forwarded: HeaderMap,
    /// What is wrong with a value; it shows when something is built or sent.
    problem: Option<Error>,
}

impl GatewayOptions {
    /// Says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The provider: a name (`openai`), or the slug of one of the workspace with `@` before it.
    pub fn provider(self, provider: impl AsRef<str>) -> Self {
        self.text("x-portkey-provider", provider.as_ref())
    }

    /// The virtual key, by slug.
    pub fn virtual_key(self, key: impl Into<Secret>) -> Self {
        self.text(VIRTUAL_KEY, key.into().expose())
    }

    /// The provider's own key, sent as `authorization`; `Bearer ` is put before it where it is missing.
    pub fn authorization(self, key: impl Into<Secret>) -> Self {
        let key = key.into();
        let text = match token(key.expose()) {
            "" => String::new(),
            token => format!("Bearer {token}"),
        };
        self.text(AUTHORIZATION.as_str(), &text)
    }

    /// The config, by slug. It takes the place of [`config_object`](Self::config_object).
    pub fn config(self, config: impl AsRef<str>) -> Self {
        self.text("x-portkey-config", config.as_ref())
    }

    /// A config that is not stored: an object, sent as JSON. It takes the place of
    /// [`config`](Self::config).
    pub fn config_object(self, config: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_value(config) {
            Ok(config @ Value::Object(_)) => self.json("x-portkey-config", &config),
            Ok(_) => self.refused("the config is no object"),
            // The cause is left out: it may quote a value.
            Err(_) => self.refused("the config cannot be encoded as JSON"),
        }
    }

    /// Where the provider is: a URL with `https://` or `http://`.
    pub fn custom_host(self, url: impl AsRef<str>) -> Self {
        let url = url.as_ref();
        match reqwest::Url::parse(url) {
            Ok(parsed) if matches!(parsed.scheme(), "https" | "http") => {
                self.text("x-portkey-custom-host", url)
            }
            _ => self.refused("the custom host is no https:// or http:// URL"),
        }
    }

    /// Names and values to filter and count by, sent as a JSON object in which everything beyond ASCII
    /// is escaped. It replaces what the client has; the service takes values that are text.
    pub fn metadata(self, metadata: impl Into<JsonObject>) -> Self {
        let metadata = Value::Object(metadata.into().into_map());
        self.json(options::METADATA, &metadata)
    }

    /// What the trace is called to which the requests belong.
    pub fn trace_id(self, id: impl AsRef<str>) -> Self {
        self.text("x-portkey-trace-id", id.as_ref())
    }

    /// What the span is called that a request is.
    pub fn span_id(self, id: impl AsRef<str>) -> Self {
        self.text("x-portkey-span-id", id.as_ref())
    }

    /// The span around it.
    pub fn parent_span_id(self, id: impl AsRef<str>) -> Self {
        self.text("x-portkey-parent-span-id", id.as_ref())
    }

    /// The name of the span, for people.
    pub fn span_name(self, name: impl AsRef<str>) -> Self {
        self.text("x-portkey-span-name", name.as_ref())
    }

    /// The part of the cache in which an answer is looked for and kept.
    pub fn cache_namespace(self, namespace: impl AsRef<str>) -> Self {
        self.text("x-portkey-cache-namespace", namespace.as_ref())
    }

    /// Whether the cache is not asked, but filled.
    pub fn cache_force_refresh(self, refresh: bool) -> Self {
        self.flag("x-portkey-cache-force-refresh", refresh)
    }

    /// Whether answers keep to OpenAI's form, without what a provider has beyond it.
    pub fn strict_open_ai_compliance(self, strict: bool) -> Self {
        self.flag("x-portkey-strict-open-ai-compliance", strict)
    }

    /// Adds a header that the gateway hands on to the provider; see
    /// [`RequestOptions::header`](crate::RequestOptions::header) for those that cannot be set.
    pub fn forward_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match options::header(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.forwarded.insert(name, value);
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// How long the gateway waits for the provider; counted in milliseconds, of which there must be one.
    pub fn request_timeout(self, timeout: Duration) -> Self {
        match timeout.as_millis() {
            0 => self.refused("the request timeout is shorter than a millisecond"),
            timeout => self.text("x-portkey-request-timeout", &timeout.to_string()),
        }
    }

    fn flag(self, name: &'static str, value: bool) -> Self {
        self.text(name, if value { "true" } else { "false" })
    }

    fn json(self, name: &'static str, value: &Value) -> Self {
        self.text(name, &ascii_json(&value.to_string()))
    }

    fn text(mut self, name: &'static str, value: &str) -> Self {
        if value.is_empty() {
            return self.refused(&format!("header `{name}` is empty"));
        }
        if !value.is_ascii() {
            // It could be sent, but each reader takes the bytes for something else.
            return self.refused(&format!("header `{name}` holds text beyond ASCII"));
        }
        match options::header(name, value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
                self
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
                self
            }
        }
    }

    fn refused(mut self, problem: &str) -> Self {
        self.problem
            .get_or_insert_with(|| Error::invalid_request(problem));
        self
    }

    /// This, and what `base` says of which this does not speak.
    pub(crate) fn over(self, base: &Self) -> Self {
        let merged = |base: &HeaderMap, own: HeaderMap| {
            let mut merged = base.clone();
            merged.extend(own);
            merged
        };
        Self {
            headers: merged(&base.headers, self.headers),
            forwarded: merged(&base.forwarded, self.forwarded),
            problem: self.problem.or_else(|| base.problem.clone()),
        }
    }

    /// This without what `headers` say anew.
    pub(crate) fn without(mut self, headers: &HeaderMap) -> Self {
        for name in headers.keys() {
            self.headers.remove(name);
            self.forwarded.remove(name);
        }
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// All of it, as it is sent.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut all = self.forwarded.clone();
        let names: Vec<&str> = self.forwarded.keys().map(HeaderName::as_str).collect();
        // Names of headers are always the value of one.
        if !names.is_empty()
            && let Ok(names) = HeaderValue::from_str(&names.join(","))
        {
            all.insert(FORWARD_HEADERS, names);
        }
        all.extend(self.headers.clone());
        all
    }

    /// What must not show, should the service repeat it.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        [VIRTUAL_KEY, AUTHORIZATION.as_str()]
            .into_iter()
            .filter_map(|name| self.headers.get(name)?.to_str().ok())
            .map(token)
            .filter(|secret| !secret.is_empty())
    }
}

/// The text without `Bearer` before it.
fn token(text: &str) -> &str {
    match text.split_at_checked("bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim_start(),
        _ => text,
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.headers.keys().chain(self.forwarded.keys()))
            .finish()
    }
}
