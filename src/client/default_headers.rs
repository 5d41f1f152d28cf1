//! The headers that stand in every request of a kind: put together for the first, and copied.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Inner;
use crate::{
    RequestOptions,
    operation::Plane,
    transport::{ANYTHING, JSON},
};

static API_KEY: HeaderName = HeaderName::from_static("x-portkey-api-key");

/// For each plane, and for URLs that belong to none, without and with a JSON body.
#[derive(Default)]
pub(super) struct DefaultHeaders {
    control: [OnceLock<HeaderMap>; 2],
    #[cfg(feature = "gateway")]
    gateway: [OnceLock<HeaderMap>; 2],
    public: [OnceLock<HeaderMap>; 2],
    link: [OnceLock<HeaderMap>; 2],
}

impl DefaultHeaders {
    /// Those of a client with these options, which are the same each time.
    pub(super) fn to(
        &self,
        plane: Option<Plane>,
        has_json: bool,
        inner: &Inner,
        options: &RequestOptions,
    ) -> &HeaderMap {
        let kinds = match plane {
            #[cfg(feature = "gateway")]
            Some(Plane::Gateway) => &self.gateway,
            Some(Plane::Public) => &self.public,
            Some(_) => &self.control,
            None => &self.link,
        };
        kinds[usize::from(has_json)].get_or_init(|| all(plane, has_json, inner, options))
    }
}

/// The public plane gets neither the key nor the headers of the options, a link nothing but who asks.
#[cold]
fn all(plane: Option<Plane>, has_json: bool, inner: &Inner, options: &RequestOptions) -> HeaderMap {
    let mut all = HeaderMap::new();
    if !matches!(plane, None | Some(Plane::Public)) {
        all.extend(options.headers().clone());
        #[cfg(feature = "gateway")]
        if plane == Some(Plane::Gateway) {
            all.extend(options.to_gateway().headers());
        }
        all.insert(API_KEY.clone(), inner.key_header.clone());
    }
    let kinds = if plane.is_none() { ANYTHING } else { JSON };
    all.insert(header::USER_AGENT, inner.user_agent.clone());
    all.insert(header::ACCEPT, HeaderValue::from_static(kinds));
    if has_json {
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    all
}
