//! Uploads on raw sockets: what goes over the wire, what is sent again, and what is said when it fails.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

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
    Client, FilePart, RequestOptions, RetryPolicy, UploadProgress, builder::UploadFile, types,
};
use support::{
    KEY, answered, attempts, builder, client, sending,
    server::{Answer, Request, Server},
    shown,
    spans::Recorder,
    until,
};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

const FILE: &str = r#"{"id": "file-1", "object": "file", "bytes": 3, "created_at": 1,
    "filename": "a.jsonl", "purpose": "batch", "status": "processed"}"#;

fn stored() -> Answer {
    Answer::json(200, FILE)
}

/// An upload with everything that it needs.
fn upload(client: &Client, file: FilePart) -> UploadFile {
    client.upload_file().file(file).purpose("batch")
}

/// The boundary of a request, and its body with that boundary written as `B`.
fn framed(request: &Request) -> String {
    let kinds = request.header("content-type");
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    let boundary = kinds[0].strip_prefix("multipart/form-data; boundary=");
    let boundary = boundary.unwrap();
    assert!(boundary.len() >= 32);
    let body = String::from_utf8(request.body.clone()).unwrap();
    body.replace(boundary, "B")
}

/// A file of the file system, for as long as a test runs.
struct Temporary(PathBuf);

impl Temporary {
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

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

/// A reader that gives some bytes and then fails.
struct Failing(&'static [u8]);

impl AsyncRead for Failing {
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

// ---- What goes over the wire

const FRAMED: &str = "--B\r\n\
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
async fn every_source_sends_the_same_bytes() {
    let file = Temporary::with("a.jsonl", b"{}\n");
    for (part, measured) in [
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
        let (server, client) = answered(stored());
        let answer = upload(&client, part).send_with_response().await.unwrap();
        assert_eq!(answer.value().id.as_deref(), Some("file-1"));
        let request = server.request();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/v1/files")
        );
        assert_eq!(framed(&request), FRAMED);
        assert_eq!(request.header("x-portkey-api-key"), [KEY]);
        assert_eq!(request.header("accept"), ["application/json"]);
        let length = request.body.len().to_string();
        match measured {
            true => assert_eq!(request.header("content-length"), [length]),
            false => assert_eq!(request.header("transfer-encoding"), ["chunked"]),
        }
    }
}

#[tokio::test]
async fn fields_are_parts_in_the_order_in_which_they_were_set() {
    let (server, client) = answered(Answer::json(200, r#"{"text": "hello"}"#));
    let answer = client
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
    assert_eq!(serde_json::to_value(&answer).unwrap()["text"], "hello");
    let body = framed(&server.request());
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
async fn every_upload_reaches_its_operation() {
    let images = || Answer::json(200, r#"{"created": 1, "data": [{"url": "https://h/1"}]}"#);
    let file = || FilePart::bytes("a.png", "abc");
    let (server, client) = answered(images());
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
    sending(text.temperature(0.0).response_format("json").send())
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
    let edit = framed(&requests[0]);
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
async fn text_comes_as_text() {
    let srt = "1\n00:00:00,000 --> 00:00:01,000\nHällo\n";
    let (server, client) = answered(Answer::empty(200).with_body(srt));
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
        "create_transcription: not sent: `response_format` is `srt`; use `send_text`"
    );
    assert_eq!(server.connections(), 1);
    let (_server, client) = answered(Answer::empty(200).with_bytes(&b"\xff"[..]));
    let call = client.create_translation().model("whisper-1");
    let call = call
        .file(FilePart::bytes("a.wav", "abc"))
        .response_format("vtt");
    let error = call.send_text().await.unwrap_err();
    assert!(error.to_string().contains("no text in UTF-8"), "{error}");
    assert!(error.may_have_executed());
}

#[tokio::test]
async fn no_name_breaks_out_of_its_line() {
    let (server, client) = answered(stored());
    let evil = "a\"\r\nX-Evil: 1\r\n\r\n--B";
    let file = FilePart::bytes(evil, "abc");
    upload(&client, file)
        .extra(evil, evil)
        .send()
        .await
        .unwrap();
    let body = framed(&server.request());
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
        "upload_file: not sent: part `file`: its content type is none"
    );
    assert_eq!(server.connections(), 1);
}

// ---- What is not sent

async fn refused(call: UploadFile) -> String {
    let error = call.send().await.unwrap_err();
    assert!(error.is_invalid_request() && !error.may_have_executed());
    assert_eq!(error.attempts(), 0);
    error.to_string()
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_sent() {
    let (server, client) = answered(stored());
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
        error.to_string().contains("`temperature` is NaN"),
        "{error}"
    );

    let missing = Temporary::new("missing.jsonl");
    let folder = missing.0.parent().unwrap().to_owned();
    let said = refused(upload(&client, FilePart::path(&missing.0))).await;
    let place = format!(
        "upload_file: not sent: part `file`: {} cannot be read: ",
        missing.0.display()
    );
    assert!(said.starts_with(&place), "{said}");
    let said = refused(upload(&client, FilePart::path(&folder))).await;
    let expected = format!(
        "upload_file: not sent: part `file`: {} is a directory",
        folder.display()
    );
    assert_eq!(said, expected);
    assert_eq!(server.connections(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_would_never_end_is_not_opened() {
    let (server, client) = answered(stored());
    let said = refused(upload(&client, FilePart::path("/dev/zero"))).await;
    assert!(
        said.ends_with("/dev/zero is no regular file; use a reader"),
        "{said}"
    );
    assert_eq!(server.connections(), 0);
}

// ---- What fails on the way

#[tokio::test]
async fn a_reader_that_fails_says_so_and_is_not_repeated() {
    for (part, what) in [
        (FilePart::reader("a", Failing(b"abc")), "the cable is cut"),
        (
            FilePart::reader_of_length("a", Failing(b"abc"), 10),
            "the cable is cut",
        ),
        (
            FilePart::reader_of_length("a", &b"abc"[..], 10),
            "it ends 7 bytes too early",
        ),
    ] {
        let server = Server::answering(stored());
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

/// A service that refuses the first request and takes the second.
fn busy() -> Server {
    let busy = Answer::json(429, r#"{"message": "slow down"}"#);
    Server::playing([busy.with_header("retry-after-ms", "1"), stored()])
}

#[tokio::test]
async fn what_can_be_opened_again_is_sent_again() {
    let file = Temporary::with("a.jsonl", b"{}\n");
    for part in [FilePart::bytes("a.jsonl", "{}\n"), FilePart::path(&file.0)] {
        let server = busy();
        let client = builder(&server).options(attempts(3)).build().unwrap();
        let answer = upload(&client, part).send_with_response().await.unwrap();
        assert_eq!(answer.attempts(), 2);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|request| framed(request) == FRAMED));
    }
}

#[tokio::test]
async fn a_reader_is_not_repeated_once_it_was_read() {
    let server = busy();
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let call = upload(&client, FilePart::reader("a.jsonl", &b"{}\n"[..]));
    let error = call.send().await.unwrap_err();
    assert!(error.is_rate_limited());
    assert_eq!((error.attempts(), server.connections()), (1, 1));
}

/// Reads up to the end of a request's head.
fn read_head(stream: &mut impl Read) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
}

#[tokio::test]
async fn a_reader_of_which_nothing_was_read_is_repeated() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let (arrived, seen) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (counter, kept) = (arrived.clone(), seen.clone());
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_head(&mut first);
        let busy = "HTTP/1.1 429 Busy\r\nretry-after-ms: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        first.write_all(busy.as_bytes()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        read_head(&mut second);
        counter.fetch_add(1, Ordering::SeqCst);
        let mut body = Vec::new();
        while !body.ends_with(b"\r\n0\r\n\r\n") {
            let mut byte = [0];
            second.read_exact(&mut byte).unwrap();
            body.extend(byte);
        }
        *kept.lock().unwrap() = body;
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            FILE.len()
        );
        second.write_all((head + FILE).as_bytes()).unwrap();
    });
    let (mut writer, reader) = tokio::io::duplex(64);
    tokio::spawn(async move {
        until(|| arrived.load(Ordering::SeqCst) == 1).await;
        writer.write_all(b"all of it").await.unwrap();
    });
    let client = Client::builder().api_key(KEY).base_url(base);
    let client = client.options(attempts(3)).build().unwrap();
    let answer = upload(&client, FilePart::reader("a", reader)).send_with_response();
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
    assert_eq!(answer.unwrap().unwrap().attempts(), 2);
    let body = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
    assert!(body.contains("all of it"), "{body}");
}

#[tokio::test]
async fn a_file_that_vanishes_between_attempts_is_named() {
    let file = Temporary::with("a.jsonl", b"{}\n");
    let path = file.0.clone();
    let server = Server::start(move |_| {
        let _ = fs::remove_file(&path);
        Answer::empty(429).with_header("retry-after-ms", "1")
    });
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let error = upload(&client, FilePart::path(&file.0))
        .send()
        .await
        .unwrap_err();
    let place = format!(
        "upload_file: part `file` ({}) could not be read: ",
        file.0.display()
    );
    assert!(error.to_string().starts_with(&place), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_lost_upload_is_not_repeated_for_it_may_have_been_taken() {
    let server = Server::answering(stored().hanging_up().then_reset());
    let client = builder(&server).options(attempts(3)).build().unwrap();
    let error = upload(&client, FilePart::bytes("a", "abc"))
        .send()
        .await
        .unwrap_err();
    assert!(error.may_have_executed());
    assert_eq!((error.attempts(), server.connections()), (1, 1));
}

// ---- Time

#[tokio::test]
async fn only_standstill_runs_out_of_time() {
    let (server, client) = answered(stored());
    let limit = Duration::from_millis(500);
    let client = client.with_options(RequestOptions::new().timeout(limit));
    // Slow, and in all longer than the limit.
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
    assert_eq!(framed(&server.request()).matches("piece").count(), 8);

    let (_writer, silent) = tokio::io::duplex(64);
    for (answer, part) in [
        (stored(), FilePart::reader("a", silent)),
        (
            stored().cut_after(0).then_stall(),
            FilePart::bytes("a", "abc"),
        ),
    ] {
        let server = Server::answering(answer);
        let client = builder(&server).options(RequestOptions::new().timeout(limit));
        let client = client.build().unwrap();
        let error = upload(&client, part).send().await.unwrap_err();
        assert!(error.is_timeout() && error.may_have_executed(), "{error}");
        assert_eq!(error.to_string(), "upload_file: no answer within 500ms");
    }
}

#[tokio::test]
async fn a_dropped_call_closes_the_connection() {
    let server = Server::answering(stored().cut_after(0).then_stall());
    let client = client(&server);
    let call = tokio::spawn(upload(&client, FilePart::bytes("a", "abc")).send());
    until(|| !server.requests().is_empty()).await;
    call.abort();
    until(|| server.hangups() == 1).await;
}

#[tokio::test]
async fn progress_grows_up_to_the_total() {
    let content = vec![b'x'; 300_000];
    for (part, measured) in [
        (FilePart::bytes("a", content.clone()), true),
        (
            FilePart::reader("a", io::Cursor::new(content.clone())),
            false,
        ),
    ] {
        let (server, client) = answered(stored());
        let seen = Arc::new(Mutex::new(Vec::<UploadProgress>::new()));
        let told = seen.clone();
        let call = upload(&client, part);
        let call = call.progress(move |progress| told.lock().unwrap().push(progress));
        call.send().await.unwrap();
        let seen = seen.lock().unwrap();
        let length = server.request().body.len() as u64;
        assert!(seen.len() >= 5, "{seen:?}");
        assert!(seen.is_sorted_by(|before, after| before.sent < after.sent));
        assert_eq!(seen.last().unwrap().sent, length);
        let total = measured.then_some(length);
        assert!(seen.iter().all(|progress| progress.total == total));
    }
}

// ---- Secrets

#[tokio::test]
async fn nothing_of_a_file_shows() {
    let recorder = Recorder::start();
    for answer in [stored(), Answer::json(400, r#"{"message": "no"}"#)] {
        let server = Server::answering(answer.clone());
        let client = client(&server);
        let part = FilePart::bytes("canary", "canary").content_type("canary/x");
        let call = upload(&client, part)
            .extra("canary", "canary")
            .purpose("canary");
        let debug = format!("{call:?} {:?}", FilePart::path("canary/canary"));
        assert!(!debug.contains("canary"), "{debug}");
        if let Err(error) = call.send().await {
            assert!(!shown(&error).contains("canary"));
        }
    }
    let (_server, client) = answered(stored());
    let failing = FilePart::reader("canary", Failing(b"canary"));
    let error = upload(&client, failing).send().await.unwrap_err();
    assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    assert!(!recorder.spans("portkey.call").is_empty());
    assert!(!recorder.text().contains("canary"), "{}", recorder.text());
}

// ---- Size

/// The most memory that this process had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_big_file_takes_no_memory() {
    const SIZE: u64 = 256 * 1024 * 1024;
    let file = Temporary::new("big.bin");
    fs::File::create(&file.0).unwrap().set_len(SIZE).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let service = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_head(&mut stream);
        let (mut buffer, mut tail, mut count) = (vec![0; 64 * 1024], Vec::new(), 0);
        while !tail.ends_with(b"--\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "it broke off after {count} bytes");
            count += read as u64;
            tail = buffer[read.saturating_sub(64)..read].to_vec();
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            FILE.len()
        );
        stream.write_all((head + FILE).as_bytes()).unwrap();
        count
    });
    let client = Client::builder().api_key(KEY).base_url(base);
    let options = RequestOptions::new().retry(RetryPolicy::none());
    let client = client.options(options).build().unwrap();
    let last = Arc::new(Mutex::new(None));
    let told = last.clone();
    let before = peak();
    let call = upload(&client, FilePart::path(&file.0));
    let call = call.progress(move |progress| *told.lock().unwrap() = Some(progress));
    let stored: types::OpenAiFile = call.send().await.unwrap();
    let grown = peak() - before;
    assert_eq!(stored.id.as_deref(), Some("file-1"));
    let progress = last.lock().unwrap().unwrap();
    assert!(progress.sent > SIZE && progress.total == Some(progress.sent));
    assert_eq!(service.join().unwrap(), progress.sent);
    assert!(grown < SIZE / 4, "{grown} bytes of memory");
}
