//! A single attempt: sends the request, reads the response and classifies failures.

use std::{
    pin::pin,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};

#[cfg(feature = "gateway")]
use super::Heartbeat;
use super::{Body, BufferedResponse, Exchange, IdleTimeout, Outcome};
#[cfg(feature = "gateway")]
use crate::gateway::{Form, PartReadError};
use crate::{
    Client, Error,
    error::{ErrorResponse, MAX_BODY_LEN, redact_request_ids},
    retry::{Attempt, AttemptSummary, Failure, FailureKind, retry_after},
};

/// A prepared request and the time limit of the attempt.
#[derive(Clone, Copy)]
pub(crate) struct AttemptContext<'a> {
    exchange: &'a Exchange,
    pub(super) timeout: Duration,
}

type SendResult = reqwest::Result<reqwest::Response>;

/// A response of which only the head has been read.
pub(crate) struct StreamingResponse {
    pub(crate) response: Box<reqwest::Response>,
    /// The timer of the head, reused for the body.
    pub(crate) timer: IdleTimeout,
    pub(crate) history: AttemptSummary,
}

impl<'a> AttemptContext<'a> {
    pub(crate) fn new(exchange: &'a Exchange, attempt: &Attempt) -> Self {
        let timeout = exchange.client.options().attempt_timeout();
        Self {
            exchange,
            timeout: timeout.min(attempt.remaining),
        }
    }

    pub(super) fn client(self) -> &'a Client {
        &self.exchange.client
    }

    /// Builds the request without a multipart body.
    pub(super) fn build_request(self) -> reqwest::Request {
        let Exchange { plane, request, .. } = self.exchange;
        request.build(self.client(), *plane)
    }

    /// Builds the request with a multipart body, whose files are opened for this attempt. The
    /// duration of an upload is not limited, only the time without progress.
    #[cfg(feature = "gateway")]
    async fn build_upload(self, form: &Form) -> Outcome<(reqwest::Request, IdleTimeout)> {
        let heartbeat = Heartbeat::new();
        let mut request = self.build_request();
        let body = form.open(heartbeat.clone()).await.map_err(body_error)?;
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        Ok((
            request,
            IdleTimeout::with_heartbeat(self.timeout, heartbeat),
        ))
    }

    fn send(self, request: reqwest::Request) -> impl Future<Output = SendResult> + Send + use<> {
        let Exchange { plane, .. } = self.exchange;
        let http = self.client().http_client(*plane, request.url());
        http.execute(request)
    }
}

/// Sends the request and reads the whole response.
pub(crate) async fn send_buffered(context: AttemptContext<'_>) -> Outcome<BufferedResponse> {
    let StreamingResponse {
        mut response,
        mut timer,
        history,
    } = send(context).await?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    match read_body(&mut response, &mut timer, usize::MAX).await {
        (body, None) => Ok(BufferedResponse {
            status,
            headers,
            body,
            history,
        }),
        (body, Some(error)) => Err(interrupted(
            error.with_response(ErrorResponse::new(status, headers, body)),
        )),
    }
}

/// Sends the request and reads the head of the response; fails if the status is not a success.
pub(crate) async fn send(context: AttemptContext<'_>) -> Outcome<StreamingResponse> {
    let (request, mut timer) = match &context.exchange.request.body {
        // Boxed to keep the attempt's future small; uploads are rare.
        #[cfg(feature = "gateway")]
        Some(Body::Form(form)) => Box::pin(context.build_upload(form)).await?,
        None | Some(Body::Json(_)) => (context.build_request(), IdleTimeout::new(context.timeout)),
    };
    let sending = pin!(context.send(request));
    let response = response_head(timer.wait_for(sending).await, &timer, context.client())?;
    if !response.status().is_success() {
        return Err(Box::pin(status_error(response, &mut timer)).await);
    }
    Ok(StreamingResponse {
        response,
        timer,
        history: AttemptSummary::default(),
    })
}

/// Returns the failure of an attempt whose response is missing or incomplete.
#[cold]
pub(super) fn interrupted(error: Error) -> Failure<Error> {
    Failure {
        kind: FailureKind::Interrupted {
            timeout: error.is_timeout(),
        },
        error,
        retry_after: None,
    }
}

/// Returns the failure of an attempt whose request body cannot be read. The service received an
/// incomplete request, so it cannot have executed it.
#[cfg(feature = "gateway")]
fn body_error(error: PartReadError) -> Failure<Error> {
    Failure {
        error: error.into_error(),
        kind: FailureKind::Permanent,
        retry_after: None,
    }
}

/// Classifies the error of reqwest before a response head was received.
#[cold]
pub(super) fn send_error(error: reqwest::Error) -> Failure<Error> {
    #[cfg(feature = "gateway")]
    if let Some(error) = PartReadError::behind(&error) {
        return body_error(error);
    }
    let timeout = error.is_timeout();
    Failure {
        kind: match error.is_connect() {
            true => FailureKind::Connect { timeout },
            false if error.is_builder() => FailureKind::Permanent,
            false => FailureKind::Interrupted { timeout },
        },
        error: Error::transport(error),
        retry_after: None,
    }
}

/// Converts the result of sending, where `None` is a timeout. The response is boxed, because it is
/// large and moved often.
pub(super) fn response_head(
    result: Option<SendResult>,
    timer: &IdleTimeout,
    client: &Client,
) -> Outcome<Box<reqwest::Response>> {
    match result {
        Some(Ok(response)) => {
            let mut response = Box::new(response);
            redact_request_ids(response.headers_mut(), client);
            Ok(response)
        }
        Some(Err(error)) => Err(send_error(error)),
        None => Err(interrupted(Error::timed_out(timer.limit()))),
    }
}

/// Turns a non-2xx response into a failure, which holds up to 1 MiB of the body.
pub(super) async fn status_error(
    mut response: Box<reqwest::Response>,
    timer: &mut IdleTimeout,
) -> Failure<Error> {
    let status = response.status();
    // One byte above the limit shows that the body is longer. An error while reading the body is
    // ignored, because the status is known.
    let (body, _) = read_body(&mut response, timer, MAX_BODY_LEN + 1).await;
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
    timer: &mut IdleTimeout,
    limit: usize,
) -> (Bytes, Option<Error>) {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        match timer.wait_for(pin!(response.chunk())).await {
            // Most bodies arrive in one chunk, which need not be copied.
            Some(Ok(Some(chunk))) if first.is_empty() && all.is_empty() => first = chunk,
            Some(Ok(Some(chunk))) => {
                if all.is_empty() {
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&chunk);
            }
            Some(Ok(None)) => return (concat(first, all), None),
            Some(Err(error)) => return (concat(first, all), Some(Error::transport(error))),
            None => return (concat(first, all), Some(Error::timed_out(timer.limit()))),
        }
        if first.len().max(all.len()) >= limit {
            return (concat(first, all), None);
        }
    }
}

fn concat(first: Bytes, all: BytesMut) -> Bytes {
    if all.is_empty() { first } else { all.freeze() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Label, operation::Idempotency, transport::PreparedRequest};

    const MAX_SIZE: usize = 1024;

    #[test]
    fn futures_are_small() {
        let exchange = Exchange {
            client: Client::builder().api_key("key").build().unwrap(),
            label: Label::Request("GET /test".into()),
            plane: None,
            idempotency: Idempotency::Safe,
            request: PreparedRequest::signed_url("https://host.example/".parse().unwrap()),
        };
        let remaining = Duration::from_secs(1);
        let attempt = Attempt {
            number: 1,
            remaining,
        };
        let context = AttemptContext::new(&exchange, &attempt);
        for (name, size) in [
            ("send_buffered", size_of_val(&send_buffered(context))),
            ("send", size_of_val(&send(context))),
            ("run", size_of_val(&exchange.run())),
            ("open", size_of_val(&exchange.open())),
        ] {
            assert!(size <= MAX_SIZE, "{name}: {size} bytes");
        }
    }
}
