//! Responses that are unusual: redirects, large bodies, many headers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use portkey_admin::RequestOptions;

use crate::{
    LONG_TIMEOUT, SHORT_TIMEOUT, assert_common_properties, assert_key_sent_once, client, create,
    list, predicates, read,
    support::{
        attempts, render_error,
        server::{ScriptedResponse, Server},
    },
    with_headers,
};

#[tokio::test]
async fn redirects_are_errors_and_their_target_is_not_contacted() {
    for status in [300, 301, 302, 303, 307, 308] {
        let other = Server::with_response(list());
        let redirect = ScriptedResponse::empty(status)
            .with_header("location", other.url("/v1/elsewhere"))
            .with_header("refresh", format!("0; url={}", other.url("/")))
            .with_header("alt-svc", format!("http/1.1=\"{}\"", other.url("")));
        let server = Server::with_response(redirect);
        let client = client(&server, LONG_TIMEOUT);
        for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
            let line = error.to_string();
            assert_eq!(error.status().unwrap().as_u16(), status, "{line}");
            assert!(line.contains("redirects are not followed"), "{line}");
            // 307 and 308 ask for the same request again.
            let may_have_executed = status < 307;
            assert_eq!(
                (error.attempts(), error.may_have_executed()),
                (1, may_have_executed),
                "{line}"
            );
            assert_eq!(predicates(&error), [""; 0], "{line}");
            assert_common_properties("redirect", &error);
        }
        assert_eq!(server.requests().len(), 2);
        assert_eq!(other.connections(), 0);
        assert_key_sent_once("redirect", &server);
    }
}

#[tokio::test]
async fn content_type_of_a_response_is_ignored() {
    for kind in ["text/plain", "text/html", "application/octet-stream"] {
        let server = Server::with_response(list().with_header("content-type", kind));
        read(&client(&server, LONG_TIMEOUT)).await.unwrap();
    }
    let nameless = ScriptedResponse::empty(200).with_body(r#"{"data":[]}"#);
    read(&client(&Server::with_response(nameless), LONG_TIMEOUT))
        .await
        .unwrap();
}

#[tokio::test]
async fn requests_have_no_accept_encoding() {
    let server = Server::with_response(list());
    read(&client(&server, LONG_TIMEOUT)).await.unwrap();
    assert_eq!(server.request().header("accept-encoding"), [""; 0]);
}

#[tokio::test]
async fn slow_response_within_the_timeout_succeeds() {
    let server = Server::with_response(list().byte_by_byte(Duration::from_millis(5)));
    read(&client(&server, LONG_TIMEOUT)).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn response_of_100_megabytes_is_received_completely() {
    let mut body = br#"{"data":[],"new_field":""#.to_vec();
    body.resize(100 << 20, b'x');
    body.extend(br#""}"#);
    let size = body.len();
    let server = Server::with_response(ScriptedResponse::json(200, "").with_bytes(body));
    let call = client(&server, LONG_TIMEOUT)
        .list_users()
        .send_with_response();
    let response = tokio::time::timeout(LONG_TIMEOUT, call)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.body().len(), size);
    assert!(response.value().data.is_empty());
    assert!(!format!("{response:?}").contains("xxxxx"));
}

#[tokio::test]
async fn response_up_to_the_maximum_size_is_received() {
    for (size, is_received) in [(99, false), (100, true)] {
        let mut body = br#"{"data":[]}"#.to_vec();
        body.resize(100, b' ');
        for response in [
            ScriptedResponse::json(200, "").with_bytes(body.clone()),
            ScriptedResponse::json(200, "")
                .with_bytes(body)
                .without_content_length(),
        ] {
            let server = Server::with_response(response);
            let options = RequestOptions::new().max_response_size(size);
            let client = client(&server, LONG_TIMEOUT).with_options(options);
            assert_eq!(read(&client).await.is_ok(), is_received, "{size}");
            let raw = client.request(Method::GET, "/things").send_raw().await;
            assert_eq!(raw.is_ok(), is_received, "{size}");
            if let Err(error) = raw {
                assert_eq!(error.body().unwrap().len(), 100);
            }
        }
    }
}

#[tokio::test]
async fn response_with_more_than_100_headers_is_received() {
    for count in [99, 150, 240] {
        let server = Server::with_response(with_headers(list(), count));
        let call = client(&server, LONG_TIMEOUT)
            .list_users()
            .send_with_response();
        let response = call.await.unwrap();
        assert_eq!(
            response.headers()[&format!("x-header-{}", count - 1)],
            "canary"
        );
    }
}

/// A current-thread runtime checks the timeout only between the reads of the connection.
#[tokio::test]
async fn call_ends_while_a_server_sends_endless_interim_responses() {
    for status in ["102 Processing", "103 Early Hints"] {
        let head = format!("HTTP/1.1 {status}\r\nlink: {}\r\n\r\n", "x".repeat(8000));
        let response = ScriptedResponse::garbage(head.clone()).with_body(head);
        let server = Server::with_response(response.endless());
        let client = client(&server, SHORT_TIMEOUT).with_options(attempts(1));
        let start = Instant::now();
        let error = read(&client).await.unwrap_err();
        assert!(error.is_timeout() && error.may_have_executed(), "{error}");
        assert!(start.elapsed() < LONG_TIMEOUT, "{:?}", start.elapsed());
    }
}

/// The maximum number of body bytes that an error keeps.
const MAX_ERROR_BODY: usize = 1 << 20;

#[tokio::test]
async fn long_error_body_is_truncated_at_1_mib_and_the_error_says_so() {
    for (size, is_truncated) in [
        (MAX_ERROR_BODY - 1, false),
        (MAX_ERROR_BODY, false),
        (MAX_ERROR_BODY + 1, true),
        (100 << 20, true),
    ] {
        let body = Bytes::from(vec![b'x'; size]);
        let server = Server::with_response(ScriptedResponse::empty(400).with_bytes(body));
        let error = read(&client(&server, LONG_TIMEOUT)).await.unwrap_err();
        assert_eq!(error.body().unwrap().len(), size.min(MAX_ERROR_BODY));
        assert_eq!(error.is_body_truncated(), is_truncated);
        let line = error.to_string();
        assert_eq!(
            line.contains("response body truncated to 1 MiB"),
            is_truncated,
            "{line}"
        );
        assert!(
            line.len() < 200 && !render_error(&error).contains("xxxxx"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn long_undecodable_body_is_truncated_at_1_mib() {
    let server = Server::with_response(ScriptedResponse::json(
        200,
        "[\"".to_owned() + &"x".repeat(MAX_ERROR_BODY),
    ));
    let error = read(&client(&server, LONG_TIMEOUT)).await.unwrap_err();
    assert!(error.is_decode() && error.is_body_truncated(), "{error}");
    assert_eq!(error.body().unwrap().len(), MAX_ERROR_BODY);
    assert!(
        error
            .to_string()
            .contains("response body truncated to 1 MiB"),
        "{error}"
    );
}
