//! The headers that every request of a plane has.

use http::{HeaderMap, HeaderName, header};

use super::Inner;
use crate::{RequestOptions, operation::Plane};

const API_KEY: HeaderName = HeaderName::from_static("x-portkey-api-key");

/// The default headers for each plane, without `accept` and `content-type`.
pub(super) struct DefaultHeaders {
    /// For the control plane and the MCP gateway.
    control: HeaderMap,
    gateway: HeaderMap,
    /// For the planes without a key and signed URLs, which get neither the key nor the headers of
    /// the options.
    keyless: HeaderMap,
}

impl DefaultHeaders {
    pub(super) fn new(inner: &Inner, options: &RequestOptions) -> Self {
        let mut keyless = HeaderMap::new();
        keyless.insert(header::USER_AGENT, inner.user_agent.clone());
        let with_key = |mut headers: HeaderMap| {
            headers.insert(API_KEY, inner.key_header.clone());
            headers.extend(keyless.clone());
            headers
        };
        Self {
            control: with_key(options.headers().clone()),
            gateway: with_key(options.all_gateway_headers()),
            keyless,
        }
    }

    /// Returns the headers for a plane, or for a signed URL if `plane` is `None`.
    pub(super) fn get(&self, plane: Option<Plane>) -> &HeaderMap {
        match plane {
            Some(Plane::Control | Plane::Mcp) => &self.control,
            Some(Plane::Gateway) => &self.gateway,
            Some(Plane::Public | Plane::Prices) | None => &self.keyless,
        }
    }
}
