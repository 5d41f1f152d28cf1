//! The headers that every request of a plane has, built on first use.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Inner;
use crate::{
    RequestOptions,
    operation::Plane,
    transport::{ANY_MEDIA_TYPE, JSON},
};

static API_KEY: HeaderName = HeaderName::from_static("x-portkey-api-key");

/// The headers for each plane and for signed URLs, without and with a JSON body.
#[derive(Default)]
pub(super) struct DefaultHeaders {
    control: [OnceLock<HeaderMap>; 2],
    #[cfg(feature = "gateway")]
    gateway: [OnceLock<HeaderMap>; 2],
    public: [OnceLock<HeaderMap>; 2],
    signed_url: [OnceLock<HeaderMap>; 2],
}

impl DefaultHeaders {
    /// Returns the headers for a plane, or for a signed URL if `plane` is `None`. `inner` and
    /// `options` must be the same in every call.
    pub(super) fn get(
        &self,
        plane: Option<Plane>,
        has_json: bool,
        inner: &Inner,
        options: &RequestOptions,
    ) -> &HeaderMap {
        let headers = match plane {
            #[cfg(feature = "gateway")]
            Some(Plane::Gateway) => &self.gateway,
            Some(Plane::Public) => &self.public,
            Some(_) => &self.control,
            None => &self.signed_url,
        };
        headers[usize::from(has_json)].get_or_init(|| build(plane, has_json, inner, options))
    }
}

/// Builds the headers. The public plane and signed URLs get neither the key nor the headers of the
/// options.
#[cold]
fn build(
    plane: Option<Plane>,
    has_json: bool,
    inner: &Inner,
    options: &RequestOptions,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !matches!(plane, None | Some(Plane::Public)) {
        headers.extend(options.headers().clone());
        #[cfg(feature = "gateway")]
        if plane == Some(Plane::Gateway) {
            headers.extend(options.gateway_options().headers());
        }
        headers.insert(API_KEY.clone(), inner.key_header.clone());
    }
    let accept = if plane.is_none() {
        ANY_MEDIA_TYPE
    } else {
        JSON
    };
    headers.insert(header::USER_AGENT, inner.user_agent.clone());
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    if has_json {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    headers
}
