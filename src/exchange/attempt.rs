//! One attempt: the request goes out, the answer is read, and whatever fails is sorted.

use std::{
    pin::pin,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};

#[cfg(feature = "gateway")]
use super::Activity;
use super::{Body, Exchange, Outcome, Raw, Timer};
#[cfg(feature = "gateway")]
use crate::gateway::{Form, Unreadable};
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

/// What comes of a request that was sent.
type Answered = reqwest::Result<reqwest::Response>;

/// An answer of which only the head has been read.
pub(crate) struct Opened {
    pub(crate) answer: Box<reqwest::Response>,
    /// The timer of the wait for the head, which serves for the body, too.
    pub(crate) timer: Timer,
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

    /// The request with a form, whose files are opened here. An upload takes as long as it takes, but
    /// something must move.
    #[cfg(feature = "gateway")]
    async fn upload(self, form: &Form) -> Outcome<(reqwest::Request, Timer)> {
        let activity = Activity::new();
        let mut request = self.request();
        let body = form.open(activity.clone()).await.map_err(unread)?;
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        Ok((request, Timer::watching(self.timeout, activity)))
    }

    fn send(self, request: reqwest::Request) -> impl Future<Output = Answered> + Send + use<> {
        let Exchange { plane, .. } = self.exchange;
        self.client().http(*plane, request.url()).execute(request)
    }
}

/// Sends the request and reads the whole answer.
pub(crate) async fn whole(sending: Sending<'_>) -> Outcome<Raw> {
    let Opened {
        mut answer,
        mut timer,
        history,
    } = head(sending).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    match collect(&mut answer, &mut timer, usize::MAX).await {
        (body, None) => Ok(Raw {
            status,
            headers,
            body,
            history,
        }),
        (body, Some(error)) => Err(lost(error.with_answer(Kept::new(status, headers, body)))),
    }
}

/// Sends the request and reads the head of the answer, if that is a success.
pub(crate) async fn head(sending: Sending<'_>) -> Outcome<Opened> {
    let (request, mut timer) = match &sending.exchange.request.body {
        // Boxed: it is rare, and every attempt would keep the room for it.
        #[cfg(feature = "gateway")]
        Some(Body::Form(form)) => Box::pin(sending.upload(form)).await?,
        None | Some(Body::Json(_)) => (sending.request(), Timer::new(sending.timeout)),
    };
    let sent = pin!(sending.send(request));
    let answer = received(timer.wait_for(sent).await, &timer, sending.client())?;
    if !answer.status().is_success() {
        return Err(Box::pin(refused(answer, &mut timer)).await);
    }
    Ok(Opened {
        answer,
        timer,
        history: History::default(),
    })
}

/// Something came, or nothing in time, but no whole answer.
#[cold]
pub(super) fn lost(error: Error) -> Failure<Error> {
    Failure {
        trouble: Trouble::Lost {
            timeout: error.is_timeout(),
        },
        error,
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

#[cold]
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

/// The head of the answer that was waited for, boxed: everything that it passes through would copy it.
pub(super) fn received(
    answered: Option<Answered>,
    timer: &Timer,
    client: &Client,
) -> Outcome<Box<reqwest::Response>> {
    match answered {
        Some(Ok(answer)) => {
            let mut answer = Box::new(answer);
            hide_in_ids(answer.headers_mut(), client);
            Ok(answer)
        }
        Some(Err(error)) => Err(unanswered(error)),
        None => Err(lost(Error::timed_out(timer.limit()))),
    }
}

/// The failure that an answer without success is, with the body as far as an error keeps it.
pub(super) async fn refused(
    mut answer: Box<reqwest::Response>,
    timer: &mut Timer,
) -> Failure<Error> {
    let status = answer.status();
    // One byte more than is kept tells that there was more. A body that breaks off is kept as it is:
    // the status says what happened.
    let (body, _) = collect(&mut answer, timer, LIMIT + 1).await;
    let headers = std::mem::take(answer.headers_mut());
    let retry_after = retry_after(&headers, SystemTime::now());
    Failure {
        error: Error::refused(Kept::new(status, headers, body)),
        trouble: Trouble::Status(status),
        retry_after,
    }
}

/// Reads a body, or at least so many bytes of it, or as much as comes before it breaks off or time is
/// up.
pub(super) async fn collect(
    answer: &mut reqwest::Response,
    timer: &mut Timer,
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
