//! The request, and the events of a stream that ends normally.

use std::time::Duration;

use portkey_admin::Error;
use serde_json::json;

use crate::{
    chat_request, chunk, event_stream, events, events_with_done, open_chat, read_all, start_chat,
    support::{KEY, client, server::Server, server_and_client},
    word_chunks,
};

#[tokio::test]
async fn stream_is_requested_in_the_body_and_in_the_accept_header() {
    let server = Server::with_response(event_stream(events_with_done(&[])));
    let request = chat_request().stream(false).temperature(0.5).user("u");
    let opened = client(&server).create_chat_completion().body(request);
    assert!(opened.stream().await.unwrap().next().await.is_none());
    let request = server.request();
    assert_eq!(request.target, "/v1/chat/completions");
    assert_eq!(request.header("accept"), ["text/event-stream"]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
    assert_eq!(
        request.json(),
        json!({
            "model": "m", "messages": [{"role": "user", "content": "canary of the prompt"}],
            "stream": true, "temperature": 0.5, "user": "u",
        })
    );
}

#[tokio::test]
async fn request_without_required_fields_is_not_sent() {
    let (server, client) = server_and_client(event_stream(""));
    let error = client.create_chat_completion().stream().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn events_are_typed_and_keep_unknown_fields() {
    let unusual = json!({"choices": [{"index": "x", "delta": {"reasoning": "r"}}], "new": 1});
    let body = format!(
        ": hello\n\nevent: special\ndata: {unusual}\n\n{}",
        events_with_done(&word_chunks(&["a"]))
    );
    let response = event_stream(body).with_header("x-portkey-request-id", "request-1");
    let (_server, opened) = start_chat(response).await;
    let mut stream = opened.unwrap();
    assert_eq!(stream.request_id(), Some("request-1"));
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!(stream.event_name(), Some("special"));
    assert_eq!(event.extra["new"], 1);
    assert_eq!(serde_json::to_value(&event).unwrap(), unusual);
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!(stream.event_name(), None);
    assert_eq!(event.model.as_deref(), Some("m"));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn events_are_decoded_from_single_byte_chunks() {
    fn is_stream<S: futures_core::Stream<Item = Result<T, Error>>, T>(_: &S) {}
    let texts = ["ü", "€", "😀", "\n", "[DONE]", r#""error""#];
    let body = format!(
        "\u{feff}{}",
        events_with_done(&word_chunks(&texts)).replace('\n', "\r\n")
    );
    let (_server, opened) = start_chat(event_stream(body).byte_by_byte(Duration::ZERO)).await;
    let stream = opened.unwrap();
    is_stream(&stream);
    let (read, error) = read_all(stream).await;
    assert_eq!(read, texts);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn data_after_done_is_ignored_and_the_connection_is_reused() {
    let body = events_with_done(&word_chunks(&["a"])) + "data: rest\n\n";
    let (server, client) = server_and_client(event_stream(body).keep_alive());
    for _ in 0..2 {
        let (texts, error) = read_all(open_chat(&client).await.unwrap()).await;
        assert_eq!(texts, ["a"]);
        assert!(error.is_none(), "{error:?}");
        // A background task of the HTTP client notices the end of the body.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn stream_with_a_finish_reason_needs_no_done() {
    let mut data = word_chunks(&["a"]);
    data.push(chunk(&json!({}), Some("stop")));
    // The blank line after the last event may also be missing.
    let body = events(&data).trim_end().to_owned();
    let (_server, opened) = start_chat(event_stream(body).without_content_length()).await;
    let (texts, error) = read_all(opened.unwrap()).await;
    assert_eq!(texts, ["a", ""]);
    assert!(error.is_none(), "{error:?}");
}
