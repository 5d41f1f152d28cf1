//! One attempt: the request goes out, the answer is read, and whatever fails is sorted.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::{Activity, Exchange, NEVER, Outcome, Raw};
#[cfg(feature = "gateway")]
use crate::gateway::{Form, Unreadable};
use crate::{
    Error, Secret,
    error::{Kept, LIMIT, hide_in_ids},
    retry::{Attempt, Failure, History, Trouble, retry_after},
};

/// A request that is about to be sent.
pub(crate) struct Sending {
    pub(super) http: reqwest::Client,
    pub(super) request: reqwest::Request,
    pub(super) timeout: Duration,
    /// What must not show, should the service repeat it.
    pub(super) secrets: Vec<Secret>,
    #[cfg(feature = "gateway")]
    form: Option<std::sync::Arc<Form>>,
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
            secrets: client.secrets(),
            #[cfg(feature = "gateway")]
            form: exchange.request.form(),
        }
    }

    fn has_form(&self) -> bool {
        #[cfg(feature = "gateway")]
        return self.form.is_some();
        #[cfg(not(feature = "gateway"))]
        return false;
    }

    /// Opens the files of a form, where there is one, and says how far it is sent.
    #[cfg(feature = "gateway")]
    async fn upload(&mut self) -> Outcome<Option<Activity>> {
        let Some(form) = self.form.take() else {
            return Ok(None);
        };
        let activity = Activity::new();
        let body = form.open(activity.clone()).await.map_err(unread)?;
        *self.request.body_mut() = Some(reqwest::Body::wrap(body));
        Ok(Some(activity))
    }

    #[cfg(not(feature = "gateway"))]
    async fn upload(&mut self) -> Outcome<Option<Activity>> {
        Ok(None)
    }
}

/// Sends the request and reads the whole answer.
pub(crate) async fn whole(mut sending: Sending) -> Outcome<Raw> {
    if sending.has_form() {
        // Boxed: it is rare, and every attempt would keep the room for it.
        return Box::pin(uploaded(sending)).await;
    }
    *sending.request.timeout_mut() = Some(sending.timeout);
    answered(sending.http.execute(sending.request), &sending.secrets).await
}

/// The same for a form. An upload takes as long as it takes, but something must move.
async fn uploaded(mut sending: Sending) -> Outcome<Raw> {
    let activity = sending.upload().await?.unwrap_or_else(Activity::new);
    *sending.request.timeout_mut() = Some(NEVER);
    let sent = sending.http.execute(sending.request);
    let answered = answered(sent, &sending.secrets);
    let answer = activity.watch(sending.timeout, answered).await;
    answer.unwrap_or_else(|| Err(late(sending.timeout)))
}

async fn answered(
    sent: impl Future<Output = reqwest::Result<reqwest::Response>>,
    secrets: &[Secret],
) -> Outcome<Raw> {
    let mut answer = success(sent.await.map_err(unanswered)?, secrets).await?;
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
    let activity = sending.upload().await?.unwrap_or_else(Activity::new);
    *sending.request.timeout_mut() = Some(NEVER);
    let timeout = sending.timeout;
    let sent = activity.watch(timeout, async {
        let sent = sending.http.execute(sending.request).await;
        success(sent.map_err(unanswered)?, &sending.secrets).await
    });
    let mut body = sent.await.unwrap_or_else(|| Err(late(timeout)))?;
    Ok(Opened {
        status: body.status(),
        headers: std::mem::take(body.headers_mut()),
        body,
        history: History::default(),
    })
}

pub(super) fn late(timeout: Duration) -> Failure<Error> {
    Failure {
        error: Error::timed_out(timeout),
        trouble: Trouble::Lost { timeout: true },
        retry_after: None,
    }
}

/// A file that cannot be read. The request was not complete, so the service has done nothing.
#[cfg(feature = "gateway")]
fn unread(problem: Unreadable) -> Failure<Error> {
    Failure {
        error: problem.into_error(),
        trouble: Trouble::Final,
        retry_after: None,
    }
}

pub(super) fn unanswered(error: reqwest::Error) -> Failure<Error> {
    #[cfg(feature = "gateway")]
    if let Some(problem) = Unreadable::behind(&error) {
        return unread(problem);
    }
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

/// An answer that is no success is a failure.
pub(super) async fn success(
    mut answer: reqwest::Response,
    secrets: &[Secret],
) -> Outcome<reqwest::Response> {
    hide_in_ids(answer.headers_mut(), secrets);
    match answer.status().is_success() {
        true => Ok(answer),
        // Boxed: it is rare, and every attempt would keep the room for it.
        false => Err(Box::pin(refused(answer)).await),
    }
}

/// The failure, with the body as far as an error keeps it.
async fn refused(mut answer: reqwest::Response) -> Failure<Error> {
    let status = answer.status();
    // One byte more than is kept tells that there was more. A body that breaks off is kept as it is:
    // the status says what happened.
    let (body, _) = collect(&mut answer, LIMIT + 1).await;
    let headers = std::mem::take(answer.headers_mut());
    let retry_after = retry_after(&headers, SystemTime::now());
    Failure {
        error: Error::refused(Kept::new(status, headers, body)),
        trouble: Trouble::Status(status),
        retry_after,
    }
}

/// Reads a body, or at least so many bytes of it, or as much as comes before it breaks off.
pub(super) async fn collect(
    answer: &mut reqwest::Response,
    limit: usize,
) -> (Bytes, Option<reqwest::Error>) {
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
