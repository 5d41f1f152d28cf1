//! The builder of the client.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;

use super::{
    Client, Inner, base_url::BaseUrl, base_urls::BaseUrls, connecting::ConnectLayer, proxy,
    setting::Setting, tls,
};
use crate::{Error, RequestOptions, Secret, options::NO_TIMEOUT, retry::Budget};

const DEFAULT_BASE_URL: &str = "https://api.portkey.ai/v1";
const DEFAULT_PUBLIC_BASE_URL: &str = "https://api.portkey.ai";
const DEFAULT_MCP_BASE_URL: &str = "https://mcp.portkey.ai/v0.1";
const DEFAULT_PRICES_BASE_URL: &str = "https://configs.portkey.ai";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The default of hyper is 100.
const MAX_RESPONSE_HEADERS: usize = 256;
const USER_AGENT: &str = concat!("portkey-admin/", env!("CARGO_PKG_VERSION"));

/// Configures a [`Client`].
///
/// See the guide: [configuration](crate::guide::configuration).
#[derive(Clone, Default)]
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder {
    key: Option<Setting>,
    control: Option<Setting>,
    gateway: Option<Setting>,
    public: Option<Setting>,
    mcp: Option<Setting>,
    prices: Option<Setting>,
    allow_insecure_http: bool,
    options: RequestOptions,
    connect_timeout: Option<Duration>,
    proxy: Option<Setting>,
    user_agent: Option<String>,
    configure_http: Option<Arc<ConfigureHttp>>,
}

type ConfigureHttp = dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync;

impl ClientBuilder {
    /// Creates a builder from the environment variables `PORTKEY_API_KEY`, `PORTKEY_BASE_URL`,
    /// `PORTKEY_GATEWAY_BASE_URL`, `PORTKEY_PUBLIC_BASE_URL`, `PORTKEY_MCP_BASE_URL` and
    /// `PORTKEY_PRICES_BASE_URL`, as far as they are set. Methods called afterwards override them.
    ///
    /// # Errors
    ///
    /// If one of them is not valid UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self {
            key: Setting::from_env("PORTKEY_API_KEY")?,
            control: Setting::from_env("PORTKEY_BASE_URL")?,
            gateway: Setting::from_env("PORTKEY_GATEWAY_BASE_URL")?,
            public: Setting::from_env("PORTKEY_PUBLIC_BASE_URL")?,
            mcp: Setting::from_env("PORTKEY_MCP_BASE_URL")?,
            prices: Setting::from_env("PORTKEY_PRICES_BASE_URL")?,
            ..Self::default()
        })
    }

    /// Sets the API key, sent as `x-portkey-api-key`. White space around it is trimmed.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(Setting::new("api_key", key));
        self
    }

    /// Sets the base URL of the control plane; the default is `https://api.portkey.ai/v1`.
    ///
    /// A trailing slash is ignored. The base URL of a self-hosted service usually ends in `/v1` as
    /// well; one that does not is used unchanged.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.control = Some(Setting::new("base_url", url));
        self
    }

    /// Sets the base URL of the data plane. The default is [`base_url`](Self::base_url), so that
    /// the key of a self-hosted service is never sent to the hosted service by accident.
    pub fn gateway_base_url(mut self, url: impl Into<String>) -> Self {
        self.gateway = Some(Setting::new("gateway_base_url", url));
        self
    }

    /// Sets the base URL of the public endpoints; the default is `https://api.portkey.ai`. The key
    /// is never sent to it.
    pub fn public_base_url(mut self, url: impl Into<String>) -> Self {
        self.public = Some(Setting::new("public_base_url", url));
        self
    }

    /// Sets the base URL of the MCP gateway, from which the registry of MCP servers is read. The
    /// default is `https://mcp.portkey.ai/v0.1` if [`base_url`](Self::base_url) is that of the hosted
    /// service. Otherwise there is no default, and a call that needs this URL fails before it is
    /// sent. The key is sent to it.
    pub fn mcp_base_url(mut self, url: impl Into<String>) -> Self {
        self.mcp = Some(Setting::new("mcp_base_url", url));
        self
    }

    /// Sets the base URL of the files with prices and capabilities of models. The default is
    /// `https://configs.portkey.ai` if [`base_url`](Self::base_url) is that of the hosted service.
    /// Otherwise there is no default, and a call that needs this URL fails before it is sent. The key
    /// is never sent to it.
    pub fn prices_base_url(mut self, url: impl Into<String>) -> Self {
        self.prices = Some(Setting::new("prices_base_url", url));
        self
    }

    /// Allows plain `http://` for hosts other than loopback, which exposes the key to the network.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Sets the default options of all calls; [`Client::with_options`] overrides them.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = options.merge_onto(&self.options);
        self
    }

    /// Sets the timeout for connecting; the default is 5 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Sets a proxy for every request, including requests to loopback: `http://host:port`,
    /// optionally with credentials. The scheme is `http` (default) or `https`, with the feature
    /// `socks` also `socks4`, `socks4a`, `socks5` or `socks5h`.
    ///
    /// By default the environment variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`
    /// apply, except for loopback.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Setting::new("proxy", url));
        self
    }

    /// Sets the header `user-agent`; the default is the name and version of this crate.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Configures the underlying HTTP client, for example certificates, DNS or the connection pool.
    ///
    /// Redirects, retries, the connect timeout, the timeout of an attempt and the `user-agent` of
    /// requests are set afterwards and cannot be changed here: following a redirect would forward
    /// the key, and automatic retries would ignore idempotency. A `read_timeout` remains, and
    /// interrupts streams as well.
    ///
    /// ```
    /// let client = portkey_admin::Client::builder()
    ///     .api_key("key")
    ///     .configure_http(|http| http.pool_max_idle_per_host(4))
    ///     .build()?;
    /// # Ok::<(), portkey_admin::Error>(())
    /// ```
    pub fn configure_http(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.configure_http = Some(Arc::new(change));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// If the key is missing, or the key, a URL, a header or a proxy is invalid, or a URL needs TLS
    /// and none of the features `rustls`, `rustls-ring` and `native-tls` is enabled. A proxy of the
    /// environment is checked unless [`proxy`](Self::proxy) is set or every base URL is loopback.
    pub fn build(self) -> Result<Client, Error> {
        let (key, key_header) = self.parse_key()?;
        self.options.check()?;
        let base_urls = self.parse_base_urls()?;
        let has_loopback = base_urls.iter().any(BaseUrl::is_loopback);
        let is_environment_used =
            self.proxy.is_none() && base_urls.iter().any(|base| !base.is_loopback());
        if is_environment_used {
            proxy::check_environment()?;
        }
        let user_agent = self.parse_user_agent()?;
        let http = self.build_http(false)?;
        let no_proxy_client = match self.proxy.is_none() && has_loopback {
            true => self.build_http(true)?,
            false => http.clone(),
        };
        let inner = Inner {
            http,
            no_proxy_client,
            key,
            key_header,
            user_agent,
            base_urls,
            budget: Budget::default(),
            #[cfg(feature = "gateway")]
            http1_client: Http1Client::new(&self),
            allow_insecure_http: self.allow_insecure_http,
        };
        Ok(Client::new(Arc::new(inner), self.options))
    }

    fn parse_base_urls(&self) -> Result<BaseUrls, Error> {
        let control = self.parse_base_url(&self.control, "base_url", DEFAULT_BASE_URL)?;
        let gateway = match &self.gateway {
            Some(_) => self.parse_base_url(&self.gateway, "gateway_base_url", DEFAULT_BASE_URL)?,
            None => control.clone(),
        };
        let is_hosted = control.has_origin(DEFAULT_PUBLIC_BASE_URL);
        // Neither the key nor a request of a self-hosted service goes to the hosted service unasked.
        let with_hosted_default = |setting: &Option<Setting>, name, default| {
            (setting.is_some() || is_hosted)
                .then(|| self.parse_base_url(setting, name, default))
                .transpose()
        };
        Ok(BaseUrls {
            public: self.parse_base_url(
                &self.public,
                "public_base_url",
                DEFAULT_PUBLIC_BASE_URL,
            )?,
            mcp: with_hosted_default(&self.mcp, "mcp_base_url", DEFAULT_MCP_BASE_URL)?,
            prices: with_hosted_default(&self.prices, "prices_base_url", DEFAULT_PRICES_BASE_URL)?,
            control,
            gateway,
        })
    }

    /// Parses a base URL; `name` and `default` are those of a setting that is not set.
    fn parse_base_url(
        &self,
        setting: &Option<Setting>,
        name: &str,
        default: &str,
    ) -> Result<BaseUrl, Error> {
        let (name, value) = match setting {
            Some(setting) => (setting.name, setting.value.expose()),
            None => (name, default),
        };
        BaseUrl::parse(name, value, self.allow_insecure_http)
    }

    fn parse_key(&self) -> Result<(Secret, HeaderValue), Error> {
        let Some(Setting { name, value }) = &self.key else {
            return Err(Error::configuration(
                "missing API key: set PORTKEY_API_KEY or call `api_key`",
            ));
        };
        let key = value.expose().trim();
        if key.is_empty() {
            return Err(Error::configuration(format!("{name} is empty")));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::configuration(format!(
                "{name} contains characters other than visible ASCII"
            )));
        }
        let mut header = HeaderValue::from_str(key)
            .map_err(|_| Error::configuration(format!("{name} is not a valid header value")))?;
        header.set_sensitive(true);
        Ok((Secret::new(key), header))
    }

    fn parse_user_agent(&self) -> Result<HeaderValue, Error> {
        let user_agent = self.user_agent.as_deref().unwrap_or(USER_AGENT);
        HeaderValue::from_str(user_agent)
            .map_err(|_| Error::configuration("user_agent is not a valid header value"))
    }

    /// Builds an HTTP client; with `no_proxy`, it ignores the proxies of the environment.
    fn build_http(&self, no_proxy: bool) -> Result<reqwest::Client, Error> {
        // Requests set the header themselves; this value is for `CONNECT` requests to a proxy.
        let mut builder = tls::select_library(reqwest::Client::builder())
            .user_agent(self.parse_user_agent()?)
            .http1_max_headers(MAX_RESPONSE_HEADERS);
        if let Some(Setting { name, value }) = &self.proxy {
            builder = builder.proxy(proxy::parse(name, value)?);
        }
        if no_proxy {
            builder = builder.no_proxy();
        }
        if let Some(configure) = &self.configure_http {
            // A total timeout would cut off streams, and reqwest cannot unset one.
            builder = configure(builder).timeout(NO_TIMEOUT);
        }
        builder
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Retries are made by this crate; without any in reqwest, it does not clone requests.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
            .connector_layer(ConnectLayer)
            .build()
            .map_err(|error| {
                Error::configuration(format!("the HTTP client could not be built: {error}"))
            })
    }
}

/// An HTTP client restricted to HTTP/1.1, which websocket upgrades require; built on first use.
#[cfg(feature = "gateway")]
pub(super) struct Http1Client {
    builder: ClientBuilder,
    http: std::sync::OnceLock<reqwest::Client>,
}

#[cfg(feature = "gateway")]
impl Http1Client {
    fn new(builder: &ClientBuilder) -> Self {
        let configure = builder.configure_http.clone();
        let builder = builder.clone().configure_http(move |http| {
            let http = match &configure {
                Some(configure) => configure(http),
                None => http,
            };
            http.http1_only()
        });
        Self {
            builder,
            http: std::sync::OnceLock::new(),
        }
    }

    pub(super) fn get(&self, gateway: &BaseUrl) -> Result<reqwest::Client, Error> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let no_proxy = self.builder.proxy.is_none() && gateway.is_loopback();
        let http = self.builder.build_http(no_proxy)?;
        Ok(self.http.get_or_init(|| http).clone())
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
