//! One attempt: the request goes out, the answer is read, and whatever fails is sorted.

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
    error::{ErrorResponse, LIMIT, redact_request_ids},
    retry::{Attempt, AttemptSummary, Failure, FailureKind, retry_after},
};

/// A request that is about to be sent.
#[derive(Clone, Copy)]
pub(crate) struct AttemptContext<'a> {
    exchange: &'a Exchange,
    pub(super) timeout: Duration,
}

/// What comes of a request that was sent.
type Answered = reqwest::Result<reqwest::Response>;

/// An answer of which only the head has been read.
pub(crate) struct StreamingResponse {
    pub(crate) answer: Box<reqwest::Response>,
    /// The timer of the wait for the head, which serves for the body, too.
    pub(crate) timer: IdleTimeout,
    pub(crate) history: AttemptSummary,
}

impl<'a> AttemptContext<'a> {
    pub(crate) fn new(exchange: &'a Exchange, attempt: &Attempt) -> Self {
        let timeout = exchange.client.options().attempt_timeout();
        Self {
            exchange,
            timeout: timeout.min(attempt.left),
        }
    }

    pub(super) fn client(self) -> &'a Client {
        &self.exchange.client
    }

    /// The request, but for a form.
    pub(super) fn request(self) -> reqwest::Request {
        let Exchange { plane, request, .. } = self.exchange;
        request.request(self.client(), *plane)
    }

    /// The request with a form, whose files are opened current. An upload takes as long as it takes, but
    /// something must move.
    #[cfg(feature = "gateway")]
    async fn upload(self, form: &Form) -> Outcome<(reqwest::Request, IdleTimeout)> {
        let heartbeat = Heartbeat::new();
        let mut request = self.request();
        let body = form.open(heartbeat.clone()).await.map_err(unread)?;
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        Ok((request, IdleTimeout::watching(self.timeout, heartbeat)))
    }

    fn send(self, request: reqwest::Request) -> impl Future<Output = Answered> + Send + use<> {
        let Exchange { plane, .. } = self.exchange;
        self.client().http(*plane, request.url()).execute(request)
    }
}

/// Sends the request and reads the whole answer.
pub(crate) async fn send_buffered(context: AttemptContext<'_>) -> Outcome<BufferedResponse> {
    let StreamingResponse {
        mut answer,
        mut timer,
        history,
    } = send(context).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    match collect(&mut answer, &mut timer, usize::MAX).await {
        (body, None) => Ok(BufferedResponse {
            status,
            headers,
            body,
            history,
        }),
        (body, Some(error)) => Err(lost(
            error.with_response(ErrorResponse::new(status, headers, body)),
        )),
    }
}

/// Sends the request and reads the head of the answer, if that is a success.
pub(crate) async fn send(context: AttemptContext<'_>) -> Outcome<StreamingResponse> {
    let (request, mut timer) = match &context.exchange.request.body {
        // Boxed: it is rare, and every attempt would keep the room for it.
        #[cfg(feature = "gateway")]
        Some(Body::Form(form)) => Box::pin(context.upload(form)).await?,
        None | Some(Body::Json(_)) => (context.request(), IdleTimeout::new(context.timeout)),
    };
    let sent = pin!(context.send(request));
    let answer = received(timer.wait_for(sent).await, &timer, context.client())?;
    if !answer.status().is_success() {
        return Err(Box::pin(refused(answer, &mut timer)).await);
    }
    Ok(StreamingResponse {
        answer,
        timer,
        history: AttemptSummary::default(),
    })
}

/// Something came, or nothing in time, but no whole answer.
#[cold]
pub(super) fn lost(error: Error) -> Failure<Error> {
    Failure {
        kind: FailureKind::Interrupted {
            timeout: error.is_timeout(),
        },
        error,
        retry_after: None,
    }
}

/// A file that cannot be read. The request was not complete, so the service has done nothing.
#[cfg(feature = "gateway")]
fn unread(problem: PartReadError) -> Failure<Error> {
    Failure {
        error: problem.into_error(),
        kind: FailureKind::Permanent,
        retry_after: None,
    }
}

#[cold]
pub(super) fn unanswered(error: reqwest::Error) -> Failure<Error> {
    #[cfg(feature = "gateway")]
    if let Some(problem) = PartReadError::behind(&error) {
        return unread(problem);
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

/// The head of the answer that was waited for, boxed: everything that it passes through would copy it.
pub(super) fn received(
    answered: Option<Answered>,
    timer: &IdleTimeout,
    client: &Client,
) -> Outcome<Box<reqwest::Response>> {
    match answered {
        Some(Ok(answer)) => {
            let mut answer = Box::new(answer);
            redact_request_ids(answer.headers_mut(), client);
            Ok(answer)
        }
        Some(Err(error)) => Err(unanswered(error)),
        None => Err(lost(Error::timed_out(timer.limit()))),
    }
}

/// The failure that an answer without success is, with the body as far as an error keeps it.
pub(super) async fn refused(
    mut answer: Box<reqwest::Response>,
    timer: &mut IdleTimeout,
) -> Failure<Error> {
    let status = answer.status();
    // One byte more than is kept tells that there was more. A body that breaks off is kept as it is:
    // the status says what happened.
    let (body, _) = collect(&mut answer, timer, LIMIT + 1).await;
    let headers = std::mem::take(answer.headers_mut());
    let retry_after = retry_after(&headers, SystemTime::now());
    Failure {
        error: Error::refused(ErrorResponse::new(status, headers, body)),
        kind: FailureKind::Status(status),
        retry_after,
    }
}

/// Reads a body, or at least so many bytes of it, or as much as comes before it breaks off or time is
/// up.
pub(super) async fn collect(
    answer: &mut reqwest::Response,
    timer: &mut IdleTimeout,
    limit: usize,
) -> (Bytes, Option<Error>) {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        match timer.wait_for(pin!(answer.chunk())).await {
            // Most answers come in one piece, which need not be copied.
            Some(Ok(Some(chunk))) if first.is_empty() && all.is_empty() => first = chunk,
            Some(Ok(Some(chunk))) => {
                if all.is_empty() {
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&chunk);
            }
            Some(Ok(None)) => return (joined(first, all), None),
            Some(Err(error)) => return (joined(first, all), Some(Error::transport(error))),
            None => return (joined(first, all), Some(Error::timed_out(timer.limit()))),
        }
        if first.len().max(all.len()) >= limit {
            return (joined(first, all), None);
        }
    }
}

fn joined(first: Bytes, all: BytesMut) -> Bytes {
    if all.is_empty() { first } else { all.freeze() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Label, operation::Idempotency, transport::PreparedRequest};

    /// What common allocators hand out at once. A future that holds too much of what passes through it
    /// is soon larger, and slower than all that it does.
    const SMALL: usize = 1024;

    #[test]
    fn futures_are_small() {
        let exchange = Exchange {
            client: Client::builder().api_key("key").build().unwrap(),
            label: Label::Request("GET /test".into()),
            plane: None,
            retry: Idempotency::Safe,
            request: PreparedRequest::link("https://host.example/".parse().unwrap()),
        };
        let left = Duration::from_secs(1);
        let context = AttemptContext::new(&exchange, &Attempt { number: 1, left });
        for (what, size) in [
            ("send_buffered", size_of_val(&send_buffered(context))),
            ("send", size_of_val(&send(context))),
            ("run", size_of_val(&exchange.run())),
            ("open", size_of_val(&exchange.open())),
        ] {
            assert!(size <= SMALL, "{what}: {size}");
        }
    }
}
