//! A request in a form that can be sent as often as need be.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

#[cfg(feature = "gateway")]
use std::sync::Arc;

#[cfg(feature = "gateway")]
use crate::gateway::Form;
use crate::{Client, operation::Plane};

/// What a request carries.
#[derive(Clone)]
pub(crate) enum Body {
    /// JSON, as text.
    Json(Bytes),
    /// A form, whose files are opened for each attempt.
    #[cfg(feature = "gateway")]
    Form(Arc<Form>),
}

/// The kind of most bodies.
pub(crate) const JSON: &str = "application/json";

/// Whatever there is.
pub(crate) const ANYTHING: &str = "*/*";

/// What a request says that others do not.
pub(crate) struct PreparedRequest {
    pub(crate) method: Method,
    pub(crate) url: reqwest::Url,
    /// What kinds of answer there may be.
    pub(crate) accept: &'static str,
    /// The last of a name counts.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Body>,
}

impl PreparedRequest {
    /// A read of a signed URL.
    pub(crate) fn link(url: reqwest::Url) -> Self {
        Self {
            method: Method::GET,
            url,
            accept: ANYTHING,
            headers: Vec::new(),
            body: None,
        }
    }

    /// The request, but for a form.
    pub(crate) fn request(&self, client: &Client, plane: Option<Plane>) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        let json = match &self.body {
            Some(Body::Json(json)) => Some(json),
            _ => None,
        };
        *request.headers_mut() = client.headers(plane, json.is_some()).clone();
        self.complete(request.headers_mut());
        *request.body_mut() = json.map(|json| json.clone().into());
        request
    }

    /// Puts in what is not the same in every request; it wins.
    fn complete(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        // Something else always stands there.
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

    /// Whether another attempt would send the same.
    pub(crate) fn can_repeat(&self) -> bool {
        match &self.body {
            None | Some(Body::Json(_)) => true,
            #[cfg(feature = "gateway")]
            Some(Body::Form(form)) => form.can_repeat(),
        }
    }
}
