//! Multipart forms and stored files.

use portkey_admin_emulator::{Content, Fault, Script, Upload};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::streams::client;
use crate::support::{Response, TestClient, receive, string};

pub const BOUNDARY: &str = "edge";

/// One part: name, file name and content type, content.
pub type Part<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

pub fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        body.extend(
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"").bytes(),
        );
        if let Some((file_name, content_type)) = file {
            body.extend(
                format!("; filename=\"{file_name}\"\r\ncontent-type: {content_type}").bytes(),
            );
        }
        body.extend(b"\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn request(client: &TestClient, path: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
    let url = format!("{}{path}", client.emulator.base_url());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = client.http.post(url).header("content-type", content_type);
    request.header("x-portkey-api-key", &client.key).body(body)
}

async fn send(client: &TestClient, path: &str, parts: &[Part<'_>]) -> Response {
    let response = receive(request(client, path, form(parts))).await;
    if response.status == 200 {
        crate::response_schema::assert_response("POST", path, &response.body);
    }
    response
}

async fn upload(client: &TestClient, name: &str, content: &[u8]) -> Value {
    let file = ("file", Some((name, "application/jsonl")), content);
    let response = send(client, "/files", &[("purpose", None, b"batch"), file]).await;
    assert_eq!(response.status, 200, "{}", response.body);
    response.body
}

async fn content(client: &TestClient, path: &str, range: Option<&str>) -> reqwest::Response {
    let url = format!("{}{path}", client.emulator.base_url());
    let mut request = client
        .http
        .get(url)
        .header("x-portkey-api-key", &client.key);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_file_is_stored_listed_read_and_deleted() {
    let client = client().await;
    let one = upload(&client, "größe \u{201c}1\u{201d}.jsonl", b"0123456789").await;
    assert_eq!(
        (&one["bytes"], &one["purpose"]),
        (&json!(10), &json!("batch"))
    );
    assert_eq!(one["filename"], "größe \u{201c}1\u{201d}.jsonl");
    let path = format!("/files/{}", string(&one["id"]));
    assert_eq!(client.get(&path).await, one);
    let two = upload(&client, "b", b"").await;
    let list = client.get("/files").await;
    assert_eq!(list["data"], json!([two, one]));
    assert_eq!(client.get("/files?purpose=vision").await["data"], json!([]));

    let path = format!("{path}/content");
    let whole = content(&client, &path, None).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.content_length(), Some(10));
    assert_eq!(whole.bytes().await.unwrap(), "0123456789");
    let part = content(&client, &path, Some("bytes=2-4")).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.bytes().await.unwrap(), "234");
    let none = content(&client, &path, Some("bytes=10-")).await;
    assert_eq!(none.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(none.headers()["content-range"], "bytes */10");

    let path = format!("/files/{}", string(&one["id"]));
    assert_eq!(client.delete(&path).await["deleted"], true);
    assert_eq!(
        client.expect_error(Method::GET, &path, Value::Null).await.0,
        404
    );
}

#[tokio::test]
async fn uploads_are_recorded_for_assertions() {
    let client = client().await;
    let image = ("image", Some(("a.png", "image/png")), &b"png"[..]);
    let parts = [image, ("prompt", None, b"paint it"), ("n", None, b"2")];
    let response = send(&client, "/images/edits", &parts).await;
    assert_eq!(
        response.body["data"].as_array().unwrap().len(),
        2,
        "{}",
        response.body
    );
    let url = string(&response.body["data"][0]["url"]);
    let image_response = client.http.get(url).send().await.unwrap();
    assert_eq!(image_response.headers()["content-type"], "image/png");

    let uploads: Vec<Upload> = client.emulator.uploads();
    assert_eq!(
        (uploads.len(), uploads[0].operation.as_str()),
        (1, "create_image_edit")
    );
    let names: Vec<&str> = uploads[0]
        .parts
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(names, ["image", "prompt", "n"]);
    let image = uploads[0].part("image").unwrap();
    assert_eq!(image.file_name.as_deref(), Some("a.png"));
    assert_eq!(image.content_type.as_deref(), Some("image/png"));
    assert_eq!(
        (image.size, &image.sha256),
        (3, &Content::bytes(*b"png").sha256())
    );
    assert_eq!(
        uploads[0].part("prompt").unwrap().text.as_deref(),
        Some("paint it")
    );
    // Recorded requests do not include the body.
    assert!(client.emulator.requests()[0].body.is_empty());
}

#[tokio::test]
async fn transcriptions_use_the_requested_format() {
    let client = client().await;
    let file = ("file", Some(("a.mp3", "audio/mpeg")), &b"sound"[..]);
    let model = ("model", None, &b"whisper-1"[..]);
    for path in ["/audio/transcriptions", "/audio/translations"] {
        let plain = send(&client, path, &[file, model]).await;
        let transcript = string(&plain.body["text"]);
        assert!(
            transcript.starts_with("5 bytes of audio/mpeg"),
            "{transcript}"
        );
        // The response must match exactly one of the two schemas in the OpenAPI document.
        let parts = [file, model, ("response_format", None, b"verbose_json")];
        let verbose = receive(request(&client, path, form(&parts))).await;
        assert_eq!(verbose.body["segments"][0]["text"], transcript.as_str());
        let parts = [file, model, ("response_format", None, b"srt")];
        let srt = request(&client, path, form(&parts)).send().await.unwrap();
        assert!(srt.text().await.unwrap().contains("-->"));
    }
}

/// A file of 17 MiB is accepted, but only its size and checksum are stored.
#[tokio::test]
async fn too_large_content_is_not_stored() {
    let client = client().await;
    let large = Content::synthetic(17 << 20, 3);
    let file = upload(&client, "large", &large.read(0, 17 << 20)).await;
    assert_eq!(file["bytes"], 17 << 20);
    assert_eq!(
        client.emulator.uploads()[0].part("file").unwrap().sha256,
        large.sha256()
    );
    let path = format!("/files/{}/content", string(&file["id"]));
    let (status, _, message) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!(status, 501);
    assert!(message.contains("16 MiB"), "{message}");

    let script = Script::on("get_file_content").content(Content::synthetic(1 << 40, 3));
    client.emulator.add_script(script).unwrap();
    let part = content(&client, &path, Some("bytes=1099511627770-")).await;
    assert_eq!(
        part.headers()["content-range"],
        "bytes 1099511627770-1099511627775/1099511627776"
    );
    let expected = Content::synthetic(1 << 40, 3).read((1 << 40) - 6, 100);
    assert_eq!(part.bytes().await.unwrap(), expected);
}

/// The quota is 64 MiB in total; deleting a file frees its share.
#[tokio::test]
async fn content_is_stored_within_the_quota() {
    let client = client().await;
    let bytes = vec![7; 15 << 20];
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(string(
            &upload(&client, &number.to_string(), &bytes).await["id"],
        ));
    }
    let status = async |id: &str| {
        content(&client, &format!("/files/{id}/content"), None)
            .await
            .status()
    };
    assert_eq!(status(&ids[3]).await, 200);
    assert_eq!(status(&ids[4]).await, 501);
    client.delete(&format!("/files/{}", ids[0])).await;
    let again = string(&upload(&client, "again", &bytes).await["id"]);
    assert_eq!(status(&again).await, 200);
}

#[tokio::test]
async fn a_batch_runs_the_requests_of_a_file() {
    let client = client().await;
    let line = |id: &str, url: &str, body: Value| {
        json!({"custom_id": id, "method": "POST", "url": url, "body": body}).to_string()
    };
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let lines = [
        line("a", "/v1/chat/completions", chat),
        line("b", "/v1/embeddings", json!({"model": "m", "input": "x"})),
        line("c", "/v1/nothing", json!({})),
    ];
    let file = upload(&client, "in.jsonl", lines.join("\n").as_bytes()).await;
    let request = json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions",
        "completion_window": "24h", "metadata": {"night": "1"}});
    let batch = client.post("/batches", request.clone()).await;
    assert_eq!(batch["status"], "in_progress");
    let path = format!("/batches/{}", string(&batch["id"]));
    let output = format!("{path}/output");
    assert_eq!(
        client
            .expect_error(Method::GET, &output, Value::Null)
            .await
            .0,
        404
    );

    client.emulator.advance(std::time::Duration::from_secs(2));
    let completed = client.get(&path).await;
    assert_eq!(
        (
            &completed["status"],
            &completed["request_counts"]["completed"]
        ),
        (&json!("completed"), &json!(3))
    );
    let output = content(&client, &output, None).await.text().await.unwrap();
    let lines: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["custom_id"], "a");
    let message = &lines[0]["response"]["body"]["choices"][0]["message"];
    assert_eq!(message["content"], "You said: hi");
    let status = |line: usize| lines[line]["response"]["status_code"].clone();
    assert_eq!((status(1), status(2)), (json!(200), json!(400)));
    let same = format!("/files/{}/content", string(&completed["output_file_id"]));
    assert_eq!(
        content(&client, &same, None).await.text().await.unwrap(),
        output
    );

    let cancel = format!("{path}/cancel");
    assert_eq!(
        client
            .expect_error(Method::POST, &cancel, Value::Null)
            .await
            .0,
        409
    );
    let other = client.post("/batches", request).await;
    let cancel = format!("/batches/{}/cancel", string(&other["id"]));
    assert_eq!(
        client.post(&cancel, Value::Null).await["status"],
        "cancelled"
    );
    let list = client.get("/batches?limit=1").await;
    assert_eq!(
        (&list["data"][0]["id"], &list["has_more"]),
        (&other["id"], &json!(true))
    );
    let rest = client
        .get(&format!("/batches?after={}", string(&other["id"])))
        .await;
    assert_eq!(
        (&rest["data"][0]["id"], &rest["has_more"]),
        (&batch["id"], &json!(false))
    );

    let file = upload(&client, "bad.jsonl", b"{}\nnonsense\n").await;
    let request = json!({"input_file_id": file["id"], "endpoint": "/v1/embeddings", "completion_window": "24h"});
    let failed = client.post("/batches", request).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["errors"]["data"][1]["line"], 2, "{failed}");
}

#[tokio::test]
async fn speech_is_delivered_as_scripted() {
    let client = client().await;
    let body = json!({"model": "tts-1", "voice": "nova", "input": "one two three"});
    let speak = || {
        let url = format!("{}/audio/speech", client.emulator.base_url());
        let request = client.http.post(url).json(&body);
        request.header("x-portkey-api-key", &client.key).send()
    };
    let audio = speak().await.unwrap();
    assert_eq!(audio.headers()["content-type"], "audio/mpeg");
    let first = audio.bytes().await.unwrap();
    assert_eq!(first.len(), 3 * 1024);
    assert_eq!(speak().await.unwrap().bytes().await.unwrap(), first);

    let large = Content::synthetic(300_000, 1);
    let script = Script::on("create_speech")
        .times(1)
        .content(large.clone())
        .chunk_size(1000);
    client.emulator.add_script(script).unwrap();
    assert_eq!(
        speak().await.unwrap().bytes().await.unwrap(),
        large.read(0, 300_000)
    );
    client
        .emulator
        .add_script(Script::on("create_speech").content(large).close_after(2))
        .unwrap();
    assert!(speak().await.unwrap().bytes().await.is_err());
    client
        .emulator
        .add_fault(Fault::on("create_speech").malformed())
        .unwrap();
    client.emulator.clear_scripts();
    assert_eq!(
        speak().await.unwrap().bytes().await.unwrap(),
        first[..first.len() / 2]
    );
}

#[tokio::test]
async fn simple_operations_return_their_documented_shapes() {
    let client = client().await;
    let request = json!({"model": "m", "input": ["a", "b"], "dimensions": 4});
    let vectors = client.post("/embeddings", request).await;
    assert_eq!(vectors["data"][1]["embedding"].as_array().unwrap().len(), 4);
    let verdict = client
        .post("/moderations", json!({"input": ["violence", "peace"]}))
        .await;
    let flagged = |index: usize| verdict["results"][index]["flagged"].clone();
    assert_eq!((flagged(0), flagged(1)), (json!(true), json!(false)));
    let models = client.get("/models?limit=2&offset=1").await;
    let model = &models["data"][1];
    assert_eq!(
        client
            .get(&format!("/models/{}", string(&model["id"])))
            .await,
        *model
    );
    let images = json!({"prompt": "dot", "n": 3, "response_format": "b64_json"});
    let images = client.post("/images/generations", images).await;
    assert_eq!(images["data"].as_array().unwrap().len(), 3);
    let request = json!({"model": "m", "query": "red apples", "documents": ["a pear", "red apples", {"text": "red"}], "top_n": 2});
    let order = client.post("/rerank", request).await;
    let indices = (&order["results"][0]["index"], &order["results"][1]["index"]);
    assert_eq!(indices, (&json!(1), &json!(2)));
}

#[tokio::test]
async fn an_invalid_form_is_rejected_with_the_field_path() {
    let client = client().await;
    let file = ("file", Some(("a", "text/plain")), &b"x"[..]);
    let cases: [(&[Part<'_>], &str); 4] = [
        (&[("purpose", None, b"batch")], "`/file` is required"),
        (&[file], "`/purpose` is required"),
        (&[file, ("purpose", None, b"fun")], "`/purpose`"),
        (
            &[("file", None, b"x"), ("purpose", None, b"batch")],
            "`/file` must be a file",
        ),
    ];
    for (parts, expected) in cases {
        let (status, _, message) = send(&client, "/files", parts).await.error();
        assert_eq!(status, 400);
        assert!(message.contains(expected), "{message}");
    }
    let many = vec![("a", None, &b""[..]); 70];
    assert_eq!(send(&client, "/files", &many).await.error().0, 413);
    let long = vec![b'a'; 300 * 1024];
    assert_eq!(
        send(&client, "/files", &[("a", None, &long)])
            .await
            .error()
            .0,
        413
    );
    let json = client
        .expect_error(Method::POST, "/files", json!({"purpose": "batch"}))
        .await;
    assert!(json.2.contains("`content-type`"), "{json:?}");
}

#[tokio::test]
async fn a_malformed_form_is_rejected_and_the_next_one_is_served() {
    let client = client().await;
    let head = "content-disposition: form-data; name=\"file\"; filename=\"f\"\r\n";
    let cases = [
        (String::new(), "is truncated"),
        ("no boundary at all".to_owned(), "is truncated"),
        (
            format!("--{BOUNDARY}\r\n{head}\r\nabc"),
            "`/file` is truncated",
        ),
        (format!("--{BOUNDARY}\r\n{head}"), "part 1 is truncated"),
        (
            format!("--{BOUNDARY}\r\ncontent-type: text/plain\r\n\r\nx\r\n--{BOUNDARY}--"),
            "part 1 has no name",
        ),
        (
            format!("--{BOUNDARY}\r\nno header\r\n\r\nx\r\n--{BOUNDARY}--"),
            "part 1",
        ),
        // An endless head.
        (
            format!("--{BOUNDARY}\r\n{head}x: {}", "y".repeat(3 << 20)),
            "part 1 has a head that is too large",
        ),
        // No first boundary.
        ("z".repeat(3 << 20), "part 1"),
    ];
    for (body, expected) in cases {
        let response = receive(request(&client, "/files", body.into_bytes())).await;
        let (status, _, message) = response.error();
        assert_eq!(status, 400, "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("body: "), "{message}");
    }
    for content_type in [
        "multipart/form-data",
        "text/plain",
        "multipart/form-data; boundary=",
    ] {
        let url = format!("{}/files", client.emulator.base_url());
        let request = client
            .http
            .post(url)
            .header("content-type", content_type)
            .body("x");
        let rejected = receive(request.header("x-portkey-api-key", &client.key)).await;
        assert_eq!(rejected.status, 400, "{content_type}");
    }
    // The connection is closed in the middle of the body.
    let address = client.emulator.public_base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let start = format!(
        "POST /v1/files HTTP/1.1\r\nhost: e\r\nx-portkey-api-key: {}\r\ncontent-length: 1000\r\n\
        content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n--{BOUNDARY}\r\n{head}\r\nabc",
        client.key
    );
    stream.write_all(start.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut response = String::new();
    // The server may close the connection with or without a response.
    let _ = stream.read_to_string(&mut response).await;
    assert!(
        response.is_empty() || response.contains(" 400 "),
        "{response}"
    );
    upload(&client, "after", b"x").await;
}
