//! Uploads: the bytes on the wire, retries, and errors.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpListener,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use portkey_admin::{
    Client, RequestOptions, RetryPolicy,
    gateway::files::UploadFile,
    gateway::{FilePart, UploadProgress, files},
};
use support::{
    KEY, attempts, boxed_call, builder, client, render_error,
    server::{Request, ScriptedResponse, Server},
    server_and_client,
    spans::Recorder,
    wait_until,
};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

const FILE_JSON: &str = r#"{"id": "file-1", "object": "file", "bytes": 3, "created_at": 1,
    "filename": "a.jsonl", "purpose": "batch", "status": "processed"}"#;

fn uploaded() -> ScriptedResponse {
    ScriptedResponse::json(200, FILE_JSON)
}

/// Returns an upload with all required fields.
fn upload(client: &Client, file: FilePart) -> UploadFile {
    client.upload_file().file(file).purpose("batch")
}

/// Returns the body of a request with its multipart boundary replaced by `B`.
fn normalized_body(request: &Request) -> String {
    let kinds = request.header("content-type");
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    let boundary = kinds[0].strip_prefix("multipart/form-data; boundary=");
    let boundary = boundary.unwrap();
    assert!(boundary.len() >= 32);
    let body = String::from_utf8(request.body.clone()).unwrap();
    body.replace(boundary, "B")
}

/// A temporary file, deleted when dropped.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let folder = format!("portkey-admin-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder.join(name))
    }

    fn with(name: &str, content: &[u8]) -> Self {
        let file = Self::new(name);
        fs::write(&file.0, content).unwrap();
        file
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

/// A reader that yields some bytes and then fails.
struct FailingReader(&'static [u8]);

impl AsyncRead for FailingReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match std::mem::take(&mut self.0) {
            [] => Poll::Ready(Err(io::Error::other("the cable is cut"))),
            bytes => {
                buffer.put_slice(bytes);
                Poll::Ready(Ok(()))
            }
        }
    }
}

// ---- Bytes on the wire

const EXPECTED_BODY: &str = "--B\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\
    Content-Type: application/jsonl\r\n\
    \r\n\
    {}\n\r\n\
    --B\r\n\
    Content-Disposition: form-data; name=\"purpose\"\r\n\
    \r\n\
    batch\r\n\
    --B--\r\n";

#[tokio::test]
async fn every_file_source_sends_the_same_body() {
    let file = TempFile::with("a.jsonl", b"{}\n");
    for (part, has_length) in [
        (FilePart::bytes("a.jsonl", "{}\n"), true),
        (FilePart::path(&file.0), true),
        (FilePart::reader_of_length("a.jsonl", &b"{}\n"[..], 3), true),
        (
            FilePart::reader_of_length("a.jsonl", &b"{}\nmore"[..], 3),
            true,
        ),
        (FilePart::reader("a.jsonl", &b"{}\n"[..]), false),
        (FilePart::bytes("b", "{}\n").file_name("a.jsonl"), true),
    ] {
        let (server, client) = server_and_client(uploaded());
        let response = upload(&client, part).send_with_response().await.unwrap();
        assert_eq!(response.value().id.as_deref(), Some("file-1"));
        let request = server.request();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/v1/files")
        );
        assert_eq!(normalized_body(&request), EXPECTED_BODY);
        assert_eq!(request.header("x-portkey-api-key"), [KEY]);
        assert_eq!(request.header("accept"), ["application/json"]);
        let length = request.body.len().to_string();
        match has_length {
            true => assert_eq!(request.header("content-length"), [length]),
            false => assert_eq!(request.header("transfer-encoding"), ["chunked"]),
        }
    }
}

#[tokio::test]
async fn fields_are_sent_as_parts_in_the_order_in_which_they_were_set() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, r#"{"text": "hello"}"#));
    let response = client
        .create_transcription()
        .model("whisper-1")
        .file(FilePart::bytes("a.mp3", "abc"))
        .language("de")
        .language("en")
        .temperature(0.5)
        .response_format("verbose_json")
        .timestamp_granularities(["word", "segment"])
        .extra("hint", "quiet")
        .send()
        .await
        .unwrap();
    assert_eq!(serde_json::to_value(&response).unwrap()["text"], "hello");
    let body = normalized_body(&server.request());
    let parts: Vec<&str> = body.split("--B\r\n").skip(1).collect();
    let field = |name: &str, value: &str| {
        format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    assert_eq!(parts[0], field("model", "whisper-1"));
    assert!(parts[1].contains("filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nabc\r\n"));
    assert_eq!(parts[2], field("language", "en"));
    assert_eq!(parts[3], field("temperature", "0.5"));
    assert_eq!(parts[4], field("response_format", "verbose_json"));
    assert_eq!(parts[5], field("timestamp_granularities[]", "word"));
    assert_eq!(parts[6], field("timestamp_granularities[]", "segment"));
    assert_eq!(parts[7], field("hint", "quiet") + "--B--\r\n");
}

#[tokio::test]
async fn every_upload_is_sent_to_its_endpoint() {
    let images =
        || ScriptedResponse::json(200, r#"{"created": 1, "data": [{"url": "https://h/1"}]}"#);
    let file = || FilePart::bytes("a.png", "abc");
    let (server, client) = server_and_client(images());
    let edit = client
        .create_image_edit()
        .image(file())
        .mask(file())
        .prompt("p");
    let edit = edit
        .model("m")
        .n(2)
        .size("256x256")
        .response_format("url")
        .user("u");
    assert_eq!(edit.send().await.unwrap().data.len(), 1);
    let variation = client
        .create_image_variation()
        .image(file())
        .model("m")
        .n(1);
    let variation = variation
        .size("1024x1024")
        .response_format("b64_json")
        .user("u");
    assert_eq!(variation.send().await.unwrap().data.len(), 1);
    let text = client
        .create_translation()
        .file(file())
        .model("m")
        .prompt("p");
    boxed_call(text.temperature(0.0).response_format("json").send())
        .await
        .unwrap();
    let requests = server.requests();
    let targets: Vec<&str> = requests.iter().map(|request| &*request.target).collect();
    let expected = [
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/audio/translations",
    ];
    assert_eq!(targets, expected);
    let edit = normalized_body(&requests[0]);
    for name in [
        "image",
        "mask",
        "prompt",
        "model",
        "n",
        "size",
        "response_format",
        "user",
    ] {
        assert!(
            edit.contains(&format!("form-data; name=\"{name}\"")),
            "{edit}"
        );
    }
    assert_eq!(edit.matches("Content-Type: image/png").count(), 2);
}

#[tokio::test]
async fn text_formats_are_returned_by_send_text() {
    let srt = "1\n00:00:00,000 --> 00:00:01,000\nHällo\n";
    let (server, client) = server_and_client(ScriptedResponse::empty(200).with_body(srt));
    let call = || {
        let call = client.create_transcription().model("whisper-1");
        call.file(FilePart::bytes("a.wav", "abc"))
            .response_format("srt")
    };
    assert_eq!(call().send_text().await.unwrap(), srt);
    assert_eq!(server.request().header("accept"), ["*/*"]);
    let error = call().send().await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(
        error.to_string(),
        "create_transcription: not sent: `response_format` `srt` requires `send_text`"
    );
    assert_eq!(server.connections(), 1);
    let (_server, client) =
        server_and_client(ScriptedResponse::empty(200).with_bytes(&b"\xff"[..]));
    let call = client.create_translation().model("whisper-1");
    let call = call
        .file(FilePart::bytes("a.wav", "abc"))
        .response_format("vtt");
    let error = call.send_text().await.unwrap_err();
    assert!(
        error.to_string().contains("the body is not valid UTF-8"),
        "{error}"
    );
    assert!(error.may_have_executed());
}

#[tokio::test]
async fn names_are_escaped_in_part_headers() {
    let (server, client) = server_and_client(uploaded());
    let malicious = "a\"\r\nX-Evil: 1\r\n\r\n--B";
    let file = FilePart::bytes(malicious, "abc");
    upload(&client, file)
        .extra(malicious, malicious)
        .send()
        .await
        .unwrap();
    let body = normalized_body(&server.request());
    let escaped = "a%22%0D%0AX-Evil: 1%0D%0A%0D%0A--B";
    assert!(
        body.contains(&format!("; filename=\"{escaped}\"\r\n")),
        "{body}"
    );
    assert!(
        body.contains(&format!("; name=\"{escaped}\"\r\n\r\n")),
        "{body}"
    );

    let file = FilePart::bytes("a", "abc").content_type("text/plain\r\nX-Evil: 1");
    let error = upload(&client, file).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "upload_file: not sent: part `file`: invalid content type, expected `type/subtype`"
    );
    assert_eq!(server.connections(), 1);
}

// ---- Requests that are not sent

async fn refused(call: UploadFile) -> String {
    let error = call.send().await.unwrap_err();
    assert!(error.is_invalid_request() && !error.may_have_executed());
    assert_eq!(error.attempts(), 0);
    error.to_string()
}

#[tokio::test]
async fn missing_field_or_unreadable_file_is_an_error_before_sending() {
    let (server, client) = server_and_client(uploaded());
    let file = || FilePart::bytes("a", "abc");
    for (call, name) in [
        (client.upload_file(), "file"),
        (client.upload_file().file(file()), "purpose"),
        (client.upload_file().purpose("batch"), "file"),
    ] {
        let expected = format!("upload_file: not sent: parameter `{name}` is required");
        assert_eq!(refused(call).await, expected);
    }
    let call = client.create_translation().file(file()).model("m");
    let error = call.temperature(f64::NAN).send().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`temperature` must be finite, got NaN"),
        "{error}"
    );

    let missing = TempFile::new("missing.jsonl");
    let folder = missing.0.parent().unwrap().to_owned();
    let message = refused(upload(&client, FilePart::path(&missing.0))).await;
    let prefix = format!(
        "upload_file: not sent: part `file`: {} cannot be read: ",
        missing.0.display()
    );
    assert!(message.starts_with(&prefix), "{message}");
    let message = refused(upload(&client, FilePart::path(&folder))).await;
    let expected = format!(
        "upload_file: not sent: part `file`: {} is a directory",
        folder.display()
    );
    assert_eq!(message, expected);
    assert_eq!(server.connections(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn device_file_is_refused() {
    let (server, client) = server_and_client(uploaded());
    let message = refused(upload(&client, FilePart::path("/dev/zero"))).await;
    assert!(
        message.ends_with("/dev/zero is not a regular file; use `FilePart::reader`"),
        "{message}"
    );
    assert_eq!(server.connections(), 0);
}

// ---- Failures during an upload

#[tokio::test]
async fn failing_reader_is_an_error_and_is_not_retried() {
    for (part, what) in [
        (
            FilePart::reader("a", FailingReader(b"abc")),
            "the cable is cut",
        ),
        (
            FilePart::reader_of_length("a", FailingReader(b"abc"), 10),
            "the cable is cut",
        ),
        (
            FilePart::reader_of_length("a", &b"abc"[..], 10),
            "unexpected end of input: 7 bytes are missing",
        ),
    ] {
        let server = Server::with_response(uploaded());
        let client = builder(&server).options(attempts(3).idempotent(true));
        let client = client.build().unwrap();
        let error = upload(&client, part).send().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("upload_file: part `file` could not be read: {what}")
        );
        assert_eq!(error.attempts(), 1);
        assert!(!error.may_have_executed() && !error.is_invalid_request());
        let cause = std::error::Error::source(&error).unwrap();
        assert!(cause.downcast_ref::<io::Error>().is_some());
        assert!(server.requests().is_empty());
    }
}

/// Starts a server that refuses the first request and accepts the second.
fn refusing_once() -> Server {
    let refusal = ScriptedResponse::json(429, r#"{"message": "slow down"}"#);
    Server::with_responses([refusal.with_header("retry-after-ms", "1"), uploaded()])
}

#[tokio::test]
async fn bytes_and_files_are_sent_again_on_retry() {
    let file = TempFile::with("a.jsonl", b"{}\n");
    for part in [FilePart::bytes("a.jsonl", "{}\n"), FilePart::path(&file.0)] {
        let server = refusing_once();
        let client = builder(&server).options(attempts(3)).build().unwrap();
        let response = upload(&client, part).send_with_response().await.unwrap();
        assert_eq!(response.attempts(), 2);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert!(
            requests
                .iter()
                .all(|request| normalized_body(request) == EXPECTED_BODY)
        );
    }
}

#[tokio::test]
async fn reader_is_not_retried_after_it_was_read() {
    let server = refusing_once();
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let call = upload(&client, FilePart::reader("a.jsonl", &b"{}\n"[..]));
    let error = call.send().await.unwrap_err();
    assert!(error.is_rate_limited());
    assert_eq!((error.attempts(), server.connections()), (1, 1));
}

/// Reads the head of a request.
fn read_head(stream: &mut impl Read) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
}

#[tokio::test]
async fn reader_is_retried_if_nothing_was_read() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let (arrived, seen) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (counter, recorded) = (arrived.clone(), seen.clone());
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_head(&mut first);
        let refusal = "HTTP/1.1 429 Busy\r\nretry-after-ms: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        first.write_all(refusal.as_bytes()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        read_head(&mut second);
        counter.fetch_add(1, Ordering::SeqCst);
        let mut body = Vec::new();
        while !body.ends_with(b"\r\n0\r\n\r\n") {
            let mut byte = [0];
            second.read_exact(&mut byte).unwrap();
            body.extend(byte);
        }
        *recorded.lock().unwrap() = body;
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            FILE_JSON.len()
        );
        second.write_all((head + FILE_JSON).as_bytes()).unwrap();
    });
    let (mut writer, reader) = tokio::io::duplex(64);
    tokio::spawn(async move {
        wait_until(|| arrived.load(Ordering::SeqCst) == 1).await;
        writer.write_all(b"all of it").await.unwrap();
    });
    let client = Client::builder().api_key(KEY).base_url(base);
    let client = client.options(attempts(3)).build().unwrap();
    let response = upload(&client, FilePart::reader("a", reader)).send_with_response();
    let response = tokio::time::timeout(Duration::from_secs(20), response).await;
    assert_eq!(response.unwrap().unwrap().attempts(), 2);
    let body = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
    assert!(body.contains("all of it"), "{body}");
}

#[tokio::test]
async fn file_deleted_between_attempts_is_an_error() {
    let file = TempFile::with("a.jsonl", b"{}\n");
    let path = file.0.clone();
    let server = Server::start(move |_| {
        let _ = fs::remove_file(&path);
        ScriptedResponse::empty(429).with_header("retry-after-ms", "1")
    });
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let error = upload(&client, FilePart::path(&file.0))
        .send()
        .await
        .unwrap_err();
    let prefix = format!(
        "upload_file: part `file` ({}) could not be read: ",
        file.0.display()
    );
    assert!(error.to_string().starts_with(&prefix), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn upload_is_not_retried_if_it_may_have_executed() {
    let server = Server::with_response(uploaded().sending_nothing().then_reset());
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let error = upload(&client, FilePart::bytes("a", "abc"))
        .send()
        .await
        .unwrap_err();
    assert!(error.may_have_executed());
    assert_eq!((error.attempts(), server.connections()), (1, 1));
}

// ---- Timeouts

#[tokio::test]
async fn upload_times_out_only_without_progress() {
    let (server, client) = server_and_client(uploaded());
    let limit = Duration::from_millis(500);
    let client = client.with_options(RequestOptions::new().timeout(limit));
    // Slow: the whole upload takes longer than the timeout.
    let (mut writer, reader) = tokio::io::duplex(64);
    tokio::spawn(async move {
        for _ in 0..8 {
            tokio::time::sleep(limit / 5).await;
            writer.write_all(b"piece").await.unwrap();
        }
    });
    upload(&client, FilePart::reader("a", reader))
        .send()
        .await
        .unwrap();
    assert_eq!(
        normalized_body(&server.request()).matches("piece").count(),
        8
    );

    let (_writer, silent) = tokio::io::duplex(64);
    for (response, part) in [
        (uploaded(), FilePart::reader("a", silent)),
        (
            uploaded().truncated_after(0).then_stall(),
            FilePart::bytes("a", "abc"),
        ),
    ] {
        let server = Server::with_response(response);
        let client = builder(&server).options(RequestOptions::new().timeout(limit));
        let client = client.build().unwrap();
        let error = upload(&client, part).send().await.unwrap_err();
        assert!(error.is_timeout() && error.may_have_executed(), "{error}");
        assert_eq!(
            error.to_string(),
            "upload_file: timed out: no response within 500ms"
        );
    }
}

#[tokio::test]
async fn dropped_upload_closes_the_connection() {
    let server = Server::with_response(uploaded().truncated_after(0).then_stall());
    let client = client(&server);
    let call = tokio::spawn(upload(&client, FilePart::bytes("a", "abc")).send());
    wait_until(|| !server.requests().is_empty()).await;
    call.abort();
    wait_until(|| server.client_disconnects() == 1).await;
}

#[tokio::test]
async fn progress_increases_up_to_the_total() {
    let content = vec![b'x'; 300_000];
    for (part, has_length) in [
        (FilePart::bytes("a", content.clone()), true),
        (
            FilePart::reader("a", io::Cursor::new(content.clone())),
            false,
        ),
    ] {
        let (server, client) = server_and_client(uploaded());
        let seen = Arc::new(Mutex::new(Vec::<UploadProgress>::new()));
        let recorded = seen.clone();
        let call = upload(&client, part);
        let call = call.progress(move |progress| recorded.lock().unwrap().push(progress));
        call.send().await.unwrap();
        let seen = seen.lock().unwrap();
        let length = server.request().body.len() as u64;
        assert!(seen.len() >= 5, "{seen:?}");
        assert!(seen.is_sorted_by(|before, after| before.sent < after.sent));
        assert_eq!(seen.last().unwrap().sent, length);
        let total = has_length.then_some(length);
        assert!(seen.iter().all(|progress| progress.total == total));
    }
}

// ---- Secrets

#[tokio::test]
async fn debug_output_errors_and_traces_contain_nothing_of_a_file() {
    let recorder = Recorder::start();
    for response in [
        uploaded(),
        ScriptedResponse::json(400, r#"{"message": "no"}"#),
    ] {
        let server = Server::with_response(response.clone());
        let client = client(&server);
        let part = FilePart::bytes("canary", "canary").content_type("canary/x");
        let call = upload(&client, part)
            .extra("canary", "canary")
            .purpose("canary");
        let debug = format!("{call:?} {:?}", FilePart::path("canary/canary"));
        assert!(!debug.contains("canary"), "{debug}");
        if let Err(error) = call.send().await {
            assert!(!render_error(&error).contains("canary"));
        }
    }
    let (_server, client) = server_and_client(uploaded());
    let failing = FilePart::reader("canary", FailingReader(b"canary"));
    let error = upload(&client, failing).send().await.unwrap_err();
    assert!(
        !render_error(&error).contains("canary"),
        "{}",
        render_error(&error)
    );
    assert!(!recorder.spans("portkey.call").is_empty());
    assert!(
        !recorder.debug_output().contains("canary"),
        "{}",
        recorder.debug_output()
    );
}

// ---- Memory

/// Returns the peak memory usage of this process in bytes.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_file_is_not_loaded_into_memory() {
    const SIZE: u64 = 256 * 1024 * 1024;
    let file = TempFile::new("big.bin");
    fs::File::create(&file.0).unwrap().set_len(SIZE).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let service = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_head(&mut stream);
        let (mut buffer, mut tail, mut count) = (vec![0; 64 * 1024], Vec::new(), 0);
        while !tail.ends_with(b"--\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the connection was closed after {count} bytes");
            count += read as u64;
            tail = buffer[read.saturating_sub(64)..read].to_vec();
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            FILE_JSON.len()
        );
        stream.write_all((head + FILE_JSON).as_bytes()).unwrap();
        count
    });
    let client = Client::builder().api_key(KEY).base_url(base);
    let options = RequestOptions::new().retry(RetryPolicy::none());
    let client = client.options(options).build().unwrap();
    let last = Arc::new(Mutex::new(None));
    let recorded = last.clone();
    let before = peak_memory();
    let call = upload(&client, FilePart::path(&file.0));
    let call = call.progress(move |progress| *recorded.lock().unwrap() = Some(progress));
    let stored: files::OpenAiFile = call.send().await.unwrap();
    let grown = peak_memory() - before;
    assert_eq!(stored.id.as_deref(), Some("file-1"));
    let progress = last.lock().unwrap().unwrap();
    assert!(progress.sent > SIZE && progress.total == Some(progress.sent));
    assert_eq!(service.join().unwrap(), progress.sent);
    assert!(grown < SIZE / 4, "memory grew by {grown} bytes");
}
