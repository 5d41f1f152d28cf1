//! Malformed and hostile requests: they get an error response, and the next request is served.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{TestClient, receive};

/// The timeout of any response. Most take milliseconds, but the machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

async fn connect(client: &TestClient) -> TcpStream {
    let address = client.emulator.public_base_url().replace("http://", "");
    TcpStream::connect(address).await.unwrap()
}

/// Sends bytes and reads until the server closes the connection; returns status and body.
async fn send_raw(client: &TestClient, request: &[u8]) -> (u16, String) {
    let mut stream = connect(client).await;
    let mut response = Vec::new();
    let exchange = async {
        // The server may respond before it has read everything.
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_end(&mut response).await;
    };
    timeout(TIMEOUT, exchange).await.unwrap();
    let response = String::from_utf8_lossy(&response).into_owned();
    let status = response.get(9..12).and_then(|status| status.parse().ok());
    let body = response.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or(0), body.to_owned())
}

fn request_head(client: &TestClient, extra_headers: &str) -> String {
    format!(
        "POST /v1/admin/workspaces HTTP/1.1\r\nhost: e\r\nconnection: close\r\nx-portkey-api-key: {}\r\n{extra_headers}\r\n",
        client.key
    )
}

async fn post_text(client: &TestClient, path: &str, body: Vec<u8>) -> (u16, String) {
    let url = format!("{}{path}", client.emulator.base_url());
    let request = client
        .http
        .post(url)
        .header("x-portkey-api-key", &client.key)
        .body(body);
    let response = timeout(TIMEOUT, receive(request)).await;
    let (status, _, message) = response.unwrap().error();
    (status, message)
}

#[tokio::test]
async fn large_bodies_are_checked_or_rejected() {
    let client = TestClient::new().await;
    let large_body = json!({"name": 1, "description": "x".repeat(10 * 1024 * 1024)});
    let (status, message) =
        post_text(&client, "/admin/workspaces", large_body.to_string().into()).await;
    assert!(
        status == 400 && message.contains("`/name`") && message.len() < 1000,
        "{status}"
    );
    let wrong = format!("{{\"name\":\"a\",\"scopes\":[{}1]}}", "1,".repeat(400_000));
    let (status, message) =
        post_text(&client, "/api-keys/organisation/service", wrong.into()).await;
    assert!(
        status == 400 && message.contains("`/scopes/0`"),
        "{status} {message}"
    );
    let (status, message) = post_text(&client, "/configs", vec![b' '; 17 * 1024 * 1024]).await;
    assert!(status == 413 && message.contains("body"), "{message}");
    client.get("/configs").await;
}

#[tokio::test]
async fn deeply_nested_json_is_rejected() {
    let client = TestClient::new().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body = format!("{{\"name\":\"a\",\"config\":{nested}}}");
        let (status, message) = post_text(&client, "/configs", body.into()).await;
        assert!(status == 400 && message.contains("levels"), "{message}");
    }
}

/// Parsed values take up to a hundred times the size of their text.
#[tokio::test]
async fn json_with_too_many_values_is_rejected() {
    let client = TestClient::new().await;
    let wide = |item: &str| format!("[{}0]", format!("{item},").repeat(500_000));
    for item in ["0", "[]", "{\"a\":0}"] {
        let body = format!("{{\"name\":\"a\",\"config\":{}}}", wide(item));
        let (status, message) = post_text(&client, "/configs", body.into()).await;
        assert!(
            status == 413 && message.contains("500000 JSON values"),
            "{message}"
        );
    }
    // A config can also be a string with JSON.
    let config = format!("{{\"a\":{}}}", wide("0"));
    let error = client
        .expect_error(
            Method::POST,
            "/configs",
            json!({"name": "a", "config": config}),
        )
        .await;
    assert!(error.0 == 400 && error.2.contains("`/config`"), "{error:?}");
}

/// Sends heads of requests and parts of their bodies, and then nothing.
async fn stall(client: &TestClient, times: usize, request: &str) -> Vec<TcpStream> {
    let mut stalled = Vec::new();
    for _ in 0..times {
        let mut stream = connect(client).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    stalled
}

#[tokio::test]
async fn stalled_bodies_do_not_hold_up_others() {
    let client = TestClient::new().await;
    let chunked = request_head(&client, "transfer-encoding: chunked\r\n");
    let sized = request_head(&client, "content-length: 2000000\r\n");
    let large = "x".repeat(300_000);
    for request in [
        chunked.clone(),
        format!("{chunked}1\r\n{{\r\n"),
        format!("{chunked}{:x}\r\n{large}\r\n", large.len()),
        sized.clone(),
        format!("{sized}{large}"),
    ] {
        let stalled = stall(&client, 40, &request).await;
        let body = json!({"name": "w", "description": large}).to_string();
        let others = [
            format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
            format!(
                "{}{body}",
                request_head(&client, &format!("content-length: {}\r\n", body.len()))
            ),
        ];
        for other in others {
            let response = send_raw(&client, other.as_bytes());
            let response = timeout(Duration::from_secs(15), response).await;
            let (status, body) = response.expect("the request was held up");
            assert_eq!(status, 200, "{body}");
        }
        drop(stalled);
    }
}

/// Sends a complete request before it reads, as many clients do.
async fn send_before_reading(client: &TestClient, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = connect(client).await;
    let mut response = String::new();
    let exchange = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        stream.read_to_string(&mut response).await
    };
    let result = timeout(TIMEOUT, exchange).await.unwrap();
    result.unwrap_or_else(|error| panic!("{error} after {response:?}"));
    (response[9..12].parse().unwrap(), response)
}

#[tokio::test]
async fn a_response_to_a_body_that_is_not_read_to_its_end_arrives() {
    let client = TestClient::new().await;
    let data = "x".repeat(24_000_000);
    let chunk = format!("{:x}\r\n{data}\r\n0\r\n\r\n", data.len());
    let chunked = request_head(&client, "transfer-encoding: chunked\r\n");
    let sized = request_head(&client, &format!("content-length: {}\r\n", data.len()));
    let part = "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\n";
    let form = sized.replace("/v1/admin/workspaces", "/v1/files");
    let form = form.replace(
        "\r\nhost",
        "\r\ncontent-type: multipart/form-data; boundary=b\r\nhost",
    );
    let unreadable = format!("zz\r\n{data}");
    let text = format!("{part}{}", &data[part.len()..]);
    for (head, body, expected) in [
        (&sized, &data, 413),
        (&chunked, &chunk, 413),
        (&form, &text, 413),
        (&form, &data, 400),
        (&chunked, &unreadable, 400),
    ] {
        for _ in 0..6 {
            let (status, response) = send_before_reading(&client, head, body.as_bytes()).await;
            assert_eq!(status, expected, "{response}");
            assert!(response.contains("\"success\":false"), "{response}");
        }
    }
}

/// A client that waits for `100 Continue` sends nothing of a body that is too large.
#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_not_requested() {
    let client = TestClient::new().await;
    let head = request_head(
        &client,
        "content-length: 17000000\r\nexpect: 100-continue\r\n",
    );
    let (status, body) = send_raw(&client, head.as_bytes()).await;
    assert_eq!(status, 413, "{body}");
}

/// JSON in a query parameter, and templates that include each other recursively.
#[tokio::test]
async fn deep_nesting_outside_bodies_terminates() {
    let client = TestClient::new().await;
    let deep = format!("{}1{}", "%5B".repeat(10_000), "%5D".repeat(10_000));
    let metadata = format!("{{%22a%22:{deep}}}");
    let span =
        "time_of_generation_min=2020-01-01T00:00:00Z&time_of_generation_max=2040-01-01T00:00:00Z";
    for path in [
        format!("/analytics/graphs/cost?{span}&metadata={metadata}"),
        format!("/secret-references?tags={metadata}"),
    ] {
        let request = client.send(Method::GET, &path, Value::Null);
        let response = timeout(TIMEOUT, request).await.unwrap();
        let name = path.rsplit(['&', '?']).next().unwrap();
        let name = name.split('=').next().unwrap();
        let (status, _, message) = response.error();
        assert!(status == 400 && message.contains(name), "{name}: {message}");
    }

    let workspace = client.first("/admin/workspaces").await["id"].clone();
    let partial = json!({"name": "p", "string": "x", "workspace_id": workspace});
    let partial = client.post("/prompts/partials", partial).await;
    let slug = partial["slug"].as_str().unwrap();
    let twice = format!("{{{{>{slug}}}}}{{{{>{slug}}}}}");
    let path = format!("/prompts/partials/{slug}");
    client.put(&path, json!({"string": twice})).await;
    client
        .put(&format!("{path}/makeDefault"), json!({"version": 2}))
        .await;
    let prompt = client.first("/prompts").await["slug"].clone();
    let prompt = format!("/prompts/{}", prompt.as_str().unwrap());
    client
        .put(&prompt, json!({"string": twice, "patch": true}))
        .await;
    client
        .put(&format!("{prompt}/makeDefault"), json!({"version": 3}))
        .await;
    let render = format!("{prompt}/render");
    let rendered = client.send(Method::POST, &render, json!({"variables": {}}));
    let response = timeout(TIMEOUT, rendered).await.unwrap();
    assert_eq!(response.status, 200, "{}", response.body);
}

#[tokio::test]
async fn invalid_utf8_is_rejected_with_its_location() {
    let client = TestClient::new().await;
    let (status, message) =
        post_text(&client, "/admin/workspaces", b"{\"name\":\"\xff\"}".into()).await;
    assert!(
        status == 400 && message.starts_with("body: invalid JSON"),
        "{message}"
    );
    let request = b"GET /v1/configs HTTP/1.1\r\nhost: e\r\nconnection: close\r\nx-portkey-api-key: \xff\xfe\r\n\r\n";
    let (status, body) = send_raw(&client, request).await;
    assert!(
        status == 401 && body.contains("x-portkey-api-key"),
        "{status} {body}"
    );
    let (status, _, message) = client
        .expect_error(Method::GET, "/configs/%ff%fe", Value::Null)
        .await;
    assert_eq!(status, 404, "{message}");
    let error = client
        .expect_error(Method::GET, "/admin/workspaces?page_size=%ff", Value::Null)
        .await;
    assert!(
        error.0 == 400 && error.2.contains("`page_size`"),
        "{error:?}"
    );
}

#[tokio::test]
async fn malformed_chunks_and_truncated_bodies_are_rejected() {
    let client = TestClient::new().await;
    let chunked = request_head(&client, "transfer-encoding: chunked\r\n");
    for chunk_size in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n{}",
        "2\r\n{}??0\r\n\r\n",
    ] {
        let (status, body) = send_raw(&client, format!("{chunked}{chunk_size}").as_bytes()).await;
        assert!(
            status == 400 && body.contains("body"),
            "{chunk_size}: {status} {body}"
        );
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["success"], false);
    }
    let mut stream = connect(&client).await;
    let short = format!("{}{{", request_head(&client, "content-length: 100\r\n"));
    stream.write_all(short.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.1 400") && response.contains("truncated"),
        "{response}"
    );
    assert_eq!(client.get("/admin/workspaces").await["total"], 1);
}

/// hyper responds to these without a body; the emulator replaces its responses.
#[tokio::test]
async fn malformed_heads_get_the_error_envelope() {
    let client = TestClient::new().await;
    let key = format!("x-portkey-api-key: {}\r\n", client.key);
    let get = |extra_headers: &str| {
        format!("GET /v1/configs HTTP/1.1\r\nhost: e\r\n{key}{extra_headers}\r\n")
    };
    let cases = [
        ("\0\0\0\0\r\n\r\n".to_owned(), 400, "method"),
        ("GET\r\n\r\n".to_owned(), 400, "head"),
        ("GET /v1/configs\r\n\r\n".to_owned(), 400, "URI"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400, "version"),
        ("GET v1 configs HTTP/1.1\r\n\r\n".to_owned(), 400, "head"),
        (get("no colon\r\n"), 400, "header"),
        (get("a b: c\r\n"), 400, "header"),
        (get("a: \u{1}\r\n"), 400, "header"),
        (get("transfer-encoding: gzip\r\n"), 400, "transfer-encoding"),
        (get("content-length: many\r\n"), 400, "content-length"),
        (
            get("content-length: 1\r\ncontent-length: 2\r\n"),
            400,
            "content-length",
        ),
        (get(&"a: b\r\n".repeat(10_000)), 431, "too large"),
        (
            get(&format!("a: {}\r\n", "b".repeat(1024 * 1024))),
            431,
            "too large",
        ),
        (
            format!("GET /{} HTTP/1.1\r\nhost: e\r\n\r\n", "a".repeat(100_000)),
            414,
            "URI",
        ),
    ];
    for (request, expected, word) in cases {
        let start: String = request.chars().take(60).collect();
        let (status, body) = send_raw(&client, request.as_bytes()).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{start}: {body}"));
        assert_eq!(
            (status, &body["success"]),
            (expected, &json!(false)),
            "{start}"
        );
        let message = body["data"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("malformed request head: ") && message.contains(word),
            "{start}: {message}"
        );
        let code = if expected == 400 {
            json!("AB01")
        } else {
            Value::Null
        };
        assert_eq!(body["data"]["errorCode"], code, "{start}");
    }
    client.get("/configs").await;
}

/// Earlier requests on the same connection get their response first.
#[tokio::test]
async fn a_malformed_head_after_a_valid_request_gets_the_error_envelope() {
    let client = TestClient::new().await;
    let good = format!(
        "GET /v1/configs HTTP/1.1\r\nhost: e\r\nx-portkey-api-key: {}\r\n\r\n",
        client.key
    );
    let (status, rest) = send_raw(&client, format!("{good}BAD\r\n\r\n").as_bytes()).await;
    assert_eq!(status, 200);
    assert!(rest.contains("\"object\":\"list\""), "{rest}");
    let (first, second) = rest.split_once("HTTP/1.1 400 Bad Request\r\n").unwrap();
    assert!(serde_json::from_str::<Value>(first).is_ok(), "{first}");
    let (request_head, body) = second.split_once("\r\n\r\n").unwrap();
    assert!(
        request_head.contains("x-portkey-request-id: "),
        "{request_head}"
    );
    assert!(serde_json::from_str::<Value>(body).is_ok(), "{body}");
}

#[tokio::test]
async fn dropped_connections_leak_nothing() {
    let client = TestClient::new().await;
    for round in 0..3000 {
        let mut stream = connect(&client).await;
        match round % 3 {
            0 => {}
            1 => stream.write_all(b"GET /v1/con").await.unwrap(),
            _ => stream.set_zero_linger().unwrap(),
        }
    }
    client.get("/configs").await;
    assert_eq!(client.emulator.requests().len(), 1);
}

/// Connections that are open without a request do not prevent others from being served.
#[tokio::test]
async fn idle_connections_do_not_block_others() {
    let client = TestClient::new().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(connect(&client).await);
    }
    client.get("/configs").await;
    drop(silent);
}

#[tokio::test]
async fn every_invalid_body_gets_the_error_envelope() {
    let client = TestClient::new().await;
    for body in [
        "",
        "nul",
        "[]",
        "1",
        "\"a\"",
        "{\"name\":[]}",
        "{\"name\":\"a\"",
        "{\"name\":\"a\"}}",
    ] {
        let (status, message) = post_text(&client, "/admin/workspaces", body.into()).await;
        assert!(
            status == 400 && message.contains("body"),
            "{body}: {status} {message}"
        );
    }
}
