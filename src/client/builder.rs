//! The configuration of a client.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;

use super::{Client, Inner};
use crate::{Error, RequestOptions, Secret, base_url::BaseUrl, retry::Budget, transport::NEVER};

const DEFAULT_BASE_URL: &str = "https://api.portkey.ai/v1";
const DEFAULT_PUBLIC_BASE_URL: &str = "https://api.portkey.ai";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("portkey-admin/", env!("CARGO_PKG_VERSION"));

/// Configures a [`Client`].
#[derive(Clone, Default)]
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder {
    key: Option<Setting>,
    control: Option<Setting>,
    gateway: Option<Setting>,
    public: Option<Setting>,
    insecure: bool,
    options: RequestOptions,
    connect_timeout: Option<Duration>,
    proxy: Option<Setting>,
    user_agent: Option<String>,
    configure: Option<Arc<Configure>>,
}

type Configure = dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync;

/// A value and the name by which errors refer to it.
#[derive(Clone)]
struct Setting {
    name: &'static str,
    value: Secret,
}

impl Setting {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            value: Secret::new(value),
        }
    }

    /// The environment variable `name`; unset is absent, anything that is not text is an error.
    fn from_env(name: &'static str) -> Result<Option<Self>, Error> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(Self::new(name, value))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::configuration(format!("{name} is not valid text")))
            }
        }
    }
}

impl ClientBuilder {
    /// A configuration from `PORTKEY_API_KEY`, `PORTKEY_BASE_URL`, `PORTKEY_GATEWAY_BASE_URL` and
    /// `PORTKEY_PUBLIC_BASE_URL`, each where it is set. What is set afterwards wins.
    ///
    /// # Errors
    ///
    /// If one of them is not valid text.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self {
            key: Setting::from_env("PORTKEY_API_KEY")?,
            control: Setting::from_env("PORTKEY_BASE_URL")?,
            gateway: Setting::from_env("PORTKEY_GATEWAY_BASE_URL")?,
            public: Setting::from_env("PORTKEY_PUBLIC_BASE_URL")?,
            ..Self::default()
        })
    }

    /// The key, sent as `x-portkey-api-key`; white space around it is trimmed.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(Setting::new("api_key", key));
        self
    }

    /// Where the control plane is: `https://api.portkey.ai/v1` unless set.
    ///
    /// A trailing slash is ignored. A self-hosted base usually ends in `/v1`, too; one that does not
    /// is used as it is.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.control = Some(Setting::new("base_url", url));
        self
    }

    /// Where the data plane is: the same as [`base_url`](Self::base_url) unless set, so that the key
    /// of a self-hosted service never goes to the hosted one by accident.
    pub fn gateway_base_url(mut self, url: impl Into<String>) -> Self {
        self.gateway = Some(Setting::new("gateway_base_url", url));
        self
    }

    /// Where public facts are: `https://api.portkey.ai` unless set. The key is never sent there.
    pub fn public_base_url(mut self, url: impl Into<String>) -> Self {
        self.public = Some(Setting::new("public_base_url", url));
        self
    }

    /// Allows plain `http://` to hosts other than loopback. The key can then be read on the way.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.insecure = allow;
        self
    }

    /// How calls are made, unless [`Client::with_options`] says otherwise.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// How long connecting may take: 5 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// A proxy for every request, those to loopback included: `http://host:port`, with credentials if
    /// need be.
    ///
    /// Unless set, `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment count, but
    /// not for loopback.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Setting::new("proxy", url));
        self
    }

    /// The header `user-agent`: the name and version of this crate unless set.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }

    /// Changes the HTTP client below: certificates, DNS, the pool.
    ///
    /// Redirects, retries, the connect timeout, the time for an attempt and the `user-agent` of requests
    /// are set afterwards, so they are as configured current: a client that follows redirects would take the
    /// key along, and one that repeats requests by itself would not ask which may be repeated. A
    /// `read_timeout` stays, and cuts off streams, too.
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
        self.configure = Some(Arc::new(change));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// If there is no key, or a key, URL, header or proxy that cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let (key, key_header) = self.checked_key()?;
        self.options.check()?;
        let control = self.base(&self.control, DEFAULT_BASE_URL)?;
        let gateway = match &self.gateway {
            Some(_) => self.base(&self.gateway, DEFAULT_BASE_URL)?,
            None => control.clone(),
        };
        let public = self.base(&self.public, DEFAULT_PUBLIC_BASE_URL)?;
        let bases = [&control, &gateway, &public];
        let user_agent = self.checked_user_agent()?;
        let http = self.http(false)?;
        let direct = match self.proxy.is_none() && bases.iter().any(|base| base.is_loopback()) {
            true => self.http(true)?,
            false => http.clone(),
        };
        let inner = Inner {
            http,
            direct,
            key,
            key_header,
            user_agent,
            control,
            gateway,
            public,
            budget: Budget::default(),
            #[cfg(feature = "gateway")]
            http1_client: Http1Client::new(&self),
            insecure: self.insecure,
        };
        Ok(Client::new(Arc::new(inner), self.options))
    }

    fn base(&self, setting: &Option<Setting>, default: &str) -> Result<BaseUrl, Error> {
        match setting {
            Some(setting) => BaseUrl::parse(setting.name, setting.value.expose(), self.insecure),
            None => BaseUrl::parse("base_url", default, self.insecure),
        }
    }

    fn checked_key(&self) -> Result<(Secret, HeaderValue), Error> {
        let Some(Setting { name, value }) = &self.key else {
            return Err(Error::configuration(
                "there is no API key: set PORTKEY_API_KEY or call api_key",
            ));
        };
        let key = value.expose().trim();
        if key.is_empty() {
            return Err(Error::configuration(format!("{name} is empty")));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::configuration(format!(
                "{name} holds characters that no key has (only visible ASCII is sent)"
            )));
        }
        let mut header = HeaderValue::from_str(key)
            .map_err(|_| Error::configuration(format!("{name} cannot be sent in a header")))?;
        header.set_sensitive(true);
        Ok((Secret::new(key), header))
    }

    fn checked_user_agent(&self) -> Result<HeaderValue, Error> {
        let agent = self.user_agent.as_deref().unwrap_or(USER_AGENT);
        HeaderValue::from_str(agent).map_err(|_| {
            Error::configuration("user_agent holds characters that no header may have")
        })
    }

    /// A pool of connections; a direct one ignores the proxies of the environment.
    fn http(&self, direct: bool) -> Result<reqwest::Client, Error> {
        // Requests have it anyway; what is said to a proxy to get through it has it from current.
        let mut builder = reqwest::Client::builder().user_agent(self.checked_user_agent()?);
        if let Some(Setting { name, value }) = &self.proxy {
            // The cause is left out: it may quote the URL and what it holds.
            let proxy = reqwest::Proxy::all(value.expose())
                .map_err(|_| Error::configuration(format!("{name} is no URL of a proxy")))?;
            builder = builder.proxy(proxy);
        }
        if direct {
            builder = builder.no_proxy();
        }
        if let Some(change) = &self.configure {
            // A limit on the whole would cut off streams, and that there is none cannot be said.
            builder = change(builder).timeout(NEVER);
        }
        builder
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // What is sent again is decided, counted and shown here; with none allowed, no request is
            // copied for it, either.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| {
                Error::configuration(format!("the HTTP client could not be built: {error}"))
            })
    }
}

/// A client of HTTP/1.1, which alone knows upgrades; made when it is first needed.
#[cfg(feature = "gateway")]
pub(super) struct Http1Client {
    settings: ClientBuilder,
    http: std::sync::OnceLock<reqwest::Client>,
}

#[cfg(feature = "gateway")]
impl Http1Client {
    fn new(builder: &ClientBuilder) -> Self {
        let configure = builder.configure.clone();
        let settings = builder.clone().configure_http(move |http| {
            let http = match &configure {
                Some(change) => change(http),
                None => http,
            };
            http.http1_only()
        });
        Self {
            settings,
            http: std::sync::OnceLock::new(),
        }
    }

    pub(super) fn get(&self, gateway: &BaseUrl) -> Result<reqwest::Client, Error> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let direct = self.settings.proxy.is_none() && gateway.is_loopback();
        let http = self.settings.http(direct)?;
        Ok(self.http.get_or_init(|| http).clone())
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
