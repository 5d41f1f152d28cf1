//! The client.

pub(crate) mod base_url;
mod base_urls;
mod builder;
pub(crate) mod connecting;
mod default_headers;
mod proxy;
mod setting;
mod tls;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue};

use crate::{Error, RequestOptions, Secret, operation::Plane, redact::Redactor, retry::Budget};

use base_url::BaseUrl;
use base_urls::BaseUrls;
use default_headers::DefaultHeaders;

pub use builder::ClientBuilder;

/// A client of the Portkey Admin API.
///
/// Create one client and clone it: clones share the connections and the retry budget. Every
/// operation is a method that returns a builder. The builder owns a clone, so its future can be
/// spawned.
///
/// Redirects are not followed, and the key is sent only to the configured base URLs.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    settings: Arc<Settings>,
}

/// Request options and what is derived from them.
struct Settings {
    options: RequestOptions,
    default_headers: DefaultHeaders,
    redactor: Redactor,
}

struct Inner {
    http: reqwest::Client,
    /// For loopback, ignoring the proxies of the environment.
    no_proxy_client: reqwest::Client,
    key: Secret,
    key_header: HeaderValue,
    user_agent: HeaderValue,
    base_urls: BaseUrls,
    budget: Budget,
    /// For websockets.
    #[cfg(feature = "gateway")]
    http1_client: builder::Http1Client,
    /// Allows plain `http://` for hosts other than loopback.
    allow_insecure_http: bool,
}

// The futures of calls hold a client and must be `Send`.
const _: () = {
    const fn assert_send_sync<T: Send + Sync + Clone + 'static>() {}
    assert_send_sync::<Client>();
};

/// # Configuration
impl Client {
    /// Creates a builder with default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a client from the environment variables that [`ClientBuilder::from_env`] reads.
    ///
    /// # Errors
    ///
    /// If the key is missing, or one of the variables is empty or invalid. The error names the
    /// variable, but does not contain its value.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// Returns a client with other options, for one or more calls.
    ///
    /// It shares the connections of this client, which does not change. Options that are not set in
    /// `options` are taken from this client.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::{RequestOptions, RetryPolicy};
    ///
    /// let once = client.with_options(RequestOptions::new().retry(RetryPolicy::none()));
    /// # #[cfg(feature = "workspaces")]
    /// let workspace = once.get_workspace("my-workspace").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the client itself does not change"]
    pub fn with_options(&self, options: RequestOptions) -> Self {
        Self::new(self.inner.clone(), options.merge_onto(self.options()))
    }

    fn new(inner: Arc<Inner>, options: RequestOptions) -> Self {
        let secrets = std::iter::once(inner.key.clone()).chain(options.secrets());
        let settings = Settings {
            default_headers: DefaultHeaders::new(&inner, &options),
            redactor: Redactor::new(secrets),
            options,
        };
        Self {
            inner,
            settings: Arc::new(settings),
        }
    }

    /// Returns the HTTP client for a URL.
    pub(crate) fn http_client(&self, url: &reqwest::Url) -> &reqwest::Client {
        match base_url::is_loopback(url) {
            true => &self.inner.no_proxy_client,
            false => &self.inner.http,
        }
    }

    /// Returns the HTTP client for websockets to the gateway.
    #[cfg(feature = "gateway")]
    pub(crate) fn http1_client(&self) -> Result<reqwest::Client, Error> {
        self.inner.http1_client.get(&self.inner.base_urls.gateway)
    }

    /// Returns the headers of every request to a plane, or to a signed URL if `plane` is `None`.
    pub(crate) fn default_headers(&self, plane: Option<Plane>) -> &HeaderMap {
        self.settings.default_headers.get(plane)
    }

    /// Returns whether the API key fulfils a condition.
    pub(crate) fn has_key(&self, condition: impl FnOnce(&str) -> bool) -> bool {
        condition(self.inner.key.expose())
    }

    /// Returns the redactor of the secrets that errors and traces must not contain.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.settings.redactor
    }

    pub(crate) fn allows_insecure_http(&self) -> bool {
        self.inner.allow_insecure_http
    }

    pub(crate) fn options(&self) -> &RequestOptions {
        &self.settings.options
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    /// Returns the base URL of a plane.
    ///
    /// # Errors
    ///
    /// If the plane has no base URL; the error names the setting.
    pub(crate) fn base_url(&self, plane: Plane) -> Result<&BaseUrl, Error> {
        self.inner.base_urls.get(plane)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base_urls = &self.inner.base_urls;
        f.debug_struct("Client")
            .field("base_url", &base_urls.control.as_str())
            .field("gateway_base_url", &base_urls.gateway.as_str())
            .field("public_base_url", &base_urls.public.as_str())
            .field("mcp_base_url", &base_urls.mcp.as_ref().map(BaseUrl::as_str))
            .field(
                "prices_base_url",
                &base_urls.prices.as_ref().map(BaseUrl::as_str),
            )
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}
