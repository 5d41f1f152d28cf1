//! Requests that can be sent more than once.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

#[cfg(feature = "gateway")]
use std::sync::Arc;

#[cfg(feature = "gateway")]
use crate::gateway::Form;
use crate::{Client, operation::Plane};

/// A request body.
#[derive(Clone)]
pub(crate) enum Body {
    /// Encoded JSON.
    Json(Bytes),
    /// A multipart body, whose files are opened for each attempt.
    #[cfg(feature = "gateway")]
    Form(Arc<Form>),
}

pub(crate) const JSON: &str = "application/json";

pub(crate) const ANY_MEDIA_TYPE: &str = "*/*";

/// The parts of a request that differ per call; the client adds its default headers.
pub(crate) struct PreparedRequest {
    pub(crate) method: Method,
    pub(crate) url: reqwest::Url,
    /// The value of the `accept` header.
    pub(crate) accept: &'static str,
    /// The last value of a name wins.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Body>,
}

impl PreparedRequest {
    /// Returns a `GET` request for a signed URL.
    pub(crate) fn signed_url(url: reqwest::Url) -> Self {
        Self {
            method: Method::GET,
            url,
            accept: ANY_MEDIA_TYPE,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Builds the request without a multipart body.
    pub(crate) fn build(&self, client: &Client, plane: Option<Plane>) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        let json = match &self.body {
            Some(Body::Json(json)) => Some(json),
            _ => None,
        };
        *request.headers_mut() = client.default_headers(plane, json.is_some()).clone();
        self.insert_headers(request.headers_mut());
        *request.body_mut() = json.map(|json| json.clone().into());
        request
    }

    /// Inserts the headers of this request, replacing defaults.
    fn insert_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        // The default headers always contain `accept`.
        if self.accept != JSON
            && let Some(accept) = headers.get_mut(header::ACCEPT)
        {
            *accept = HeaderValue::from_static(self.accept);
        }
        #[cfg(feature = "gateway")]
        if let Some(form) = self.form() {
            headers.insert(header::CONTENT_TYPE, form.content_type());
        }
    }

    #[cfg(feature = "gateway")]
    pub(crate) fn form(&self) -> Option<&Form> {
        match &self.body {
            Some(Body::Form(form)) => Some(form),
            _ => None,
        }
    }

    /// Returns `true` if another attempt can send the same body.
    pub(crate) fn can_repeat(&self) -> bool {
        match &self.body {
            None | Some(Body::Json(_)) => true,
            #[cfg(feature = "gateway")]
            Some(Body::Form(form)) => form.can_repeat(),
        }
    }
}
