//! Downloads from a signed URL: the requests, the body, and that the URL does not leak.

#![cfg(feature = "logs")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

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
    KEY, attempts, boxed_call, builder, client, render_error,
    server::{ScriptedResponse, Server},
    spans::{Entry, Recorder},
};
use tokio::io::AsyncWrite;

/// Part of every signed URL in these tests. It must not occur in any output meant for people.
const SIGNATURE: &str = "canary-of-the-signature";

/// Starts a service whose export is at `url`.
fn service_with_url(url: &str) -> Server {
    Server::with_response(
        ScriptedResponse::json(200, json!({"signed_url": url}).to_string())
            .with_header("set-cookie", "session=canary-of-the-cookie"),
    )
}

/// Starts a service whose export is in `storage`.
fn service_with_storage(storage: &Server) -> Server {
    service_with_url(&storage.url(&format!("/logs/one?signature={SIGNATURE}")))
}

/// Starts a storage that sends `response`, and opens a download from it.
async fn open_download(response: ScriptedResponse) -> (Server, Result<ByteStream, Error>) {
    let storage = Server::with_response(response);
    let service = service_with_storage(&storage);
    let opened = client(&service).download_log_export("one").open().await;
    (storage, opened)
}

async fn download(response: ScriptedResponse) -> ByteStream {
    open_download(response).await.1.unwrap()
}

fn assert_no_secrets(error: &Error) {
    let rendered = render_error(error);
    assert!(!rendered.contains("canary"), "{rendered}");
}

#[tokio::test]
async fn storage_request_has_no_key_and_no_other_headers() {
    let storage = Server::with_response(ScriptedResponse::empty(200).with_body("one\ntwo\n"));
    let service = service_with_storage(&storage);
    let client = builder(&service)
        .options(RequestOptions::new().header("x-extra", "canary"))
        .build()
        .unwrap();
    let export = client.download_log_export("one").open().await.unwrap();
    assert!(!format!("{export:?}").contains("canary"));
    assert_eq!(export.bytes(100).await.unwrap(), "one\ntwo\n");

    let link_request = service.request();
    assert_eq!(link_request.target, "/v1/logs/exports/one/download");
    assert_eq!(link_request.header("x-portkey-api-key"), [KEY]);
    let download_request = storage.request();
    assert_eq!(download_request.method, "GET");
    assert_eq!(
        download_request.target,
        format!("/logs/one?signature={SIGNATURE}")
    );
    let mut names: Vec<String> = download_request
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "user-agent"]);
}

#[tokio::test]
async fn download_is_a_stream_of_chunks() {
    let body = "0123456789".repeat(400_000);
    let mut export = download(ScriptedResponse::empty(200).with_body(body.as_str())).await;
    assert_eq!(export.status(), 200);
    assert_eq!(export.headers()["content-length"], "4000000");
    assert_eq!(export.progress().total, Some(4_000_000));
    let mut all = export.next().await.unwrap().unwrap().to_vec();
    assert!(
        all.len() < body.len(),
        "the body must arrive in several chunks"
    );
    assert_eq!(export.progress().received, all.len() as u64);
    while let Some(chunk) = poll_fn(|context| Pin::new(&mut export).poll_next(context)).await {
        all.extend(chunk.unwrap());
    }
    assert!(all == body.as_bytes());
    assert!(export.next().await.is_none());
}

#[tokio::test]
async fn bytes_returns_an_error_above_the_limit() {
    let measured = ScriptedResponse::empty(200).with_body("0123456789");
    for response in [measured.clone().without_content_length(), measured] {
        let export = download(response.clone()).await;
        assert_eq!(export.bytes(10).await.unwrap(), "0123456789");
        let error = download(response.clone()).await.bytes(9).await.unwrap_err();
        assert!(error.to_string().contains("limit of 9 bytes"), "{error}");
        assert!(error.may_have_executed());
    }
    let nothing = download(ScriptedResponse::empty(200)).await;
    assert!(nothing.bytes(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn write_to_writes_the_body_and_reports_progress() {
    let body = "0123456789".repeat(100_000);
    for (has_length, total) in [(true, Some(1_000_000)), (false, None)] {
        let response = ScriptedResponse::empty(200).with_body(body.as_str());
        let response = if has_length {
            response
        } else {
            response.without_content_length()
        };
        let (mut written, mut seen) = (Vec::new(), Vec::new());
        let count = download(response)
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

/// A writer that fails with `StorageFull` after the given number of bytes.
struct FullDisk(usize);

impl AsyncWrite for FullDisk {
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
async fn error_of_the_writer_is_the_cause() {
    let export = download(ScriptedResponse::empty(200).with_body("0123456789 and more")).await;
    let error = export
        .write_to(&mut FullDisk(10), |_| ())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "download_log_export (signed URL): the response could not be written: no space left \
         (received 19 of 19 bytes)"
    );
    let cause = std::error::Error::source(&error).unwrap();
    let cause = cause.downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn truncated_body_is_an_error_with_the_number_of_received_bytes() {
    let storage = Server::with_response(
        ScriptedResponse::empty(200)
            .with_body("0123456789")
            .truncated_by(4),
    );
    let service = service_with_storage(&storage);
    let client = builder(&service).options(attempts(3)).build().unwrap();
    let mut written = Vec::new();
    let export = client.download_log_export("one").open().await.unwrap();
    let error = export.write_to(&mut written, |_| ()).await.unwrap_err();
    assert_eq!(written, b"012345");
    assert_eq!(error.status().unwrap(), 200);
    assert!(!error.is_timeout() && error.may_have_executed());
    let text = error.to_string();
    assert!(
        text.contains("200 OK, but the response was interrupted"),
        "{text}"
    );
    assert!(text.ends_with("(received 6 of 10 bytes)"), "{text}");
    assert_no_secrets(&error);
    // The body had started, so the download is not retried.
    assert_eq!(storage.connections(), 1);
}

#[tokio::test]
async fn stalled_body_times_out() {
    let response = ScriptedResponse::empty(200)
        .with_body("0123456789")
        .stalling(4);
    let idle = Duration::from_millis(50);
    let mut export = download(response).await.idle_timeout(idle);
    let mut all = Vec::new();
    let error = loop {
        match export
            .next()
            .await
            .expect("the stream must not end without an error")
        {
            Ok(chunk) => all.extend(chunk),
            Err(error) => break error,
        }
    };
    assert_eq!(all, b"012345");
    assert!(error.is_timeout());
    let text = error.to_string();
    assert!(
        text.contains("no more data received for 50ms (received 6 of 10 bytes"),
        "{text}"
    );
    assert!(export.next().await.is_none());
}

#[tokio::test]
async fn error_for_an_expired_url_suggests_a_new_one() {
    let echo = format!(r#"{{"message": "/logs/one?signature={SIGNATURE} has expired"}}"#);
    let (storage, opened) = open_download(ScriptedResponse::json(403, echo.as_str())).await;
    let error = opened.unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(error.body().unwrap(), echo.as_str());
    assert_eq!(
        error.to_string(),
        "download_log_export (signed URL): 403 Forbidden \
         (the signed URL may have expired; request a new one)"
    );
    assert_no_secrets(&error);
    assert_eq!(storage.connections(), 1);
}

#[tokio::test]
async fn redirect_of_the_storage_is_not_followed() {
    let elsewhere = Server::with_response(ScriptedResponse::empty(200));
    let target = elsewhere.url(&format!("/{SIGNATURE}"));
    let (_, opened) =
        open_download(ScriptedResponse::empty(302).with_header("location", target)).await;
    let error = opened.unwrap_err();
    assert_eq!(error.status().unwrap(), 302);
    assert_no_secrets(&error);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn download_is_retried_until_the_body_starts() {
    let storage = Server::with_responses([
        ScriptedResponse::empty(503),
        ScriptedResponse::empty(200).sending_nothing(),
        ScriptedResponse::empty(200).with_body("whole"),
    ]);
    let service = service_with_storage(&storage);
    let client = builder(&service).options(attempts(3)).build().unwrap();
    let export = client.download_log_export("one").open().await.unwrap();
    assert_eq!(export.bytes(100).await.unwrap(), "whole");
    assert_eq!((service.connections(), storage.connections()), (1, 3));
}

#[tokio::test]
async fn invalid_signed_url_is_not_requested() {
    for (response, problem) in [
        (json!({}), "`signed_url` is missing"),
        (json!({"signed_url": null}), "`signed_url` is missing"),
        (json!({"signed_url": "canary"}), "not a valid URL"),
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
        let service = Server::with_response(ScriptedResponse::json(200, response.to_string()));
        let opening = client(&service).download_log_export("one").open();
        let error = boxed_call(opening).await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(
            error
                .operation()
                .unwrap()
                .starts_with("download_log_export")
        );
        assert_no_secrets(&error);
    }
}

#[tokio::test]
async fn refused_connection_to_the_storage_is_a_connect_error() {
    let url = format!("http://127.0.0.1:1/one?signature={SIGNATURE}");
    let service = service_with_url(&url);
    let opening = client(&service).download_log_export("one").open();
    let error = boxed_call(opening).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed());
    assert_no_secrets(&error);
}

#[tokio::test]
async fn signed_url_is_not_in_traces() {
    let storage = Server::with_response(
        ScriptedResponse::empty(200)
            .with_body("0123456789")
            .truncated_by(4),
    );
    let service = service_with_storage(&storage);
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
    let body_errors = recorder.events("response body interrupted");
    assert_eq!(body_errors.len(), 1);
    assert_eq!(body_errors[0].field("error.type"), Some("transport"));
    let text = recorder.debug_output();
    assert!(
        !text.contains("canary") && !text.contains("/logs/one"),
        "{text}"
    );
}
