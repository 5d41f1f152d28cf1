//! A single attempt: sends the request, reads the response and classifies failures.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};

#[cfg(feature = "gateway")]
use super::deadline::Heartbeat;
use super::{
    deadline::Deadline,
    prepared_request::{Body, PreparedRequest},
    response::{Outcome, RawResponse},
};
#[cfg(feature = "gateway")]
use crate::gateway::{Form, PartReadError};
use crate::{
    Client, Error,
    client::connecting::Connecting,
    error::{ErrorResponse, MAX_BODY_LEN},
    retry::{Failure, FailureKind, retry_after},
};

/// One attempt to send a request.
pub(crate) struct Attempt<'a> {
    pub(crate) client: &'a Client,
    request: &'a PreparedRequest,
    pub(super) deadline: Deadline,
}

impl<'a> Attempt<'a> {
    /// Creates an attempt that ends after the timeout of an attempt or after `remaining`, which is
    /// the time until the deadline of the call.
    pub(super) fn new(
        client: &'a Client,
        request: &'a PreparedRequest,
        remaining: Duration,
    ) -> Self {
        let timeout = client.options().attempt_timeout(request.plane);
        Self {
            client,
            request,
            deadline: Deadline::new(timeout.min(remaining)),
        }
    }

    /// Sends the request and reads the whole response; fails if the status is not a success or if
    /// the body exceeds the maximum size.
    pub(crate) async fn send_buffered(mut self) -> Outcome<RawResponse> {
        let RawResponse {
            status,
            headers,
            mut body,
            ..
        } = self.send().await?;
        let options = self.client.options();
        let max_size = options.effective_max_response_size(self.request.plane);
        // One byte above the limit shows that the body is longer.
        let limit = max_size.saturating_add(1);
        let (body, error) = read_body(&mut body, &self.deadline, limit).await;
        let mut failure = match error {
            None if body.len() <= max_size => return Ok(RawResponse::new(status, headers, body)),
            None => too_large(format!(
                "the body is longer than the limit of {max_size} bytes (`max_response_size`)"
            )),
            Some(error) => interrupted(error),
        };
        let response = ErrorResponse::new(status, headers, body);
        failure.error = failure.error.with_response(response);
        Err(failure)
    }

    /// Like [`send_buffered`](Self::send_buffered), but reads only the head of the response.
    pub(crate) async fn send_streaming(mut self) -> Outcome<RawResponse<reqwest::Response>> {
        self.send().await
    }

    async fn send(&mut self) -> Outcome<RawResponse<reqwest::Response>> {
        let request = match &self.request.body {
            #[cfg(feature = "gateway")]
            Some(Body::Form(form)) => self.build_upload(form).await?,
            None | Some(Body::Json(_)) => self.build_request(),
        };
        let http = self.client.http_client(request.url());
        let mut response = self.receive_head(http.execute(request)).await?;
        if !response.status().is_success() {
            return Err(status_error(response, &self.deadline).await);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(RawResponse::new(response.status(), headers, response))
    }

    /// Builds the request without a multipart body.
    pub(super) fn build_request(&self) -> reqwest::Request {
        let PreparedRequest {
            method,
            url,
            headers,
            body,
            ..
        } = self.request;
        let mut request = reqwest::Request::new(method.clone(), url.clone());
        *request.headers_mut() = headers.clone();
        if let Some(Body::Json(json)) = body {
            *request.body_mut() = Some(json.clone().into());
        }
        request
    }

    /// Builds the request with a multipart body, whose files are opened for this attempt. The
    /// duration of an upload is not limited, only the time without progress.
    #[cfg(feature = "gateway")]
    async fn build_upload(&mut self, form: &Form) -> Outcome<reqwest::Request> {
        let heartbeat = Heartbeat::new();
        let mut request = self.build_request();
        let body = form.open(heartbeat.clone()).await.map_err(body_error)?;
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        heartbeat.mark();
        self.deadline.extended_by(heartbeat);
        Ok(request)
    }

    /// Waits for the head of a response and redacts its ids.
    pub(super) async fn receive_head(
        &self,
        sending: impl Future<Output = reqwest::Result<reqwest::Response>>,
    ) -> Outcome<reqwest::Response> {
        let connecting = Connecting::default();
        let sending = self.deadline.wait_for(connecting.track(sending)).await;
        let response = match sending {
            Ok(response) => response,
            Err(_) if connecting.is_pending() => return Err(self.connect_timed_out()),
            Err(timed_out) => return Err(interrupted(timed_out)),
        };
        let mut response = response.map_err(send_error)?;
        let redactor = self.client.redactor();
        redactor.redact_request_ids(response.headers_mut());
        Ok(response)
    }

    fn connect_timed_out(&self) -> Failure<Error> {
        let error = Error::connect_timed_out(self.deadline.limit());
        Failure::new(error, FailureKind::Connect { timeout: true })
    }
}

/// Returns the failure of an attempt whose response is missing or incomplete.
pub(super) fn interrupted(error: Error) -> Failure<Error> {
    let timeout = error.is_timeout();
    Failure::new(error, FailureKind::Interrupted { timeout })
}

/// Returns the failure of an attempt whose response exceeds a limit, as that of another attempt would.
fn too_large(problem: impl Into<String>) -> Failure<Error> {
    Failure::new(Error::response_too_large(problem), FailureKind::Permanent)
}

/// Returns the failure of an attempt whose request body cannot be read. The service received an
/// incomplete request, so it cannot have executed it.
#[cfg(feature = "gateway")]
fn body_error(error: PartReadError) -> Failure<Error> {
    Failure::new(error.into_error(), FailureKind::Permanent)
}

/// Classifies the error of reqwest before a response head was received.
pub(super) fn send_error(error: reqwest::Error) -> Failure<Error> {
    #[cfg(feature = "gateway")]
    if let Some(error) = PartReadError::behind(&error) {
        return body_error(error);
    }
    if !error.is_connect() && is_head_too_large(&error) {
        return too_large("the head has too many headers or is too long");
    }
    let timeout = error.is_timeout();
    let kind = match error.is_connect() {
        true => FailureKind::Connect { timeout },
        false if error.is_builder() => FailureKind::Permanent,
        false => FailureKind::Interrupted { timeout },
    };
    Failure::new(Error::transport(error), kind)
}

/// Recognises the error of hyper by its message, because it has no predicate in a client.
fn is_head_too_large(error: &reqwest::Error) -> bool {
    let first: &dyn std::error::Error = error;
    std::iter::successors(first.source(), |error| error.source())
        .any(|cause| cause.to_string() == "message head is too large")
}

/// Turns a non-2xx response into a failure, which holds up to 1 MiB of the body.
pub(super) async fn status_error(
    mut response: reqwest::Response,
    deadline: &Deadline,
) -> Failure<Error> {
    let status = response.status();
    // One byte above the limit shows that the body is longer. An error while reading the body is
    // ignored, because the status is known.
    let (body, _) = read_body(&mut response, deadline, MAX_BODY_LEN + 1).await;
    let headers = std::mem::take(response.headers_mut());
    let retry_after = retry_after(&headers, SystemTime::now());
    Failure {
        error: Error::status_error(ErrorResponse::new(status, headers, body)),
        kind: FailureKind::Status(status),
        retry_after,
    }
}

/// Reads the body until its end, an error, a timeout, or until at least `limit` bytes have arrived.
/// Returns the bytes that arrived, and the error.
pub(super) async fn read_body(
    response: &mut reqwest::Response,
    deadline: &Deadline,
    limit: usize,
) -> (Bytes, Option<Error>) {
    let mut body = BytesMut::new();
    while body.len() < limit {
        match deadline.wait_for(response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return (body.freeze(), Some(Error::transport(error))),
            Err(timed_out) => return (body.freeze(), Some(timed_out)),
        }
    }
    (body.freeze(), None)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::{
        RequestOptions,
        error::Label,
        operation::{Idempotency, Plane},
    };

    /// Returns the timeout of an attempt to a plane.
    fn timeout(client: &Client, plane: Plane, remaining: Duration) -> Duration {
        let request = PreparedRequest {
            label: Label::Request("GET /a".into()),
            plane: Some(plane),
            idempotency: Idempotency::Safe,
            method: Method::GET,
            url: client.base_url(plane).unwrap().with_path("/a"),
            headers: client.default_headers(Some(plane)).clone(),
            body: None,
        };
        Attempt::new(client, &request, remaining).deadline.limit()
    }

    #[tokio::test]
    async fn attempt_has_the_timeout_of_its_plane() {
        let client = Client::builder().api_key("key").build().unwrap();
        let short = RequestOptions::new().timeout(Duration::from_secs(5));
        let short = client.with_options(short);
        for (plane, expected) in [
            (Plane::Control, 30),
            (Plane::Public, 30),
            (Plane::Mcp, 30),
            (Plane::Prices, 30),
            (Plane::Gateway, 600),
        ] {
            for (client, remaining, expected) in [
                (&client, 9999, expected),
                (&client, 7, 7),
                (&short, 9999, 5),
            ] {
                let remaining = Duration::from_secs(remaining);
                assert_eq!(timeout(client, plane, remaining).as_secs(), expected);
            }
        }
    }
}
