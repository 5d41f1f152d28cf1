//! Codes of the service's errors, as [`Error::code`](crate::Error::code) returns them.
//!
//! ```
//! use portkey_admin::{Error, error_codes};
//!
//! fn describe(error: &Error) -> &'static str {
//!     match error.code() {
//!         Some(error_codes::CONFLICT) => "it exists already, or is still in use",
//!         Some(error_codes::SUBSCRIPTION_EXHAUSTED) => "the plan is used up",
//!         _ => "another error",
//!     }
//! }
//! # let _ = describe;
//! ```
//!
//! The service can add codes. The predicates of [`Error`](crate::Error), such as
//! [`is_conflict`](crate::Error::is_conflict), depend on the status, which is known even if a response
//! has no code.

// The evidence for the codes: V001, V002, V003, V004, V005, V006, V007, V008, V009 and V013.

/// Status 400: the request is invalid.
pub const INVALID_REQUEST: &str = "AB01";
/// Status 404: the request is invalid; the documentation describes it like [`INVALID_REQUEST`].
pub const INVALID_REFERENCE: &str = "AB02";
/// Status 403: the key or the plan does not allow the request, or the resource belongs to another
/// workspace or no longer exists.
pub const FORBIDDEN: &str = "AB03";
/// Status 500: the service failed.
pub const INTERNAL_ERROR: &str = "AB04";
/// Status 401: the key is missing, invalid or has the wrong permissions.
pub const UNAUTHORIZED: &str = "AB05";
/// Status 429: too many requests.
pub const RATE_LIMITED: &str = "AB06";
/// Status 409: the resource exists already, or another one depends on it.
pub const CONFLICT: &str = "AB07";
/// Status 404: the resource does not exist.
pub const NOT_FOUND: &str = "AB08";
/// Status 402: the subscription of the organisation is used up.
pub const SUBSCRIPTION_EXHAUSTED: &str = "AB09";

/// Status 400 of the gateway: the organisation does not allow a config in the request.
pub const INLINE_CONFIG_BLOCKED: &str = "inline_config_blocked";
/// Status 400 of the gateway: the organisation does not allow a provider by its plain name.
pub const INLINE_PROVIDER_BLOCKED: &str = "inline_provider_blocked";
/// Status 400 of the gateway: the organisation does not allow a custom host.
pub const INLINE_CUSTOM_HOST_BLOCKED: &str = "inline_custom_host_blocked";
/// Status 400 of the gateway: the organisation does not allow the URL of a provider in the request.
pub const INLINE_PROVIDER_URL_BLOCKED: &str = "inline_provider_url_blocked";
/// Status 400 of the gateway: the organisation does not allow headers that are forwarded.
pub const INLINE_FORWARD_HEADERS_BLOCKED: &str = "inline_forward_headers_blocked";

/// The codes of a request with a setting that the organisation allows only in saved configs.
pub(crate) const INLINE_BLOCKED: [&str; 5] = [
    INLINE_CONFIG_BLOCKED,
    INLINE_PROVIDER_BLOCKED,
    INLINE_CUSTOM_HOST_BLOCKED,
    INLINE_PROVIDER_URL_BLOCKED,
    INLINE_FORWARD_HEADERS_BLOCKED,
];
