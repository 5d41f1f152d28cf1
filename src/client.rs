//! The client.

pub(crate) mod base_url;
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
    control: BaseUrl,
    gateway: BaseUrl,
    public: BaseUrl,
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

    /// Returns the HTTP client for a plane, or for a signed URL if `plane` is `None`.
    pub(crate) fn http_client(&self, plane: Option<Plane>, url: &reqwest::Url) -> &reqwest::Client {
        let is_loopback = match plane {
            Some(plane) => self.base_url(plane).is_loopback(),
            None => base_url::is_loopback(url),
        };
        match is_loopback {
            true => &self.inner.no_proxy_client,
            false => &self.inner.http,
        }
    }

    /// Returns the HTTP client for websockets to the gateway.
    #[cfg(feature = "gateway")]
    pub(crate) fn http1_client(&self) -> Result<reqwest::Client, Error> {
        self.inner.http1_client.get(&self.inner.gateway)
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

    pub(crate) fn base_url(&self, plane: Plane) -> &BaseUrl {
        match plane {
            Plane::Control => &self.inner.control,
            Plane::Gateway => &self.inner.gateway,
            Plane::Public => &self.inner.public,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.control.as_str())
            .field("gateway_base_url", &self.inner.gateway.as_str())
            .field("public_base_url", &self.inner.public.as_str())
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}
