//! One attempt: the request goes out, the answer is read, and whatever fails is sorted.

use std::{
    pin::{Pin, pin},
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::{Activity, Exchange, NEVER, Outcome, Raw};
#[cfg(feature = "gateway")]
use crate::gateway::Unreadable;
use crate::{
    Client, Error,
    error::{Kept, LIMIT, hide_in_ids},
    retry::{Attempt, Failure, History, Trouble, retry_after},
};

/// A request that is about to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    exchange: &'a Exchange,
    pub(super) timeout: Duration,
}

/// A request on its way. Boxed: it is large, and everything that it passes through would copy it.
pub(super) type Sent = Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send>>;

/// An answer of which only the head has been read.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: reqwest::Response,
    pub(crate) history: History,
}

impl<'a> Sending<'a> {
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

    /// Sends a request, which may take so long.
    fn send(self, mut request: reqwest::Request, timeout: Duration) -> Sent {
        *request.timeout_mut() = Some(timeout);
        let Exchange { plane, .. } = self.exchange;
        Box::pin(self.client().http(*plane, request.url()).execute(request))
    }

    fn has_form(self) -> bool {
        self.exchange.request.has_form()
    }

    /// Sends the request, which takes as long as it takes.
    async fn begin(self, activity: &Activity) -> Outcome<Sent> {
        match self.has_form() {
            // Boxed: it is rare, and every attempt would keep the room for it.
            true => Box::pin(self.upload(activity)).await,
            false => Ok(self.send(self.request(), NEVER)),
        }
    }

    /// The same with its form, which is opened here and tells how far it is.
    async fn upload(self, _activity: &Activity) -> Outcome<Sent> {
        #[allow(unused_mut, reason = "only a form is put in")]
        let mut request = self.request();
        #[cfg(feature = "gateway")]
        if let Some(form) = self.exchange.request.form() {
            let body = form.open(_activity.clone()).await.map_err(unread)?;
            *request.body_mut() = Some(reqwest::Body::wrap(body));
        }
        Ok(self.send(request, NEVER))
    }
}

/// Sends the request and reads the whole answer.
pub(crate) async fn whole(sending: Sending<'_>) -> Outcome<Raw> {
    if sending.has_form() {
        // Boxed: it is rare, and every attempt would keep the room for it.
        return Box::pin(uploaded(sending)).await;
    }
    let sent = sending.send(sending.request(), sending.timeout);
    answered(sent, sending.client()).await
}

/// The same for a form. An upload takes as long as it takes, but something must move.
async fn uploaded(sending: Sending<'_>) -> Outcome<Raw> {
    let activity = Activity::new();
    let sent = sending.upload(&activity).await?;
    let answered = pin!(answered(sent, sending.client()));
    let answer = activity.watch(sending.timeout, answered).await;
    answer.unwrap_or_else(|| Err(late(sending.timeout)))
}

async fn answered(sent: Sent, client: &Client) -> Outcome<Raw> {
    let mut answer = success(sent, client).await?;
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
pub(crate) async fn head(sending: Sending<'_>) -> Outcome<Opened> {
    let activity = Activity::new();
    let sent = sending.begin(&activity).await?;
    let answered = pin!(success(sent, sending.client()));
    let answered = activity.watch(sending.timeout, answered);
    let late = || Err(late(sending.timeout));
    let mut body = answered.await.unwrap_or_else(late)?;
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

/// Waits for the answer; one that is no success is a failure.
pub(super) async fn success(
    sent: impl Future<Output = reqwest::Result<reqwest::Response>>,
    client: &Client,
) -> Outcome<reqwest::Response> {
    let mut answer = sent.await.map_err(unanswered)?;
    hide_in_ids(answer.headers_mut(), client);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Label, exchange::Outgoing, operation::Retry};

    /// What common allocators hand out at once. A future that holds too much of what passes through it
    /// is soon larger, and slower than all that it does.
    const SMALL: usize = 1024;

    #[test]
    fn futures_are_small() {
        let exchange = Exchange {
            client: Client::builder().api_key("key").build().unwrap(),
            label: Label::Request("GET /test".into()),
            plane: None,
            retry: Retry::Safe,
            request: Outgoing::link("https://host.example/".parse().unwrap()),
        };
        let left = Duration::from_secs(1);
        let sending = Sending::new(&exchange, &Attempt { number: 1, left });
        for (what, size) in [
            ("whole", size_of_val(&whole(sending))),
            ("head", size_of_val(&head(sending))),
            ("run", size_of_val(&exchange.run())),
            ("open", size_of_val(&exchange.open())),
        ] {
            assert!(size <= SMALL, "{what}: {size}");
        }
    }
}
