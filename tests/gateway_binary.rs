//! Binary answers on raw sockets: they are read as they come, and never twice.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::time::Duration;

use portkey_admin::{ByteStream, Client, Error, types::CreateSpeechRequest};
use support::{
    KEY, answered, attempts, builder, client,
    server::{Answer, Server},
    shown,
    spans::Recorder,
    until,
};

/// Bytes that are no text.
const SOUND: [u8; 8] = [0, 255, 1, 254, 13, 10, 0, 128];

fn sound() -> Answer {
    Answer::empty(200)
        .with_header("content-type", "audio/mpeg")
        .with_bytes(SOUND.to_vec())
}

async fn speech(client: &Client) -> Result<ByteStream, Error> {
    let request = CreateSpeechRequest::builder().model("tts-1").voice("nova");
    client
        .create_speech()
        .body(request.input("canary"))
        .open()
        .await
}

#[tokio::test]
async fn speech_is_asked_for_in_json_and_comes_as_bytes() {
    let (server, client) = answered(sound());
    let stream = speech(&client).await.unwrap();
    assert_eq!(stream.headers()["content-type"], "audio/mpeg");
    assert_eq!(stream.bytes(8).await.unwrap(), SOUND[..]);
    let request = server.request();
    assert_eq!(request.target, "/v1/audio/speech");
    assert_eq!(request.header("accept"), ["*/*"]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
    let expected = serde_json::json!({"model": "tts-1", "voice": "nova", "input": "canary"});
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn files_and_batches_are_read_by_id() {
    let (server, client) = answered(sound());
    let file = client.get_file_content("a/b").open().await.unwrap();
    assert_eq!(file.bytes(8).await.unwrap(), SOUND[..]);
    let mut written = Vec::new();
    let output = client.get_batch_output("one").open().await.unwrap();
    let count = output.write_to(&mut written, |_| ()).await.unwrap();
    assert_eq!((count, &written[..]), (8, &SOUND[..]));
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
async fn what_cannot_be_asked_is_not() {
    let (server, client) = answered(sound());
    let missing = client.create_speech().open().await.unwrap_err();
    assert_eq!(
        missing.to_string(),
        "create_speech: not sent: a body is required"
    );
    let half = CreateSpeechRequest::builder().model("tts-1");
    let half = client.create_speech().body(half).open().await.unwrap_err();
    assert!(half.to_string().contains("is required"), "{half}");
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
async fn a_refusal_is_an_error_with_its_message() {
    let refusal = Answer::json(404, r#"{"error": {"message": "no such file"}}"#);
    let (_server, client) = answered(refusal);
    let error = client.get_file_content("one").open().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.operation(), Some("get_file_content"));
    assert!(error.to_string().contains("no such file"), "{error}");
}

#[tokio::test]
async fn a_read_is_repeated_until_the_body_begins() {
    let server = Server::playing([
        Answer::empty(503),
        Answer::empty(200).hanging_up(),
        sound().closing_early(3),
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
    assert_eq!(all, SOUND[..5]);
    assert!(
        error.to_string().ends_with("(5 of 8 bytes have arrived)"),
        "{error}"
    );
    assert_eq!((error.attempts(), server.connections()), (3, 3));
}

#[tokio::test]
async fn speech_is_repeated_only_where_it_was_not_made() {
    let server = Server::playing([Answer::empty(500), sound()]);
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let error = speech(&client).await.unwrap_err();
    assert!(error.may_have_executed());
    assert_eq!(server.connections(), 1);
    let busy = Answer::empty(429).with_header("retry-after-ms", "1");
    let server = Server::playing([busy, sound()]);
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let stream = speech(&client).await.unwrap();
    assert_eq!(stream.bytes(8).await.unwrap(), SOUND[..]);
}

#[tokio::test]
async fn a_stall_runs_out_of_time_and_a_drop_closes_the_connection() {
    let server = Server::answering(sound().stalling(3));
    let client = client(&server);
    let stream = speech(&client).await.unwrap();
    let idle = Duration::from_millis(50);
    let error = stream.idle_timeout(idle).bytes(8).await.unwrap_err();
    assert!(error.is_timeout() && error.operation() == Some("create_speech"));
    until(|| server.hangups() == 1).await;
    let stream = speech(&client).await.unwrap();
    drop(stream);
    until(|| server.hangups() == 2).await;
}

#[tokio::test]
async fn more_than_the_limit_is_an_error() {
    for answer in [sound(), sound().without_length()] {
        let (_server, client) = answered(answer);
        let error = speech(&client).await.unwrap().bytes(7).await.unwrap_err();
        assert!(error.to_string().contains("limit of 7 bytes"), "{error}");
    }
}

#[tokio::test]
async fn nothing_of_it_shows() {
    let recorder = Recorder::start();
    let body = "canary".repeat(10);
    for answer in [
        Answer::empty(200).with_body(body.as_str()).closing_early(3),
        Answer::empty(500).with_body(body.as_str()),
    ] {
        let (_server, client) = answered(answer);
        let error = match client.get_file_content("canary").open().await {
            Ok(stream) => stream.bytes(1000).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
        assert!(!format!("{:?}", client.get_file_content("canary")).contains("canary"));
    }
    assert_eq!(recorder.spans("portkey.call").len(), 2);
    assert!(!recorder.text().contains("canary"), "{}", recorder.text());
}
