//! Tracing: a span for each call, a span for each attempt, an event for each retry.
//!
//! Spans and events contain no body, query value, header or key. The README lists the fields.

use std::time::Duration;

use reqwest::Url;
use tracing::{Instrument, Span, debug, debug_span, field::Empty, info_span};

use super::{
    prepared_request::PreparedRequest,
    response::{Outcome, TracedResponse},
};
use crate::{
    Error,
    error::Label,
    request_id::request_id,
    retry::{AttemptSummary, Failure},
};

/// The span of a call. If it is dropped before `finish`, it records `cancelled`.
pub(super) struct CallSpan {
    span: Span,
    finished: bool,
}

impl CallSpan {
    pub(super) fn new(request: &PreparedRequest) -> Self {
        let method = &request.method;
        // A signed URL is a secret, its host included.
        let url = request.plane.map(|_| &request.url);
        // The path of a raw request is not a template: it may contain ids.
        let operation = request.label.operation();
        let template = operation.map(|operation| operation.path);
        let span = info_span!(
            "portkey.call",
            otel.name = Empty,
            otel.kind = "client",
            portkey.operation = operation.map(|operation| operation.id),
            http.request.method = method.as_str(),
            url.template = template,
            server.address = url.and_then(Url::host_str),
            server.port = url.and_then(Url::port_or_known_default),
            http.response.status_code = Empty,
            http.request.resend_count = Empty,
            portkey.request_id = Empty,
            "error.type" = Empty,
        );
        if !span.is_disabled() {
            match template {
                Some(template) => span.record("otel.name", format!("{method} {template}")),
                None => span.record("otel.name", method.as_str()),
            };
        }
        Self {
            span,
            finished: false,
        }
    }

    /// Makes an attempt inside this span and a child span.
    pub(super) async fn in_attempt<T: TracedResponse>(
        &self,
        number: u32,
        sending: impl Future<Output = Outcome<T>>,
    ) -> Outcome<T> {
        let span = debug_span!(
            parent: &self.span,
            "portkey.attempt",
            http.request.resend_count = number - 1,
            http.response.status_code = Empty,
            portkey.request_id = Empty,
            "error.type" = Empty,
        );
        // The span of the attempt may be disabled, so the span of the call is entered as well.
        let outcome = sending
            .instrument(span.clone())
            .instrument(self.span.clone())
            .await;
        record(&span, outcome.as_ref().map_err(|failure| &failure.error));
        outcome
    }

    /// Records that another attempt follows after `delay`.
    pub(super) fn record_retry(&self, failure: &Failure<Error>, delay: Duration) {
        let wait_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        debug!(
            parent: &self.span,
            { "error.type" = error_type(&failure.error), wait_ms },
            "trying again"
        );
    }

    pub(super) fn finish<T: TracedResponse>(
        mut self,
        outcome: &Result<T, Error>,
        history: AttemptSummary,
    ) {
        self.finished = true;
        let resend_count = history.attempts.saturating_sub(1);
        self.span.record("http.request.resend_count", resend_count);
        record(&self.span, outcome.as_ref());
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if !self.finished {
            self.span.record("error.type", "cancelled");
        }
    }
}

/// Records a success that could not be decoded. The span of the call has ended.
pub(crate) fn decode_failed(label: &Label) {
    let operation = label.operation().map(|operation| operation.id);
    debug!({ portkey.operation = operation, "error.type" = "decode" }, "response could not be decoded");
}

/// Records a response with a success status that reports a failure. The span of the call has ended.
pub(crate) fn failure_reported(label: &Label) {
    let operation = label.operation().map(|operation| operation.id);
    debug!({ portkey.operation = operation, "error.type" = "reported_failure" }, "response reports a failure");
}

/// Records a body that was interrupted. The span of the call has ended.
pub(crate) fn body_interrupted(label: &Label, error: &Error) {
    let operation = label.operation().map(|operation| operation.id);
    debug!({ portkey.operation = operation, "error.type" = error_type(error) }, "response body interrupted");
}

fn record<T: TracedResponse>(span: &Span, outcome: Result<&T, &Error>) {
    if span.is_disabled() {
        return;
    }
    let (status, headers) = match outcome {
        Ok(response) => (Some(response.status()), Some(response.headers())),
        Err(error) => {
            span.record("error.type", error_type(error));
            (error.status(), error.headers())
        }
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
    if let Some(id) = headers.and_then(request_id) {
        span.record("portkey.request_id", id);
    }
}

/// Returns the status of an error response, else `timeout`, `connect` or `transport`.
fn error_type(error: &Error) -> String {
    let name = match error.status().filter(|status| !status.is_success()) {
        Some(status) => return status.as_str().to_owned(),
        None if error.is_timeout() => "timeout",
        None if error.is_connect() => "connect",
        None => "transport",
    };
    name.to_owned()
}
