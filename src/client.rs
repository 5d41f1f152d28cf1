//! The client.

mod builder;
mod default_headers;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue, Method};

use crate::{
    Error, Request, RequestOptions, Secret,
    base_url::{self, BaseUrl},
    operation::Plane,
    retry::Budget,
    secret::REDACTED,
};

use default_headers::DefaultHeaders;

pub use builder::ClientBuilder;

/// A client of the Portkey Admin API.
///
/// Make one and clone it: clones share the connections and the budget of retries. Every operation is a
/// method that returns a builder; the builder owns a clone, so its future can be spawned.
///
/// Redirects are not followed, and the key is sent only to the configured base URLs.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    settings: Arc<Settings>,
}

/// What is said about calls, and what follows from it.
struct Settings {
    options: RequestOptions,
    default_headers: DefaultHeaders,
}

struct Inner {
    http: reqwest::Client,
    /// For loopback, which no proxy of the environment stands between.
    direct: reqwest::Client,
    key: Secret,
    key_header: HeaderValue,
    user_agent: HeaderValue,
    control: BaseUrl,
    gateway: BaseUrl,
    public: BaseUrl,
    budget: Budget,
    /// For connections that cease to be HTTP.
    #[cfg(feature = "gateway")]
    http1_client: builder::Http1Client,
    /// Whether plain `http://` may go beyond loopback.
    insecure: bool,
}

// Futures of calls are spawned, so the client must cross threads.
const _: () = {
    const fn crosses_threads<T: Send + Sync + Clone + 'static>() {}
    crosses_threads::<Client>();
};

impl Client {
    /// Starts a configuration.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client from the variables of the environment that [`ClientBuilder::from_env`] reads.
    ///
    /// # Errors
    ///
    /// If the key is missing, or one of the variables is empty or cannot be used; the error names
    /// the variable and never its value.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// The same client with other options, for one call or for some.
    ///
    /// It shares the connections, and this one does not change. What `options` do not say stays.
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
        Self::new(self.inner.clone(), options.over(self.options()))
    }

    fn new(inner: Arc<Inner>, options: RequestOptions) -> Self {
        let default_headers = DefaultHeaders::default();
        Self {
            inner,
            settings: Arc::new(Settings {
                options,
                default_headers,
            }),
        }
    }

    /// A request that no method stands for: `path` is below the base URL and starts with `/`.
    ///
    /// It goes through the same key, options, retries, errors and traces as every other.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use http::Method;
    ///
    /// let answer: serde_json::Value = client
    ///     .request(Method::GET, "/brand-new/things")
    ///     .query("page_size", "10")
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request {
        Request::new(self, method, path.into())
    }

    /// For requests to a plane, or to a URL that belongs to none.
    pub(crate) fn http(&self, plane: Option<Plane>, url: &reqwest::Url) -> &reqwest::Client {
        let is_loopback = match plane {
            Some(plane) => self.base(plane).is_loopback(),
            None => base_url::is_loopback(url),
        };
        match is_loopback {
            true => &self.inner.direct,
            false => &self.inner.http,
        }
    }

    /// For requests to the gateway after which the connection ceases to be HTTP.
    #[cfg(feature = "gateway")]
    pub(crate) fn http1_client(&self) -> Result<reqwest::Client, Error> {
        self.inner.http1_client.get(&self.inner.gateway)
    }

    /// What stands in every request to a plane, or to a URL that belongs to none, without or with a JSON
    /// body.
    pub(crate) fn headers(&self, plane: Option<Plane>, has_json: bool) -> &HeaderMap {
        let Settings {
            options,
            default_headers,
        } = &*self.settings;
        default_headers.to(plane, has_json, &self.inner, options)
    }

    /// What must not show.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let key = std::iter::once(self.inner.key.expose());
        #[cfg(feature = "gateway")]
        let key = key.chain(self.options().to_gateway().secrets());
        key
    }

    /// Whether the service repeats a secret in what it says.
    pub(crate) fn contains_secret(&self, text: &str) -> bool {
        self.secrets().any(|secret| text.contains(secret))
    }

    /// What the service says, without secrets that it repeats.
    pub(crate) fn redacted(&self, text: String) -> String {
        let hide = |text: String, secret: &str| text.replace(secret, REDACTED);
        self.secrets().fold(text, hide)
    }

    pub(crate) fn is_insecure(&self) -> bool {
        self.inner.insecure
    }

    pub(crate) fn options(&self) -> &RequestOptions {
        &self.settings.options
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    pub(crate) fn base(&self, plane: Plane) -> &BaseUrl {
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
