//! Binary responses: they are streamed, and never requested again after the body has started.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::Duration;

use portkey_admin::{ByteStream, Client, Error, gateway::audio::CreateSpeechRequest};
use support::{
    KEY, attempts, builder, client, render_error,
    server::{ScriptedResponse, Server},
    server_and_client,
    spans::Recorder,
    wait_until,
};

/// Bytes that are not valid UTF-8.
const AUDIO: [u8; 8] = [0, 255, 1, 254, 13, 10, 0, 128];

fn audio_response() -> ScriptedResponse {
    ScriptedResponse::empty(200)
        .with_header("content-type", "audio/mpeg")
        .with_bytes(AUDIO.to_vec())
}

async fn open_speech(client: &Client) -> Result<ByteStream, Error> {
    let request = CreateSpeechRequest::builder().model("tts-1").voice("nova");
    client
        .create_speech()
        .body(request.input("canary"))
        .open()
        .await
}

#[tokio::test]
async fn speech_is_requested_as_json_and_received_as_bytes() {
    let (server, client) = server_and_client(audio_response());
    let stream = open_speech(&client).await.unwrap();
    assert_eq!(stream.headers()["content-type"], "audio/mpeg");
    assert_eq!(stream.bytes(8).await.unwrap(), AUDIO[..]);
    let request = server.request();
    assert_eq!(request.target, "/v1/audio/speech");
    assert_eq!(request.header("accept"), ["*/*"]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
    let expected = serde_json::json!({"model": "tts-1", "voice": "nova", "input": "canary"});
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn file_content_and_batch_output_are_read_by_id() {
    let (server, client) = server_and_client(audio_response());
    let file = client.get_file_content("a/b").open().await.unwrap();
    assert_eq!(file.bytes(8).await.unwrap(), AUDIO[..]);
    let mut written = Vec::new();
    let output = client.get_batch_output("one").open().await.unwrap();
    let count = output.write_to(&mut written, |_| ()).await.unwrap();
    assert_eq!((count, &written[..]), (8, &AUDIO[..]));
    let requests = server.requests();
    let targets: Vec<&str> = requests.iter().map(|request| &*request.target).collect();
    assert_eq!(
        targets,
        ["/v1/files/a%2Fb/content", "/v1/batches/one/output"]
    );
    assert!(
        requests
            .iter()
            .all(|request| request.header("accept") == ["*/*"])
    );
    assert!(requests.iter().all(|request| request.body.is_empty()));
}

#[tokio::test]
async fn incomplete_request_is_not_sent() {
    let (server, client) = server_and_client(audio_response());
    let missing = client.create_speech().open().await.unwrap_err();
    assert_eq!(
        missing.to_string(),
        "create_speech: not sent: a body is required"
    );
    let incomplete = CreateSpeechRequest::builder().model("tts-1");
    let incomplete = client
        .create_speech()
        .body(incomplete)
        .open()
        .await
        .unwrap_err();
    assert!(
        incomplete.to_string().contains("is required"),
        "{incomplete}"
    );
    let empty = client.get_file_content("").open().await.unwrap_err();
    assert!(
        empty
            .to_string()
            .contains("path argument `file_id` is empty"),
        "{empty}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn refusal_is_an_error_with_its_message() {
    let refusal = ScriptedResponse::json(404, r#"{"error": {"message": "no such file"}}"#);
    let (_server, client) = server_and_client(refusal);
    let error = client.get_file_content("one").open().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.operation(), Some("get_file_content"));
    assert!(error.to_string().contains("no such file"), "{error}");
}

#[tokio::test]
async fn read_is_retried_until_the_body_starts() {
    let server = Server::with_responses([
        ScriptedResponse::empty(503),
        ScriptedResponse::empty(200).sending_nothing(),
        audio_response().truncated_by(3),
    ]);
    let client = builder(&server).options(attempts(5)).build().unwrap();
    let mut stream = client.get_file_content("one").open().await.unwrap();
    let mut all = Vec::new();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(piece) => all.extend(piece),
            Err(error) => break error,
        }
    };
    assert_eq!(all, AUDIO[..5]);
    assert!(
        error.to_string().ends_with("(received 5 of 8 bytes)"),
        "{error}"
    );
    assert_eq!((error.attempts(), server.connections()), (3, 3));
}

#[tokio::test]
async fn speech_is_retried_only_if_it_was_not_executed() {
    let server = Server::with_responses([ScriptedResponse::empty(500), audio_response()]);
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let error = open_speech(&client).await.unwrap_err();
    assert!(error.may_have_executed());
    assert_eq!(server.connections(), 1);
    let refusal = ScriptedResponse::empty(429).with_header("retry-after-ms", "1");
    let server = Server::with_responses([refusal, audio_response()]);
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let stream = open_speech(&client).await.unwrap();
    assert_eq!(stream.bytes(8).await.unwrap(), AUDIO[..]);
}

#[tokio::test]
async fn stalled_body_times_out_and_dropping_closes_the_connection() {
    let server = Server::with_response(audio_response().stalling(3));
    let client = client(&server);
    let stream = open_speech(&client).await.unwrap();
    let idle = Duration::from_millis(50);
    let error = stream.idle_timeout(idle).bytes(8).await.unwrap_err();
    assert!(error.is_timeout() && error.operation() == Some("create_speech"));
    wait_until(|| server.client_disconnects() == 1).await;
    let stream = open_speech(&client).await.unwrap();
    drop(stream);
    wait_until(|| server.client_disconnects() == 2).await;
}

#[tokio::test]
async fn body_longer_than_the_limit_is_an_error() {
    for response in [audio_response(), audio_response().without_content_length()] {
        let (_server, client) = server_and_client(response);
        let error = open_speech(&client)
            .await
            .unwrap()
            .bytes(7)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("limit of 7 bytes"), "{error}");
    }
}

#[tokio::test]
async fn errors_and_traces_contain_nothing_of_the_body() {
    let recorder = Recorder::start();
    let body = "canary".repeat(10);
    for response in [
        ScriptedResponse::empty(200)
            .with_body(body.as_str())
            .truncated_by(3),
        ScriptedResponse::empty(500).with_body(body.as_str()),
    ] {
        let (_server, client) = server_and_client(response);
        let error = match client.get_file_content("canary").open().await {
            Ok(stream) => stream.bytes(1000).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(
            !render_error(&error).contains("canary"),
            "{}",
            render_error(&error)
        );
        assert!(!format!("{:?}", client.get_file_content("canary")).contains("canary"));
    }
    assert_eq!(recorder.spans("portkey.call").len(), 2);
    assert!(
        !recorder.debug_output().contains("canary"),
        "{}",
        recorder.debug_output()
    );
}
