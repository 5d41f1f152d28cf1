//! The headers that stand in every request: put together once, and copied.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{Options, exchange::JSON, operation::Plane};

static API_KEY: HeaderName = HeaderName::from_static("x-portkey-api-key");

/// For how many headers there is room: these, those of one call, and those of the HTTP client.
const ROOM: usize = 6;

/// For each plane, and for URLs that belong to none.
pub(super) struct Standing {
    control: HeaderMap,
    #[cfg(feature = "gateway")]
    gateway: HeaderMap,
    public: HeaderMap,
    link: HeaderMap,
}

impl Standing {
    /// The public plane gets neither the key nor the headers of the options, a link nothing but who asks.
    pub(super) fn new(agent: &HeaderValue, key: &HeaderValue, options: &Options) -> Self {
        let agent = HeaderMap::from_iter([(header::USER_AGENT, agent.clone())]);
        let json = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(JSON))]);
        let key = HeaderMap::from_iter([(API_KEY.clone(), key.clone())]);
        Self {
            control: joined(&[options.headers(), &agent, &json, &key]),
            #[cfg(feature = "gateway")]
            gateway: {
                let gateway = options.to_gateway().headers();
                joined(&[options.headers(), &gateway, &agent, &json, &key])
            },
            public: joined(&[&agent, &json]),
            link: joined(&[&agent]),
        }
    }

    pub(super) fn to(&self, plane: Option<Plane>) -> &HeaderMap {
        match plane {
            #[cfg(feature = "gateway")]
            Some(Plane::Gateway) => &self.gateway,
            Some(Plane::Public) => &self.public,
            Some(_) => &self.control,
            None => &self.link,
        }
    }
}

/// All of them; of a name the last counts.
fn joined(parts: &[&HeaderMap]) -> HeaderMap {
    let mut all = HeaderMap::with_capacity(ROOM);
    for part in parts {
        all.extend((*part).clone());
    }
    all
}
