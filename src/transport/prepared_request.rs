//! A validated request, which can be sent more than once.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

#[cfg(feature = "gateway")]
use std::sync::Arc;

#[cfg(feature = "gateway")]
use crate::gateway::Form;
use crate::{
    error::Label,
    media_type,
    operation::{Idempotency, Plane},
    retry::AttemptSummary,
};

/// A request body.
#[derive(Clone)]
pub(crate) enum Body {
    /// Encoded JSON.
    Json(Bytes),
    /// A multipart body, whose files are opened for each attempt.
    #[cfg(feature = "gateway")]
    Form(Arc<Form>),
}

impl Body {
    fn content_type(&self) -> HeaderValue {
        match self {
            Self::Json(_) => HeaderValue::from_static(media_type::JSON),
            #[cfg(feature = "gateway")]
            Self::Form(form) => form.content_type(),
        }
    }
}

/// A request that is ready to be sent, with what retries, errors and traces need to know about it.
pub(crate) struct PreparedRequest {
    /// The name of the request in errors and traces.
    pub(crate) label: Label,
    /// `None` for a signed URL, which does not belong to the service.
    pub(crate) plane: Option<Plane>,
    pub(crate) idempotency: Idempotency,
    pub(crate) method: Method,
    pub(crate) url: reqwest::Url,
    /// All headers, including the client's default headers.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Body>,
}

impl PreparedRequest {
    /// Adds the headers `accept` and `content-type`, and the request's own headers. The last value
    /// of a name wins.
    pub(crate) fn with_headers(
        mut self,
        accept: &'static str,
        own: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Self {
        let headers = &mut self.headers;
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        if let Some(body) = &self.body {
            headers.insert(header::CONTENT_TYPE, body.content_type());
        }
        for (name, value) in own {
            headers.insert(name, value);
        }
        self
    }

    /// Returns `true` if an attempt before the last one may have deleted the resource.
    pub(super) fn may_have_deleted(&self, history: AttemptSummary) -> bool {
        self.method == Method::DELETE && history.may_have_executed_before
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
