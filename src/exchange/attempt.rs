//! One attempt: the request goes out, the answer is read, and whatever fails is sorted.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::{Exchange, Outcome, Raw};
use crate::{
    Error, Secret,
    error::{Kept, LIMIT},
    retry::{Attempt, Failure, History, Trouble, retry_after},
};

/// Longer than any stream, for the HTTP client knows no "never".
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A request that is about to be sent.
pub(crate) struct Sending {
    http: reqwest::Client,
    request: reqwest::Request,
    timeout: Duration,
    key: Secret,
}

/// An answer of which only the head has been read.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: reqwest::Response,
    pub(crate) history: History,
}

impl Sending {
    pub(crate) fn new(exchange: &Exchange, attempt: &Attempt) -> Self {
        let client = &exchange.client;
        Self {
            http: client.http(&exchange.request.url).clone(),
            request: exchange.request.request(),
            timeout: client.options().attempt_timeout().min(attempt.left),
            key: client.key().clone(),
        }
    }
}

/// Sends the request and reads the whole answer.
pub(crate) async fn whole(mut sending: Sending) -> Outcome<Raw> {
    *sending.request.timeout_mut() = Some(sending.timeout);
    let sent = sending.http.execute(sending.request).await;
    let mut answer = success(sent.map_err(unanswered)?, &sending.key).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    match collect(&mut answer, usize::MAX).await {
        (body, None) => Ok(Raw {
            status,
            headers,
            body,
            history: History::default(),
        }),
        (body, Some(error)) => Err(Failure {
            trouble: Trouble::Lost {
                timeout: error.is_timeout(),
            },
            error: Error::transport(error).with_answer(Kept::new(status, headers, body)),
            retry_after: None,
        }),
    }
}

/// Sends the request and reads the head of the answer, if that is a success.
pub(crate) async fn head(mut sending: Sending) -> Outcome<Opened> {
    *sending.request.timeout_mut() = Some(NEVER);
    let sent = tokio::time::timeout(sending.timeout, async {
        let sent = sending.http.execute(sending.request).await;
        success(sent.map_err(unanswered)?, &sending.key).await
    });
    let mut body = sent.await.unwrap_or_else(|_| {
        Err(Failure {
            error: Error::timed_out(sending.timeout),
            trouble: Trouble::Lost { timeout: true },
            retry_after: None,
        })
    })?;
    Ok(Opened {
        status: body.status(),
        headers: std::mem::take(body.headers_mut()),
        body,
        history: History::default(),
    })
}

fn unanswered(error: reqwest::Error) -> Failure<Error> {
    let timeout = error.is_timeout();
    Failure {
        trouble: match error.is_connect() {
            true => Trouble::Unreached { timeout },
            false if error.is_builder() => Trouble::Final,
            false => Trouble::Lost { timeout },
        },
        error: Error::transport(error),
        retry_after: None,
    }
}

/// An answer that is no success is a failure, whose body is read as far as an error keeps it.
async fn success(mut answer: reqwest::Response, key: &Secret) -> Outcome<reqwest::Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    // One byte more than is kept tells that there was more. A body that breaks off is kept as it is:
    // the status says what happened.
    let (body, _) = collect(&mut answer, LIMIT + 1).await;
    let headers = std::mem::take(answer.headers_mut());
    let retry_after = retry_after(&headers, SystemTime::now());
    let kept = Kept::new(status, headers, body).without(key.expose());
    Err(Failure {
        error: Error::refused(kept),
        trouble: Trouble::Status(status),
        retry_after,
    })
}

/// Reads a body, or at least so many bytes of it, or as much as comes before it breaks off.
async fn collect(answer: &mut reqwest::Response, limit: usize) -> (Bytes, Option<reqwest::Error>) {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        match answer.chunk().await {
            // Most answers come in one piece, which need not be copied.
            Ok(Some(chunk)) if first.is_empty() && all.is_empty() => first = chunk,
            Ok(Some(chunk)) => {
                if all.is_empty() {
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&chunk);
            }
            Ok(None) => return (joined(first, all), None),
            Err(error) => return (joined(first, all), Some(error)),
        }
        if first.len().max(all.len()) >= limit {
            return (joined(first, all), None);
        }
    }
}

fn joined(first: Bytes, all: BytesMut) -> Bytes {
    if all.is_empty() { first } else { all.freeze() }
}
