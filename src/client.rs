//! The client and its configuration.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;

use crate::{
    Error, Secret,
    base_url::BaseUrl,
    operation::{Operation, Plane},
};

const DEFAULT_BASE_URL: &str = "https://api.portkey.ai/v1";
const DEFAULT_PUBLIC_BASE_URL: &str = "https://api.portkey.ai";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the Portkey Admin API.
///
/// Make one and clone it: clones share the connections. Every operation is a method that returns a
/// builder; the builder owns a clone, so its future can be spawned.
///
/// Redirects are not followed, and the key is sent only to the configured base URLs.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
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
}

// Futures of calls are spawned, so the client must cross threads.
const _: () = {
    const fn crosses_threads<T: Send + Sync + Clone + 'static>() {}
    crosses_threads::<Client>();
};

/// Configures a [`Client`].
#[derive(Clone, Default)]
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder {
    key: Option<Setting>,
    control: Option<Setting>,
    gateway: Option<Setting>,
    public: Option<Setting>,
    insecure: bool,
}

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

impl Client {
    /// Starts a configuration.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client from `PORTKEY_API_KEY` (required), `PORTKEY_BASE_URL`, `PORTKEY_GATEWAY_BASE_URL`
    /// and `PORTKEY_PUBLIC_BASE_URL`.
    ///
    /// # Errors
    ///
    /// If the key is missing, or one of the variables is empty or cannot be used; the error names
    /// the variable and never its value.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder {
            key: Setting::from_env("PORTKEY_API_KEY")?,
            control: Setting::from_env("PORTKEY_BASE_URL")?,
            gateway: Setting::from_env("PORTKEY_GATEWAY_BASE_URL")?,
            public: Setting::from_env("PORTKEY_PUBLIC_BASE_URL")?,
            insecure: false,
        }
        .build()
    }

    pub(crate) fn http(&self, operation: &Operation) -> &reqwest::Client {
        if self.base(operation).is_loopback() {
            &self.inner.direct
        } else {
            &self.inner.http
        }
    }

    /// The key's header, for the planes that get it.
    pub(crate) fn key_for(&self, plane: Plane) -> Option<&HeaderValue> {
        (plane != Plane::Public).then_some(&self.inner.key_header)
    }

    pub(crate) fn key(&self) -> &Secret {
        &self.inner.key
    }

    pub(crate) fn base(&self, operation: &Operation) -> &BaseUrl {
        match operation.plane {
            Plane::Control => &self.inner.control,
            Plane::Gateway => &self.inner.gateway,
            Plane::Public => &self.inner.public,
        }
    }
}

impl ClientBuilder {
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

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// If there is no key, or a key or URL that cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let (key, key_header) = self.checked_key()?;
        let control = self.base(&self.control, DEFAULT_BASE_URL)?;
        let gateway = match &self.gateway {
            Some(_) => self.base(&self.gateway, DEFAULT_BASE_URL)?,
            None => control.clone(),
        };
        let public = self.base(&self.public, DEFAULT_PUBLIC_BASE_URL)?;
        let needs_direct = [&control, &gateway, &public]
            .iter()
            .any(|base| base.is_loopback());
        let http = http_client(false)?;
        let direct = if needs_direct {
            http_client(true)?
        } else {
            http.clone()
        };
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                direct,
                key,
                key_header,
                control,
                gateway,
                public,
            }),
        })
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
}

/// What every connection has in common; a direct one ignores the proxies of the environment.
fn http_client(direct: bool) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("portkey-admin/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT);
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| {
        Error::configuration(format!("the HTTP client could not be built: {error}"))
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.control.as_str())
            .field("gateway_base_url", &self.inner.gateway.as_str())
            .field("public_base_url", &self.inner.public.as_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
