//! Options for the gateway: provider, config, cache and trace.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use portkey_admin_constraints::Violation;
use serde_json::{Value, json};

use crate::{
    Error, JsonObject, Secret,
    gateway::GatewayConfig,
    header::{self, ascii_json},
};

const VIRTUAL_KEY: &str = "x-portkey-virtual-key";
const FORWARD_HEADERS: &str = "x-portkey-forward-headers";

/// Options for gateway requests: provider and its key, config, metadata, trace and cache.
///
/// They are part of [`RequestOptions`](crate::RequestOptions), for all requests of a client or for
/// single requests. They are sent only to the gateway: never to another plane or a signed URL. Values
/// that are set on an operation (`trace_id` …) take precedence.
///
/// The values are sent as headers. They are marked as sensitive and do not appear in `Debug`
/// output. A [virtual key](Self::virtual_key) or [authorization](Self::authorization) that the
/// service repeats in an error response is redacted in [`Error`]. An empty value, or a value that
/// is not allowed in a header (line breaks, non-ASCII characters), is an error when the client is
/// built or a request is sent.
///
/// ```
/// use portkey_admin::{Client, RequestOptions, gateway::GatewayOptions};
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
///
/// See the guide: [gateway](crate::guide::gateway).
#[derive(Clone, Default)]
#[must_use = "gateway options have no effect until they are set on request options"]
pub struct GatewayOptions {
    headers: HeaderMap,
    /// Headers that the gateway forwards to the provider. Their names are sent in a separate
    /// header.
    forwarded: HeaderMap,
    /// The first invalid value, reported when a client is built or a request is sent.
    problem: Option<Error>,
}

impl GatewayOptions {
    /// Creates empty gateway options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the provider: its name (`openai`), or `@` and the slug of a provider of the workspace.
    pub fn provider(self, provider: impl AsRef<str>) -> Self {
        self.set("x-portkey-provider", provider.as_ref())
    }

    /// Sets the virtual key, by its slug.
    pub fn virtual_key(self, key: impl Into<Secret>) -> Self {
        self.set(VIRTUAL_KEY, key.into().expose())
    }

    /// Sets the API key of the provider, sent as `authorization`. `Bearer ` is prepended if it is
    /// missing.
    pub fn authorization(self, key: impl Into<Secret>) -> Self {
        let key = key.into();
        let value = match token(key.expose()) {
            "" => String::new(),
            token => format!("Bearer {token}"),
        };
        self.set(AUTHORIZATION.as_str(), &value)
    }

    /// Sets the config, by its slug. Replaces [`config_object`](Self::config_object).
    pub fn config(self, config: impl AsRef<str>) -> Self {
        self.set("x-portkey-config", config.as_ref())
    }

    /// Sets a config that is not stored in the service: a [`GatewayConfig`], its builder or a JSON
    /// object. Replaces [`config`](Self::config).
    ///
    /// It is checked like a config that is stored.
    ///
    /// ```
    /// use portkey_admin::gateway::{ConfigStrategy, GatewayConfig, GatewayOptions};
    ///
    /// let fallback = GatewayConfig::builder()
    ///     .strategy(ConfigStrategy::builder().mode("fallback"))
    ///     .targets(["@openai", "@anthropic"].map(|slug| GatewayConfig::builder().provider(slug)));
    /// let options = GatewayOptions::new().config_object(fallback);
    /// # let _ = options;
    /// ```
    pub fn config_object(self, config: impl TryInto<GatewayConfig, Error: Into<Error>>) -> Self {
        match checked_config(config) {
            Ok(config) => self.set_json("x-portkey-config", &config),
            Err(problem) => self.with_error(problem),
        }
    }

    /// Sets the base URL of the provider, an `https://` or `http://` URL.
    pub fn custom_host(self, url: impl AsRef<str>) -> Self {
        let url = url.as_ref();
        match reqwest::Url::parse(url) {
            Ok(parsed) if matches!(parsed.scheme(), "https" | "http") => {
                self.set("x-portkey-custom-host", url)
            }
            _ => self.with_problem("the custom host must be an https:// or http:// URL"),
        }
    }

    /// Sets metadata by which requests can be filtered and counted. Sent as a JSON object in which
    /// non-ASCII characters are escaped. Replaces the metadata of the client. The service accepts
    /// string values.
    pub fn metadata(self, metadata: impl Into<JsonObject>) -> Self {
        let metadata = Value::Object(metadata.into().into_map());
        self.set_json(header::METADATA, &metadata)
    }

    /// Sets the trace id. It takes precedence over a header `traceparent`.
    pub fn trace_id(self, id: impl AsRef<str>) -> Self {
        self.set("x-portkey-trace-id", id.as_ref())
    }

    /// Sets the span id of the request. It takes precedence over a header `traceparent`.
    pub fn span_id(self, id: impl AsRef<str>) -> Self {
        self.set("x-portkey-span-id", id.as_ref())
    }

    /// Sets the id of the parent span.
    pub fn parent_span_id(self, id: impl AsRef<str>) -> Self {
        self.set("x-portkey-parent-span-id", id.as_ref())
    }

    /// Sets the name of the span.
    pub fn span_name(self, name: impl AsRef<str>) -> Self {
        self.set("x-portkey-span-name", name.as_ref())
    }

    /// Sets the cache namespace in which responses are looked up and stored.
    pub fn cache_namespace(self, namespace: impl AsRef<str>) -> Self {
        self.set("x-portkey-cache-namespace", namespace.as_ref())
    }

    /// Sets whether the cache is bypassed for the lookup and updated with the response.
    pub fn cache_force_refresh(self, refresh: bool) -> Self {
        self.set_bool("x-portkey-cache-force-refresh", refresh)
    }

    /// Sets whether responses are limited to OpenAI's format, without fields that only the provider
    /// defines.
    pub fn strict_open_ai_compliance(self, strict: bool) -> Self {
        self.set_bool("x-portkey-strict-open-ai-compliance", strict)
    }

    /// Adds a header that the gateway forwards to the provider; see
    /// [`RequestOptions::header`](crate::RequestOptions::header) for headers that cannot be set.
    pub fn forward_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match header::parse(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.forwarded.insert(name, value);
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// Sets how long the gateway waits for the provider, in whole milliseconds; at least 1 ms.
    pub fn request_timeout(self, timeout: Duration) -> Self {
        match timeout.as_millis() {
            0 => self.with_problem("the request timeout must be at least 1 ms"),
            timeout => self.set("x-portkey-request-timeout", &timeout.to_string()),
        }
    }

    // The evidence for the following headers: V032, V033, V034, V035, V036 and V703.

    /// Sets the beta features to use, such as `use-responses-api-2026-07-30`.
    pub fn beta(self, features: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set("x-portkey-beta", &joined(features))
    }

    /// Sets the names of headers whose values are masked in the log. They are not forwarded; see
    /// [`forward_header`](Self::forward_header).
    pub fn sensitive_headers(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names: Result<Vec<_>, _> = names
            .into_iter()
            .map(|name| HeaderName::try_from(name.as_ref()))
            .collect();
        match names {
            Ok(names) => self.set("x-portkey-sensitive-headers", &joined(names)),
            Err(_) => self.with_problem("a name of a sensitive header is not a valid header name"),
        }
    }

    /// Sets whether the log contains the bodies of requests and responses. `false` also switches the
    /// cache off. A setting that the organisation enforces takes precedence.
    pub fn debug(self, debug: bool) -> Self {
        self.set_bool("x-portkey-debug", debug)
    }

    /// Sets whether the gateway passes the body on to the provider without reading it. Guardrails and
    /// changes of the body do not apply then.
    pub fn nitro_mode(self, nitro: bool) -> Self {
        self.set_bool("x-portkey-nitro-mode", nitro)
    }

    /// Sets whether requests of the Responses API are passed on to Azure Foundry unchanged.
    pub fn provider_responses_proxy(self, proxy: bool) -> Self {
        self.set_bool("x-portkey-provider-responses-proxy", proxy)
    }

    /// Sets the scope of the Entra token with which the gateway signs in to Azure.
    pub fn azure_entra_scope(self, scope: impl AsRef<str>) -> Self {
        self.set("x-portkey-azure-entra-scope", scope.as_ref())
    }

    /// Sets how the gateway signs in to Vertex AI, for example with workload identity.
    pub fn vertex_auth_type(self, kind: impl AsRef<str>) -> Self {
        self.set("x-portkey-vertex-auth-type", kind.as_ref())
    }

    /// Sets the beta features of Anthropic, which the gateway passes on as `anthropic-beta`.
    pub fn anthropic_beta(self, features: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set("x-portkey-anthropic-beta", &joined(features))
    }

    fn set_bool(self, name: &'static str, value: bool) -> Self {
        self.set(name, if value { "true" } else { "false" })
    }

    fn set_json(self, name: &'static str, value: &Value) -> Self {
        self.set(name, &ascii_json(&value.to_string()))
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        if value.is_empty() {
            return self.with_problem(&format!("header `{name}` must not be empty"));
        }
        if !value.is_ascii() {
            // Such bytes can be sent, but recipients disagree on their encoding.
            return self.with_problem(&format!(
                "header `{name}` must contain only ASCII characters"
            ));
        }
        match header::parse(name, value) {
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

    fn with_problem(self, problem: &str) -> Self {
        self.with_error(Error::invalid_request(problem))
    }

    fn with_error(mut self, error: Error) -> Self {
        self.problem.get_or_insert(error);
        self
    }

    /// Adds the options of `base` that are not set.
    pub(crate) fn merge_onto(self, base: &Self) -> Self {
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

    /// Removes the options that `headers` override.
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

    /// Returns all headers as they are sent.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut all = self.forwarded.clone();
        let names: Vec<&str> = self.forwarded.keys().map(HeaderName::as_str).collect();
        // Header names are always valid in a header value.
        if !names.is_empty()
            && let Ok(names) = HeaderValue::from_str(&names.join(","))
        {
            all.insert(FORWARD_HEADERS, names);
        }
        all.extend(self.headers.clone());
        all
    }

    /// Returns the values that must be redacted in responses of the service.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        [VIRTUAL_KEY, AUTHORIZATION.as_str()]
            .into_iter()
            .filter_map(|name| self.headers.get(name)?.to_str().ok())
            .map(token)
            .filter(|secret| !secret.is_empty())
    }
}

/// Returns the JSON of a config that satisfies its constraints.
fn checked_config(config: impl TryInto<GatewayConfig, Error: Into<Error>>) -> Result<Value, Error> {
    let config: GatewayConfig = config
        .try_into()
        .map_err(|error| error.into().with_field_path("config"))?;
    let config = serde_json::to_value(&config).map_err(|error| {
        Error::invalid_request(format!("the config cannot be encoded as JSON: {error}"))
    })?;
    let request = json!({"body": config});
    portkey_admin_constraints::check(GatewayConfig::CONSTRAINTS, &request).map_err(
        |violation| {
            let field = format!("config.{}", violation.field);
            Error::invalid_request(Violation { field, ..violation }.to_string())
        },
    )?;
    Ok(config)
}

/// Joins values by commas, as lists in headers are.
fn joined(values: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut joined = String::new();
    for value in values {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(value.as_ref());
    }
    joined
}

/// Returns the value without the prefix `Bearer `.
fn token(value: &str) -> &str {
    match value.split_at_checked("bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim_start(),
        _ => value,
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.headers.keys().chain(self.forwarded.keys()))
            .finish()
    }
}
