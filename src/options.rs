//! Options of a client or of single calls.

use std::{fmt, time::Duration};

use http::HeaderMap;

#[cfg(feature = "gateway")]
use crate::gateway::GatewayOptions;
use crate::{
    Error, RetryPolicy, Secret, header,
    operation::{Idempotency, Plane},
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// A model may take minutes to respond.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(10 * 60);

const MAX_RESPONSE_SIZE: usize = 128 << 20;
/// Images and embeddings are large.
const MAX_GATEWAY_RESPONSE_SIZE: usize = 512 << 20;

/// Stands for "no timeout": reqwest cannot unset a timeout, and the clock overflows with
/// `Duration::MAX`.
pub(crate) const NO_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Options of calls: timeouts, retries, headers, a default workspace.
///
/// Set them for all calls of a client ([`ClientBuilder::options`](crate::ClientBuilder::options))
/// or for some ([`Client::with_options`](crate::Client::with_options)). The latter override only
/// the options that they set.
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
///
/// See the guide: [options](crate::guide::options).
#[derive(Clone, Default)]
#[must_use = "options have no effect until a client uses them"]
pub struct RequestOptions {
    timeout: Option<Duration>,
    max_response_size: Option<usize>,
    retry: Option<RetryPolicy>,
    idempotent: Option<bool>,
    strict_items: Option<bool>,
    headers: HeaderMap,
    #[cfg(feature = "gateway")]
    gateway: GatewayOptions,
    workspace: Option<Option<String>>,
    /// The error of an invalid header, reported when a client is built or a request is sent.
    error: Option<Error>,
}

impl RequestOptions {
    /// Creates empty options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the timeout of an attempt, including its response. The default is 30 seconds, or 10
    /// minutes for calls to the gateway, because a model may take that long to respond.
    ///
    /// A streamed response is not limited once it has begun. For an upload of files, the timeout
    /// limits the time without progress. [`RetryPolicy::deadline`] limits the whole call, and
    /// thereby each attempt.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the maximum size of a response body in bytes. A longer one is an error
    /// ([`Error::is_response_too_large`]) and is not requested again. The default is 128 MiB, or 512
    /// MiB for calls to the gateway.
    ///
    /// Streams (downloads, events) are not limited.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = Some(bytes);
        self
    }

    /// Sets the retry policy.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Sets whether calls may be retried after an attempt that the service may have executed,
    /// regardless of the operation. With `true`, a retried `POST` may create a resource twice.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Sets whether an item that cannot be decoded is an error in the list operations: `send`,
    /// `stream` and `pages`. By default, such an item is skipped: it is retained in `extra`, and
    /// [`Page::skipped`](crate::Page::skipped) counts it.
    pub fn strict_items(mut self, strict: bool) -> Self {
        self.strict_items = Some(strict);
        self
    }

    /// Sets a header of every request with the API key: to the control plane, the gateway and the MCP
    /// gateway. It is not sent to the public base URL, the price files or a signed URL.
    ///
    /// The last value of a name wins; a header that an operation sets overrides it. Values are
    /// marked as sensitive and not shown by `Debug`.
    ///
    /// A header that the client sets itself (`x-portkey-api-key`, `content-type`, `host` …) and an
    /// invalid name or value cause an error when the client is built or a request is sent.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match header::parse(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Sets the options of requests to the gateway. Gateway options that are not set in `gateway`
    /// keep their values. They override a [`header`](Self::header) of the same name.
    #[cfg(feature = "gateway")]
    pub fn gateway(mut self, gateway: GatewayOptions) -> Self {
        self.gateway = gateway.merge_onto(&self.gateway);
        self
    }

    /// Sets the default workspace, by UUID or slug, for operations that require one with an
    /// organisation key.
    ///
    /// It is sent as the query parameter `workspace_id` of the operations that take it
    /// ([`Operation::default_workspace`](crate::Operation::default_workspace)), unless the call
    /// sets the parameter. It is never sent in a body, where a missing workspace has a meaning of
    /// its own.
    ///
    /// With an organisation key, the operations on providers accept only the UUID, which
    /// `resolve_workspace_id` looks up for a slug.
    pub fn workspace_id(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = Some(Some(workspace.into()));
        self
    }

    /// Removes the default workspace of the client.
    pub fn no_workspace_id(mut self) -> Self {
        self.workspace = Some(None);
        self
    }

    /// Returns these options, with unset options taken from `base`.
    pub(crate) fn merge_onto(self, base: &Self) -> Self {
        // A header of these options overrides a gateway option of the base.
        #[cfg(feature = "gateway")]
        let gateway = self
            .gateway
            .merge_onto(&base.gateway.clone().without(&self.headers));
        let mut headers = base.headers.clone();
        headers.extend(self.headers);
        Self {
            timeout: self.timeout.or(base.timeout),
            max_response_size: self.max_response_size.or(base.max_response_size),
            retry: self.retry.or_else(|| base.retry.clone()),
            idempotent: self.idempotent.or(base.idempotent),
            strict_items: self.strict_items.or(base.strict_items),
            headers,
            #[cfg(feature = "gateway")]
            gateway,
            workspace: self.workspace.or_else(|| base.workspace.clone()),
            error: self.error.or_else(|| base.error.clone()),
        }
    }

    /// Returns the error of an invalid header, if there is one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "gateway")]
        self.gateway.check()?;
        self.error.clone().map_or(Ok(()), Err)
    }

    /// Returns the timeout of an attempt to a plane, or to a signed URL if `plane` is `None`.
    pub(crate) fn attempt_timeout(&self, plane: Option<Plane>) -> Duration {
        self.timeout.unwrap_or(match plane {
            Some(Plane::Gateway) => GATEWAY_TIMEOUT,
            _ => TIMEOUT,
        })
    }

    /// Returns the maximum size of a response body that is not streamed.
    pub(crate) fn effective_max_response_size(&self, plane: Option<Plane>) -> usize {
        self.max_response_size.unwrap_or(match plane {
            Some(Plane::Gateway) => MAX_GATEWAY_RESPONSE_SIZE,
            _ => MAX_RESPONSE_SIZE,
        })
    }

    /// Returns the retry policy of calls to a plane, or to a signed URL if `plane` is `None`.
    pub(crate) fn retry_policy(&self, plane: Option<Plane>) -> RetryPolicy {
        let policy = self.retry.clone().unwrap_or_default();
        policy.with_default_deadline(plane)
    }

    /// Applies [`idempotent`](Self::idempotent) to the idempotency of an operation.
    pub(crate) fn effective_idempotency(&self, operation: Idempotency) -> Idempotency {
        match self.idempotent {
            Some(true) if operation == Idempotency::NonIdempotent => Idempotency::Idempotent,
            Some(false) => Idempotency::NonIdempotent,
            _ => operation,
        }
    }

    pub(crate) fn has_strict_items(&self) -> bool {
        self.strict_items.unwrap_or_default()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the headers for the gateway, in which gateway options override other headers.
    pub(crate) fn all_gateway_headers(&self) -> HeaderMap {
        #[allow(unused_mut, reason = "without the feature `gateway`")]
        let mut headers = self.headers.clone();
        #[cfg(feature = "gateway")]
        headers.extend(self.gateway.headers());
        headers
    }

    /// Returns the values that must be redacted in responses of the service.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret> {
        #[cfg(feature = "gateway")]
        let secrets = self.gateway.secrets();
        #[cfg(not(feature = "gateway"))]
        let secrets = std::iter::empty::<&str>();
        secrets.map(Secret::from)
    }

    pub(crate) fn default_workspace(&self) -> Option<&str> {
        self.workspace.as_ref()?.as_deref()
    }
}

impl fmt::Debug for RequestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = f.debug_struct("RequestOptions");
        #[cfg(feature = "gateway")]
        options.field("gateway", &self.gateway);
        options
            .field("timeout", &self.timeout)
            .field("max_response_size", &self.max_response_size)
            .field("retry", &self.retry)
            .field("idempotent", &self.idempotent)
            .field("strict_items", &self.strict_items)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("workspace_id", &self.workspace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_options_are_taken_from_the_base() {
        let base = RequestOptions::new()
            .timeout(Duration::from_secs(1))
            .header("x-a", "1")
            .header("x-b", "1")
            .workspace_id("one");
        let options = RequestOptions::new().header("x-b", "2").merge_onto(&base);
        for plane in [Plane::Control, Plane::Gateway] {
            let timeout = options.attempt_timeout(Some(plane));
            assert_eq!(timeout, Duration::from_secs(1));
        }
        assert_eq!(
            (&options.headers["x-a"], &options.headers["x-b"]),
            (&"1".parse().unwrap(), &"2".parse().unwrap())
        );
        assert_eq!(options.default_workspace(), Some("one"));
        let options = RequestOptions::new().no_workspace_id().merge_onto(&base);
        assert_eq!(options.default_workspace(), None);
    }

    #[test]
    fn calls_to_the_gateway_have_longer_defaults() {
        let limits = |options: &RequestOptions, plane| {
            let policy = options.retry_policy(plane);
            let limits = [options.attempt_timeout(plane), policy.effective_deadline()];
            (
                limits.map(|limit| limit.as_secs()),
                options.effective_max_response_size(plane),
            )
        };
        let options = RequestOptions::new();
        let others = [Plane::Control, Plane::Public, Plane::Mcp, Plane::Prices];
        for plane in others.map(Some).into_iter().chain([None]) {
            assert_eq!(limits(&options, plane), ([30, 120], 128 << 20));
        }
        let gateway = Some(Plane::Gateway);
        assert_eq!(limits(&options, gateway), ([600, 1800], 512 << 20));
        let options = options.retry(RetryPolicy::default().max_attempts(5));
        assert_eq!(limits(&options, gateway), ([600, 1800], 512 << 20));
        let policy = RetryPolicy::default().deadline(Duration::from_secs(7));
        let options = options
            .retry(policy)
            .timeout(Duration::from_secs(5))
            .max_response_size(9);
        for plane in [Some(Plane::Control), gateway] {
            assert_eq!(limits(&options, plane), ([5, 7], 9));
        }
    }

    #[test]
    fn reserved_and_invalid_headers_are_rejected() {
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
    fn idempotent_overrides_the_operation() {
        let effective = |options: RequestOptions| {
            [
                Idempotency::Safe,
                Idempotency::Idempotent,
                Idempotency::NonIdempotent,
            ]
            .map(|operation| options.effective_idempotency(operation))
        };
        assert_eq!(
            effective(RequestOptions::new()),
            [
                Idempotency::Safe,
                Idempotency::Idempotent,
                Idempotency::NonIdempotent
            ]
        );
        assert_eq!(
            effective(RequestOptions::new().idempotent(true)),
            [
                Idempotency::Safe,
                Idempotency::Idempotent,
                Idempotency::Idempotent
            ]
        );
        assert_eq!(
            effective(RequestOptions::new().idempotent(false)),
            [Idempotency::NonIdempotent; 3]
        );
    }
}
