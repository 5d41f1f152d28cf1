//! Downloads behind a signed URL: what the storage is asked, what comes of it, and what never shows.

#![cfg(feature = "logs")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use portkey_admin::{ByteStream, Error, RequestOptions};
use serde_json::json;
use support::{
    KEY, attempts, builder, client, sending,
    server::{Answer, Server},
    shown,
    spans::{Entry, Recorder},
};
use tokio::io::AsyncWrite;

/// What is in every signed URL here, and in nothing that a person reads.
const SIGNATURE: &str = "canary-of-the-signature";

/// A service whose exports are at `url`.
fn service(url: &str) -> Server {
    Server::answering(
        Answer::json(200, json!({"signed_url": url}).to_string())
            .with_header("set-cookie", "session=canary-of-the-cookie"),
    )
}

/// A service whose exports are in `storage`.
fn service_of(storage: &Server) -> Server {
    service(&storage.url(&format!("/logs/one?signature={SIGNATURE}")))
}

/// A storage that gives one answer, and what a client makes of it.
async fn opened(answer: Answer) -> (Server, Result<ByteStream, Error>) {
    let storage = Server::answering(answer);
    let service = service_of(&storage);
    let opened = client(&service).download_log_export("one").open().await;
    (storage, opened)
}

async fn stream(answer: Answer) -> ByteStream {
    opened(answer).await.1.unwrap()
}

fn assert_tells_nothing(error: &Error) {
    let shown = shown(error);
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn the_storage_gets_nothing_but_the_url() {
    let storage = Server::answering(Answer::empty(200).with_body("one\ntwo\n"));
    let service = service_of(&storage);
    let client = builder(&service)
        .options(RequestOptions::new().header("x-extra", "canary"))
        .build()
        .unwrap();
    let export = client.download_log_export("one").open().await.unwrap();
    assert!(!format!("{export:?}").contains("canary"));
    assert_eq!(export.bytes(100).await.unwrap(), "one\ntwo\n");

    let asked = service.request();
    assert_eq!(asked.target, "/v1/logs/exports/one/download");
    assert_eq!(asked.header("x-portkey-api-key"), [KEY]);
    let fetched = storage.request();
    assert_eq!(fetched.method, "GET");
    assert_eq!(fetched.target, format!("/logs/one?signature={SIGNATURE}"));
    let mut names: Vec<String> = fetched
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "user-agent"]);
}

#[tokio::test]
async fn it_is_a_stream_of_pieces() {
    let body = "0123456789".repeat(400_000);
    let mut export = stream(Answer::empty(200).with_body(body.as_str())).await;
    assert_eq!(export.status(), 200);
    assert_eq!(export.headers()["content-length"], "4000000");
    assert_eq!(export.progress().total, Some(4_000_000));
    let mut all = export.next().await.unwrap().unwrap().to_vec();
    assert!(all.len() < body.len(), "a piece is not all");
    assert_eq!(export.progress().received, all.len() as u64);
    while let Some(piece) = poll_fn(|context| Pin::new(&mut export).poll_next(context)).await {
        all.extend(piece.unwrap());
    }
    assert!(all == body.as_bytes());
    assert!(export.next().await.is_none());
}

#[tokio::test]
async fn no_more_than_the_limit_is_collected() {
    let measured = Answer::empty(200).with_body("0123456789");
    for answer in [measured.clone().without_length(), measured] {
        let export = stream(answer.clone()).await;
        assert_eq!(export.bytes(10).await.unwrap(), "0123456789");
        let error = stream(answer.clone()).await.bytes(9).await.unwrap_err();
        assert!(error.to_string().contains("limit of 9 bytes"), "{error}");
        assert!(error.may_have_executed());
    }
    let nothing = stream(Answer::empty(200)).await;
    assert!(nothing.bytes(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn it_goes_to_a_writer_with_progress() {
    let body = "0123456789".repeat(100_000);
    for (has_length, total) in [(true, Some(1_000_000)), (false, None)] {
        let answer = Answer::empty(200).with_body(body.as_str());
        let answer = if has_length {
            answer
        } else {
            answer.without_length()
        };
        let (mut written, mut seen) = (Vec::new(), Vec::new());
        let count = stream(answer)
            .await
            .write_to(&mut written, |progress| {
                assert_eq!(progress.total, total);
                seen.push(progress.received);
            })
            .await
            .unwrap();
        assert_eq!(count, 1_000_000);
        assert!(written == body.as_bytes());
        assert!(seen.is_sorted_by(|before, after| before < after));
        assert_eq!(seen.last(), Some(&1_000_000));
    }
}

/// A disk that is full after 10 bytes.
struct Full(usize);

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.0);
        self.0 -= count;
        Poll::Ready(match count {
            0 => Err(io::Error::new(io::ErrorKind::StorageFull, "no space left")),
            _ => Ok(count),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_writer_that_fails_is_the_cause() {
    let export = stream(Answer::empty(200).with_body("0123456789 and more")).await;
    let error = export.write_to(&mut Full(10), |_| ()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "download_log_export (signed URL): the body could not be written: no space left \
         (19 of 19 bytes have arrived)"
    );
    let cause = std::error::Error::source(&error).unwrap();
    let cause = cause.downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_that_says_how_much_came() {
    let storage = Server::answering(Answer::empty(200).with_body("0123456789").closing_early(4));
    let service = service_of(&storage);
    let client = builder(&service).options(attempts(3)).build().unwrap();
    let mut written = Vec::new();
    let export = client.download_log_export("one").open().await.unwrap();
    let error = export.write_to(&mut written, |_| ()).await.unwrap_err();
    assert_eq!(written, b"012345");
    assert_eq!(error.status().unwrap(), 200);
    assert!(!error.is_timeout() && error.may_have_executed());
    let text = error.to_string();
    assert!(text.contains("200 OK that broke off"), "{text}");
    assert!(text.ends_with("(6 of 10 bytes have arrived)"), "{text}");
    assert_tells_nothing(&error);
    // It had begun, so it is not repeated.
    assert_eq!(storage.connections(), 1);
}

#[tokio::test]
async fn a_body_that_stalls_runs_out_of_time() {
    let answer = Answer::empty(200).with_body("0123456789").stalling(4);
    let idle = Duration::from_millis(50);
    let mut export = stream(answer).await.idle_timeout(idle);
    let mut all = Vec::new();
    let error = loop {
        match export.next().await.expect("the end does not come") {
            Ok(piece) => all.extend(piece),
            Err(error) => break error,
        }
    };
    assert_eq!(all, b"012345");
    assert!(error.is_timeout());
    let text = error.to_string();
    assert!(
        text.contains("nothing more came for 50ms (6 of 10 bytes"),
        "{text}"
    );
    assert!(export.next().await.is_none());
}

#[tokio::test]
async fn an_expired_url_is_a_refusal_that_says_what_to_do() {
    let echo = format!(r#"{{"message": "/logs/one?signature={SIGNATURE} has expired"}}"#);
    let (storage, opened) = opened(Answer::json(403, echo.as_str())).await;
    let error = opened.unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(error.body().unwrap(), echo.as_str());
    assert_eq!(
        error.to_string(),
        "download_log_export (signed URL): 403 Forbidden \
         (the signed URL may have expired; ask for a new one)"
    );
    assert_tells_nothing(&error);
    assert_eq!(storage.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering(Answer::empty(200));
    let target = elsewhere.url(&format!("/{SIGNATURE}"));
    let (_, opened) = opened(Answer::empty(302).with_header("location", target)).await;
    let error = opened.unwrap_err();
    assert_eq!(error.status().unwrap(), 302);
    assert_tells_nothing(&error);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn it_is_tried_again_before_the_body_begins() {
    let storage = Server::playing([
        Answer::empty(503),
        Answer::empty(200).hanging_up(),
        Answer::empty(200).with_body("whole"),
    ]);
    let service = service_of(&storage);
    let client = builder(&service).options(attempts(3)).build().unwrap();
    let export = client.download_log_export("one").open().await.unwrap();
    assert_eq!(export.bytes(100).await.unwrap(), "whole");
    assert_eq!((service.connections(), storage.connections()), (1, 3));
}

#[tokio::test]
async fn a_url_that_must_not_be_asked_is_not() {
    for (answer, problem) in [
        (json!({}), "no `signed_url`"),
        (json!({"signed_url": null}), "no `signed_url`"),
        (json!({"signed_url": "canary"}), "no URL"),
        (json!({"signed_url": "canary://h/canary"}), "scheme"),
        (
            json!({"signed_url": "http://192.0.2.1/canary"}),
            "plain http",
        ),
        (
            json!({"signed_url": "https://canary:canary@127.0.0.1:1/"}),
            "credentials",
        ),
    ] {
        let service = Server::answering(Answer::json(200, answer.to_string()));
        let opening = client(&service).download_log_export("one").open();
        let error = sending(opening).await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(
            error
                .operation()
                .unwrap()
                .starts_with("download_log_export")
        );
        assert_tells_nothing(&error);
    }
}

#[tokio::test]
async fn no_connection_to_the_storage_says_so() {
    let url = format!("http://127.0.0.1:1/one?signature={SIGNATURE}");
    let service = service(&url);
    let opening = client(&service).download_log_export("one").open();
    let error = sending(opening).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed());
    assert_tells_nothing(&error);
}

#[tokio::test]
async fn the_url_shows_in_no_trace() {
    let storage = Server::answering(Answer::empty(200).with_body("0123456789").closing_early(4));
    let service = service_of(&storage);
    let client = client(&service);
    let recorder = Recorder::start();
    let export = client.download_log_export("one").open().await.unwrap();
    export.bytes(100).await.unwrap_err();
    let calls = recorder.spans("portkey.call");
    let address = |call: &Entry| call.field("server.address").map(str::to_owned);
    assert_eq!(
        calls.iter().map(address).collect::<Vec<_>>(),
        [Some("127.0.0.1".to_owned()), None]
    );
    assert_eq!(calls[1].field("url.template"), None);
    let broken_off = recorder.events("the body broke off");
    assert_eq!(broken_off.len(), 1);
    assert_eq!(broken_off[0].field("error.type"), Some("transport"));
    let text = recorder.text();
    assert!(
        !text.contains("canary") && !text.contains("/logs/one"),
        "{text}"
    );
}
