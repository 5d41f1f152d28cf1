//! Responses before they are decoded.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{
    Error,
    error::ErrorResponse,
    redact::Redactor,
    retry::{AttemptSummary, Failure},
};

/// The outcome of an attempt.
pub(crate) type Outcome<T> = Result<T, Failure<Error>>;

/// A response whose body is complete, is being read, or was upgraded to a connection.
pub(crate) struct RawResponse<B = Bytes> {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: B,
    pub(crate) history: AttemptSummary,
    /// For errors of the response.
    pub(crate) redactor: Redactor,
}

impl<B> RawResponse<B> {
    /// Creates the response of an attempt; history and redactor are set after the last attempt.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: B) -> Self {
        Self {
            status,
            headers,
            body,
            history: AttemptSummary::default(),
            redactor: Redactor::default(),
        }
    }

    pub(crate) fn map<C>(self, convert: impl FnOnce(B) -> C) -> RawResponse<C> {
        let Self {
            status,
            headers,
            body,
            history,
            redactor,
        } = self;
        RawResponse {
            status,
            headers,
            body: convert(body),
            history,
            redactor,
        }
    }
}

impl RawResponse {
    /// Converts the 404 of a `DELETE` whose resource an earlier attempt has deleted.
    pub(crate) fn already_deleted(response: ErrorResponse) -> Option<Self> {
        let empty = Bytes::new();
        Some(Self::new(response.status, response.headers, empty))
    }

    pub(crate) fn into_error_response(self) -> ErrorResponse {
        ErrorResponse::new(self.status, self.headers, self.body).redacted(&self.redactor)
    }
}

/// A response that can be recorded in a span and that holds what its errors need.
pub(crate) trait TracedResponse {
    fn status(&self) -> StatusCode;
    fn headers(&self) -> &HeaderMap;
    fn set_context(&mut self, history: AttemptSummary, redactor: &Redactor);
}

impl<B> TracedResponse for RawResponse<B> {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn set_context(&mut self, history: AttemptSummary, redactor: &Redactor) {
        self.history = history;
        self.redactor = redactor.clone();
    }
}
