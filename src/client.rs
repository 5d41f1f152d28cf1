//! The client.

mod builder;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue, Method};

use crate::{
    Error, Options, Request, Secret,
    base_url::{self, BaseUrl},
    operation::Plane,
    retry::Budget,
};

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
    options: Arc<Options>,
}

struct Inner {
    http: reqwest::Client,
    /// For loopback, which no proxy of the environment stands between.
    direct: reqwest::Client,
    key: Secret,
    key_header: HeaderValue,
    control: BaseUrl,
    gateway: BaseUrl,
    public: BaseUrl,
    budget: Budget,
    /// For connections that cease to be HTTP.
    #[cfg(feature = "gateway")]
    upgrading: builder::Upgrading,
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
    /// use portkey_admin::{Options, RetryPolicy};
    ///
    /// let once = client.with_options(Options::new().retry(RetryPolicy::none()));
    /// # #[cfg(feature = "workspaces")]
    /// let workspace = once.get_workspace("my-workspace").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the client itself does not change"]
    pub fn with_options(&self, options: Options) -> Self {
        Self {
            inner: self.inner.clone(),
            options: Arc::new(options.over(&self.options)),
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

    pub(crate) fn http(&self, url: &reqwest::Url) -> &reqwest::Client {
        if base_url::is_loopback(url) {
            &self.inner.direct
        } else {
            &self.inner.http
        }
    }

    /// For requests to the gateway after which the connection ceases to be HTTP.
    #[cfg(feature = "gateway")]
    pub(crate) fn upgrading(&self) -> Result<reqwest::Client, Error> {
        self.inner.upgrading.get(&self.inner.gateway)
    }

    /// Puts in the headers that go to a plane with every request: those of the options, and the key.
    /// What stands there already stays. The public plane gets neither.
    pub(crate) fn authorize(&self, plane: Plane, headers: &mut HeaderMap) {
        if plane == Plane::Public {
            return;
        }
        #[cfg(feature = "gateway")]
        if plane == Plane::Gateway {
            self.options.to_gateway().fill(headers);
        }
        for (name, value) in self.options.headers() {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        headers.insert("x-portkey-api-key", self.inner.key_header.clone());
    }

    /// What must not show, should the service repeat it.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let key = std::iter::once(self.inner.key.clone());
        #[cfg(feature = "gateway")]
        let key = key.chain(self.options.to_gateway().secrets().map(Secret::from));
        key.collect()
    }

    pub(crate) fn is_insecure(&self) -> bool {
        self.inner.insecure
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
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
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
