//! A request in a form that can be sent as often as need be.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

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

/// Everything that goes out, but for what the connection adds.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: reqwest::Url,
    pub(crate) headers: HeaderMap,
    body: Option<Body>,
}

impl Outgoing {
    /// With what every request has: the headers of JSON or of what there is instead, those of the
    /// client's options, and the key.
    pub(crate) fn new(
        client: &Client,
        plane: Plane,
        method: Method,
        url: reqwest::Url,
        mut headers: HeaderMap,
        body: Option<Body>,
    ) -> Self {
        let json = HeaderValue::from_static("application/json");
        headers
            .entry(header::ACCEPT)
            .or_insert_with(|| json.clone());
        match &body {
            None => {}
            Some(Body::Json(_)) => {
                headers.insert(header::CONTENT_TYPE, json);
            }
            #[cfg(feature = "gateway")]
            Some(Body::Form(form)) => {
                headers.insert(header::CONTENT_TYPE, form.content_type());
            }
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

    /// The request, but for a form.
    pub(crate) fn request(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        if let Some(Body::Json(json)) = &self.body {
            *request.body_mut() = Some(json.clone().into());
        }
        request
    }

    #[cfg(feature = "gateway")]
    pub(crate) fn form(&self) -> Option<Arc<Form>> {
        match &self.body {
            Some(Body::Form(form)) => Some(form.clone()),
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
