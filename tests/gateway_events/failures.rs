//! Events that are errors, and streams that end early.

use std::time::Duration;

use portkey_admin::RequestOptions;
use serde_json::{Value, json};

use crate::{
    event_stream, events, events_with_done, open_chat, read_all, read_until_error, start_chat,
    support::{
        KEY, attempts, builder, client, render_error,
        server::{ScriptedResponse, Server},
        server_and_client, values_that_serde_json_rejects, wait_until,
    },
    word_chunks,
};

#[tokio::test]
async fn error_event_is_an_error() {
    let message = format!("quota of {KEY}\nis used up");
    for (name, event) in [
        ("", json!({"error": {"message": message, "code": "quota"}})),
        (
            "",
            json!({"type": "error", "message": message, "code": "quota"}),
        ),
        (
            "event: error\n",
            json!({"message": message, "code": "quota"}),
        ),
    ] {
        let body = events(&word_chunks(&["a", "b"]))
            + name
            + &events_with_done(std::slice::from_ref(&event));
        let (texts, error) = read_until_error(event_stream(body)).await;
        assert_eq!(texts, ["a", "b"]);
        assert_eq!(error.code(), Some("quota"));
        assert_eq!(error.body().unwrap(), event.to_string().as_str());
        assert_eq!(
            error.to_string(),
            "create_chat_completion: stream error (event 3) quota: quota of [redacted] is used up"
        );
    }
}

#[tokio::test]
async fn error_in_json_behind_the_events_is_an_error_of_the_service() {
    let error = json!({"error": {"code": 503, "message": format!("high demand of {KEY}")}});
    for rest in [
        format!("{error}\n"),
        error.to_string(),
        format!("{error:#}\r\n\r\n"),
        format!(": comment\n\n{error}"),
    ] {
        for words in [&["a", "b"][..], &["a"]] {
            let body = events(&word_chunks(words)) + &rest;
            for response in [
                event_stream(&body),
                event_stream(&body).byte_by_byte(Duration::ZERO),
            ] {
                let (texts, error) = read_until_error(response).await;
                assert_eq!(texts, words);
                assert_eq!(error.code(), Some("503"));
                assert_eq!(error.message(), Some("high demand of [redacted]"));
                let sent: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
                assert_eq!(sent["error"]["code"], 503);
            }
        }
    }
    // Without any event, it fails the call, which is not repeated.
    let server = Server::with_response(event_stream(format!("{error}\n")));
    let client = client(&server).with_options(attempts(3).idempotent(true));
    let error = open_chat(&client).await.unwrap_err();
    assert_eq!(error.message(), Some("high demand of [redacted]"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn text_behind_the_events_is_in_the_body_of_the_error() {
    for rest in [
        "<html>\nno upstream\n</html>",
        "upstream error: high demand",
        "{\"unknown\":\"x\"}",
    ] {
        let body = events(&word_chunks(&["a"])) + rest + "\n";
        let (texts, error) = read_until_error(event_stream(body)).await;
        assert_eq!(texts, ["a"]);
        assert_eq!((error.code(), error.message()), (None, None));
        assert_eq!(error.body().unwrap(), rest);
        let text = error.to_string();
        assert!(
            text.contains("ended before the response was complete"),
            "{text}"
        );
    }
    // Also if the connection breaks.
    let body = events(&word_chunks(&["a"])) + "no upstream\n\n\n";
    let (_, error) = read_until_error(event_stream(body).truncated_by(1)).await;
    assert_eq!(error.body().unwrap(), "no upstream");
}

#[tokio::test]
async fn empty_data_is_skipped() {
    for keep_alive in [
        "data:\n\n",
        "data\n\n",
        "data: \n\n",
        "event: keep-alive\ndata:\n\n",
        "data:\ndata:\n\n",
        "data: \t\r\n\r\n",
    ] {
        let body = [
            keep_alive,
            &events(&word_chunks(&["a"])),
            keep_alive,
            &events_with_done(&word_chunks(&["b"])),
        ]
        .concat();
        let (_server, opened) = start_chat(event_stream(body)).await;
        let (texts, error) = read_all(opened.unwrap()).await;
        assert_eq!(texts, ["a", "b"], "{keep_alive:?}");
        assert!(error.is_none(), "{keep_alive:?}: {error:?}");
    }
}

#[tokio::test]
async fn echoed_key_is_redacted_in_errors() {
    let nested = format!(r#"{{"choices":[{{"delta":{{"{KEY}":"half"#);
    for response in [
        ScriptedResponse::empty(200).with_header("content-type", KEY),
        ScriptedResponse::empty(200)
            .with_header("content-type", format!("text/{KEY}"))
            .with_body("{}"),
        event_stream(format!("data: {nested}\n\n")),
        event_stream(format!("data: {nested}")),
        event_stream(format!("data: {nested}\n\n")).with_header("content-encoding", KEY),
    ] {
        let (_server, opened) = start_chat(response).await;
        let error = match opened {
            Err(error) => error,
            Ok(stream) => read_all(stream).await.1.unwrap(),
        };
        let rendered = render_error(&error);
        assert!(!rendered.contains("canary"), "{rendered}");
        assert!(rendered.contains("[redacted]"), "{rendered}");
    }
}

#[tokio::test]
async fn events_decode_if_they_are_valid_json() {
    for value in values_that_serde_json_rejects() {
        let body = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"a\\ud83d\"}}}}],\"new\":{value}}}\n\n\
             data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"b\"}}}}]}}\n\ndata: [DONE]\n\n"
        );
        let (words, error) = {
            let (_server, stream) = start_chat(event_stream(body)).await;
            read_all(stream.unwrap()).await
        };
        assert!(error.is_none(), "{error:?}");
        assert_eq!(words, ["a\u{fffd}", "b"], "{value}");
        let failing = format!("data: {{\"error\":{{\"message\":\"no\"}},\"new\":{value}}}\n\n");
        let (_server, stream) = start_chat(event_stream(failing)).await;
        let error = stream.unwrap_err();
        assert_eq!(error.message(), Some("no"), "{value}");
    }
}

#[tokio::test]
async fn undecodable_event_is_an_error_with_its_number() {
    for (event, problem) in [
        ("canary", "is not valid JSON"),
        ("{\"a\": \"canary", "is not valid JSON"),
        ("[\"canary\"]", "does not match its type"),
    ] {
        for before in [&[][..], &["a"]] {
            let rest = events_with_done(&word_chunks(&["b"]));
            let body = events(&word_chunks(before)) + "data: " + event + "\n\n" + &rest;
            let (texts, error) = read_until_error(event_stream(body)).await;
            assert_eq!(texts, before);
            assert!(error.is_decode());
            assert_eq!(error.body().unwrap(), event.trim_end());
            let number = before.len() + 1;
            let expected = format!("event {number} of the stream {problem}");
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[tokio::test]
async fn broken_connection_is_an_error_after_the_received_events() {
    let body = events(&word_chunks(&["a", "b"]));
    let half = body.clone() + "data: {\"canary\": 1";
    for (response, problem) in [
        (event_stream(&half).truncated_by(3), "interrupted"),
        (event_stream(&half).stalling(3).then_reset(), "interrupted"),
        (
            event_stream(&half).without_content_length(),
            "event 3 of the stream is incomplete",
        ),
        (
            event_stream(&body).without_content_length(),
            "ended before the response was complete",
        ),
        (
            event_stream(body.clone() + "dat").without_content_length(),
            "ended before the response",
        ),
        (
            event_stream(&body).with_bytes(b"data: {\"a\":\"\xff\"}\n\n".as_slice()),
            "not valid UTF-8",
        ),
    ] {
        let is_text = problem != "not valid UTF-8";
        if !is_text {
            let (_server, opened) = start_chat(response).await;
            let error = opened.unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            continue;
        }
        let (texts, error) = read_until_error(response).await;
        assert_eq!(texts, ["a", "b"]);
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        let has_event_number = text.contains("2 events were received") || text.contains("event 3");
        assert!(has_event_number, "{text}");
    }
}

#[tokio::test]
async fn stream_ends_after_the_idle_timeout_but_has_no_total_timeout() {
    let body = events_with_done(&word_chunks(&["a", "b"]));
    let (server, client) = server_and_client(event_stream(&body).stalling(14));
    let idle_timeout = Duration::from_millis(300);
    let stream = open_chat(&client).idle_timeout(idle_timeout).await.unwrap();
    let (texts, error) = read_all(stream).await;
    let error = error.unwrap();
    assert_eq!(texts, ["a", "b"]);
    assert!(error.is_timeout(), "{error}");
    assert!(
        error
            .to_string()
            .contains("no more data received for 300ms"),
        "{error}"
    );
    wait_until(|| server.client_disconnects() == 1).await;

    // The stream lasts longer than the attempt timeout and than the idle timeout.
    let comments = ": keep-alive\n\n".repeat(40);
    let response = event_stream(comments + &body).byte_by_byte(Duration::from_millis(1));
    let server = Server::with_response(response);
    let short_timeout = RequestOptions::new().timeout(Duration::from_millis(200));
    let client = builder(&server)
        .build()
        .unwrap()
        .with_options(short_timeout);
    let stream = open_chat(&client).idle_timeout(idle_timeout).await.unwrap();
    assert_eq!(read_all(stream).await.0, ["a", "b"]);
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection() {
    let (server, client) = server_and_client(
        event_stream(events(&word_chunks(&["a"])))
            .without_content_length()
            .then_stall(),
    );
    let mut stream = open_chat(&client).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert_eq!(server.client_disconnects(), 0);
    drop(stream);
    wait_until(|| server.client_disconnects() == 1).await;

    // Dropping the future that opens a stream also closes the connection.
    let (server, client) = server_and_client(
        event_stream(": not yet\n\n")
            .without_content_length()
            .then_stall(),
    );
    let opening = open_chat(&client).into_future();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), opening)
            .await
            .is_err()
    );
    wait_until(|| server.client_disconnects() == 1).await;
}

#[tokio::test]
async fn event_longer_than_16_mib_is_an_error() {
    let long = "x".repeat(1 << 20);
    let (_server, opened) =
        start_chat(event_stream(events_with_done(&word_chunks(&[&long])))).await;
    assert_eq!(read_all(opened.unwrap()).await.0, [long]);
    let body = events(&word_chunks(&["a"])) + "data: " + &"x".repeat(17 << 20);
    let (texts, error) = read_until_error(event_stream(body)).await;
    assert_eq!(texts, ["a"]);
    assert!(error.is_response_too_large(), "{error}");
    assert!(
        error.to_string().contains("exceeds the limit of 16 MiB"),
        "{error}"
    );
    // A retry would not change the response.
    let server = Server::with_response(event_stream("data: ".to_owned() + &"x".repeat(17 << 20)));
    let client = client(&server).with_options(attempts(3).idempotent(true));
    let error = open_chat(&client).await.unwrap_err();
    assert!(error.is_response_too_large(), "{error}");
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn response_that_is_not_a_stream_is_an_error() {
    let plain = json!({"id": "chat-1", "choices": [], "canary": KEY}).to_string();
    let (server, opened) = start_chat(ScriptedResponse::json(200, plain.as_str())).await;
    let error = opened.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("found the content type application/json"),
        "{error}"
    );
    assert_eq!(error.body().unwrap(), plain.as_str());
    assert!(error.may_have_executed());
    assert!(!render_error(&error).contains("canary"));
    assert_eq!(server.requests().len(), 1);

    let refusal = json!({"error": {"message": "no streams here", "code": "c"}});
    let (_server, opened) = start_chat(ScriptedResponse::json(200, refusal.to_string())).await;
    let error = opened.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Some("c"), Some("no streams here"))
    );
}
