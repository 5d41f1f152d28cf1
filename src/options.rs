//! What can be said about calls: for all of a client, or for one of them.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(feature = "gateway")]
use crate::gateway::GatewayOptions;
use crate::{Error, RetryPolicy, operation::Idempotency};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that the client sets itself, or that belong to the connection.
const RESERVED: [&str; 13] = [
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-portkey-api-key",
];

/// How those begin that belong to the handshake of a websocket.
const HANDSHAKE: &str = "sec-websocket-";

/// The header whose value is JSON.
pub(crate) const METADATA: &str = "x-portkey-metadata";

/// How calls are made: timeouts, retries, headers, a default workspace.
///
/// For all calls of a client ([`ClientBuilder::options`](crate::ClientBuilder::options)), or for some
/// ([`Client::with_options`](crate::Client::with_options)): what is not said there stays as it was.
///
/// ```
/// use portkey_admin::{Client, RequestOptions};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portkey_admin::Error> {
/// let options = RequestOptions::new().timeout(Duration::from_secs(5)).workspace_id("my-workspace");
/// let client = Client::builder().api_key("key").options(options).build()?;
/// let all = client.with_options(RequestOptions::new().no_workspace_id());
/// # let _ = all;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "options do nothing until a client has them"]
pub struct RequestOptions {
    timeout: Option<Duration>,
    retry: Option<RetryPolicy>,
    idempotent: Option<bool>,
    headers: HeaderMap,
    #[cfg(feature = "gateway")]
    gateway: GatewayOptions,
    workspace: Option<Option<String>>,
    /// What is wrong with a header; it shows when something is built or sent.
    problem: Option<Error>,
}

impl RequestOptions {
    /// RequestOptions that say nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long an attempt may take, its answer included: 30 seconds unless set. What is streamed is
    /// not limited once the answer has begun; of an upload of files it limits how long nothing may
    /// move.
    ///
    /// [`RetryPolicy::deadline`] limits the whole call, and each attempt with it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often a call is tried, and how long.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Whether calls may be repeated after an attempt that the service may have executed, whatever is
    /// known of the operation. `true` for a `POST` may leave two things where one was wanted.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// A header for every request to the control plane and the gateway; never for the public base URL
    /// or a signed URL. The last value of a name wins, and a header that an operation declares wins
    /// over both. Values do not show in `Debug` and are marked as sensitive.
    ///
    /// A name that the client sets itself (`x-portkey-api-key`, `content-type`, `host` …), or a name
    /// or value that no header may have, is an error when the client is built or something is sent.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match header(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// What goes to the gateway with every request there. What it does not say stays; see
    /// [`header`](Self::header) for other headers, over which it wins where one has both.
    #[cfg(feature = "gateway")]
    pub fn gateway(mut self, gateway: GatewayOptions) -> Self {
        self.gateway = gateway.over(&self.gateway);
        self
    }

    /// The workspace, by UUID or slug, for operations that an organisation key must name one for.
    ///
    /// It is sent as the query parameter `workspace_id` of those operations that the ledger lists
    /// ([`Operation::default_workspace`](crate::Operation)), unless the call sets one; never in a body,
    /// where leaving it out means something else (M103).
    ///
    /// The operations on providers take the UUID alone with an organisation's key (M122): give the
    /// UUID where those are called, as `resolve_workspace_id` finds it for a slug.
    pub fn workspace_id(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = Some(Some(workspace.into()));
        self
    }

    /// No default workspace, whatever the client has.
    pub fn no_workspace_id(mut self) -> Self {
        self.workspace = Some(None);
        self
    }

    /// These options, and those of `base` for what they do not say.
    pub(crate) fn over(self, base: &Self) -> Self {
        // A header of its own is newer than what the base says to the gateway.
        #[cfg(feature = "gateway")]
        let gateway = self
            .gateway
            .over(&base.gateway.clone().without(&self.headers));
        let mut headers = base.headers.clone();
        headers.extend(self.headers);
        Self {
            timeout: self.timeout.or(base.timeout),
            retry: self.retry.or_else(|| base.retry.clone()),
            idempotent: self.idempotent.or(base.idempotent),
            headers,
            #[cfg(feature = "gateway")]
            gateway,
            workspace: self.workspace.or_else(|| base.workspace.clone()),
            problem: self.problem.or_else(|| base.problem.clone()),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "gateway")]
        self.gateway.check()?;
        self.problem.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT)
    }

    pub(crate) fn policy(&self) -> &RetryPolicy {
        self.retry.as_ref().unwrap_or(&RetryPolicy::DEFAULT)
    }

    /// The class that counts for an operation of class `own`.
    pub(crate) fn class(&self, own: Idempotency) -> Idempotency {
        match self.idempotent {
            Some(true) if own == Idempotency::NonIdempotent => Idempotency::Idempotent,
            Some(false) => Idempotency::NonIdempotent,
            _ => own,
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    #[cfg(feature = "gateway")]
    pub(crate) fn to_gateway(&self) -> &GatewayOptions {
        &self.gateway
    }

    pub(crate) fn default_workspace(&self) -> Option<&str> {
        self.workspace.as_ref()?.as_deref()
    }
}

/// A header that a user may set.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let name: HeaderName = name
        .parse()
        .map_err(|_| Error::invalid_request(format!("`{name}` is no name of a header")))?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with(HANDSHAKE) {
        return Err(Error::invalid_request(format!(
            "header `{name}` is set by the client and cannot be overridden"
        )));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Error::invalid_request(format!(
            "header `{name}` holds characters that no header may have"
        ))
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// JSON as a header can hold it: what is beyond ASCII is escaped.
pub(crate) fn ascii_json(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' => ascii.push(c),
            // Also DEL, which JSON allows and a header does not.
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    ascii += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    ascii
}

impl fmt::Debug for RequestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = f.debug_struct("RequestOptions");
        #[cfg(feature = "gateway")]
        options.field("gateway", &self.gateway);
        options
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("idempotent", &self.idempotent)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("workspace_id", &self.workspace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let base = RequestOptions::new()
            .timeout(Duration::from_secs(1))
            .header("x-a", "1")
            .header("x-b", "1")
            .workspace_id("one");
        let options = RequestOptions::new().header("x-b", "2").over(&base);
        assert_eq!(options.attempt_timeout(), Duration::from_secs(1));
        assert_eq!(
            (&options.headers["x-a"], &options.headers["x-b"]),
            (&"1".parse().unwrap(), &"2".parse().unwrap())
        );
        assert_eq!(options.default_workspace(), Some("one"));
        let options = RequestOptions::new().no_workspace_id().over(&base);
        assert_eq!(options.default_workspace(), None);
    }

    #[test]
    fn reserved_and_impossible_headers_are_refused() {
        for (name, value) in [
            ("X-Portkey-Api-Key", "canary"),
            ("Content-Type", "canary"),
            ("host", "canary"),
            ("", "canary"),
            ("a b", "canary"),
            ("x-a", "canary\n"),
        ] {
            let options = RequestOptions::new().header(name, value);
            let error = options.check().unwrap_err();
            let shown = format!("{error} {error:?} {options:?}");
            assert!(
                error.is_invalid_request() && !shown.contains("canary"),
                "{shown}"
            );
        }
    }

    #[test]
    fn the_caller_knows_better() {
        let class = |options: RequestOptions| {
            [
                Idempotency::Safe,
                Idempotency::Idempotent,
                Idempotency::NonIdempotent,
            ]
            .map(|own| options.class(own))
        };
        assert_eq!(
            class(RequestOptions::new()),
            [
                Idempotency::Safe,
                Idempotency::Idempotent,
                Idempotency::NonIdempotent
            ]
        );
        assert_eq!(
            class(RequestOptions::new().idempotent(true)),
            [
                Idempotency::Safe,
                Idempotency::Idempotent,
                Idempotency::Idempotent
            ]
        );
        assert_eq!(
            class(RequestOptions::new().idempotent(false)),
            [Idempotency::NonIdempotent; 3]
        );
    }
}
