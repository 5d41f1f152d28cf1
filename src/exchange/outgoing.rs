//! A request in a form that can be sent as often as need be.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::{Client, operation::Plane};

/// Everything that goes out, but for what the connection adds.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: reqwest::Url,
    pub(crate) headers: HeaderMap,
    body: Option<Bytes>,
}

impl Outgoing {
    /// With what every request has: the headers of JSON, those of the client's options, and the key.
    pub(crate) fn new(
        client: &Client,
        plane: Plane,
        method: Method,
        url: reqwest::Url,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Self {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::ACCEPT, json.clone());
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, json);
        }
        client.authorize(plane, &mut headers);
        Self {
            method,
            url,
            headers,
            body,
        }
    }

    /// A read of a signed URL: no key, and nothing of the options.
    pub(crate) fn link(url: reqwest::Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
        }
    }

    pub(crate) fn request(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }
}
