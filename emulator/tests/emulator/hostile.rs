//! Requests that no client of good will sends: the answer is a refusal, and the next one is served.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{World, receive};

/// How long any answer may take; most take milliseconds, and the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

async fn connect(world: &World) -> TcpStream {
    let address = world.emulator.public_base_url().replace("http://", "");
    TcpStream::connect(address).await.unwrap()
}

/// Sends bytes and reads until the server closes; status and body.
async fn raw(world: &World, request: &[u8]) -> (u16, String) {
    let mut stream = connect(world).await;
    let mut answer = Vec::new();
    let exchange = async {
        // The server may refuse before it has read everything.
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    timeout(LIMIT, exchange).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or(0), body.to_owned())
}

fn head(world: &World, more: &str) -> String {
    format!(
        "POST /v1/admin/workspaces HTTP/1.1\r\nhost: e\r\nconnection: close\r\nx-portkey-api-key: {}\r\n{more}\r\n",
        world.key
    )
}

async fn post_text(world: &World, path: &str, body: Vec<u8>) -> (u16, String) {
    let url = format!("{}{path}", world.emulator.base_url());
    let request = world
        .http
        .post(url)
        .header("x-portkey-api-key", &world.key)
        .body(body);
    let answer = timeout(LIMIT, receive(request)).await;
    let (status, _, message) = answer.unwrap().refusal();
    (status, message)
}

#[tokio::test]
async fn large_bodies_are_checked_or_refused() {
    let world = World::new().await;
    let long = json!({"name": 1, "description": "x".repeat(10 * 1024 * 1024)});
    let (status, message) = post_text(&world, "/admin/workspaces", long.to_string().into()).await;
    assert!(
        status == 400 && message.contains("`/name`") && message.len() < 1000,
        "{status}"
    );
    let wrong = format!(
        "{{\"name\":\"a\",\"scopes\":[{}1]}}",
        "1,".repeat(2 * 1024 * 1024)
    );
    let (status, message) = post_text(&world, "/api-keys/organisation/service", wrong.into()).await;
    assert!(
        status == 400 && message.contains("`/scopes/0`"),
        "{status} {message}"
    );
    let (status, message) = post_text(&world, "/configs", vec![b' '; 17 * 1024 * 1024]).await;
    assert!(status == 413 && message.contains("body"), "{message}");
    world.get("/configs").await;
}

#[tokio::test]
async fn deep_json_is_no_json() {
    let world = World::new().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body = format!("{{\"name\":\"a\",\"config\":{nested}}}");
        let (status, message) = post_text(&world, "/configs", body.into()).await;
        assert!(status == 400 && message.contains("recursion"), "{message}");
    }
}

/// JSON in the text of a query, and templates that ask for each other without end.
#[tokio::test]
async fn deep_things_elsewhere_come_to_an_end() {
    let world = World::new().await;
    let deep = format!("{}1{}", "%5B".repeat(10_000), "%5D".repeat(10_000));
    let metadata = format!("{{%22a%22:{deep}}}");
    let span =
        "time_of_generation_min=2020-01-01T00:00:00Z&time_of_generation_max=2040-01-01T00:00:00Z";
    for path in [
        format!("/analytics/graphs/cost?{span}&metadata={metadata}"),
        format!("/secret-references?tags={metadata}"),
    ] {
        let asked = world.send(Method::GET, &path, Value::Null);
        let answer = timeout(LIMIT, asked).await.unwrap();
        let name = path.rsplit(['&', '?']).next().unwrap();
        let name = name.split('=').next().unwrap();
        let (status, _, message) = answer.refusal();
        assert!(status == 400 && message.contains(name), "{name}: {message}");
    }

    let workspace = world.first("/admin/workspaces").await["id"].clone();
    let partial = json!({"name": "p", "string": "x", "workspace_id": workspace});
    let partial = world.post("/prompts/partials", partial).await;
    let slug = partial["slug"].as_str().unwrap();
    let twice = format!("{{{{>{slug}}}}}{{{{>{slug}}}}}");
    let path = format!("/prompts/partials/{slug}");
    world.put(&path, json!({"string": twice})).await;
    world
        .put(&format!("{path}/makeDefault"), json!({"version": 2}))
        .await;
    let prompt = world.first("/prompts").await["slug"].clone();
    let prompt = format!("/prompts/{}", prompt.as_str().unwrap());
    world
        .put(&prompt, json!({"string": twice, "patch": true}))
        .await;
    world
        .put(&format!("{prompt}/makeDefault"), json!({"version": 3}))
        .await;
    let render = format!("{prompt}/render");
    let rendered = world.send(Method::POST, &render, json!({"variables": {}}));
    let answer = timeout(LIMIT, rendered).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn invalid_utf8_is_refused_with_its_place() {
    let world = World::new().await;
    let (status, message) =
        post_text(&world, "/admin/workspaces", b"{\"name\":\"\xff\"}".into()).await;
    assert!(
        status == 400 && message.starts_with("body: is not JSON"),
        "{message}"
    );
    let request = b"GET /v1/configs HTTP/1.1\r\nhost: e\r\nconnection: close\r\nx-portkey-api-key: \xff\xfe\r\n\r\n";
    let (status, body) = raw(&world, request).await;
    assert!(
        status == 401 && body.contains("x-portkey-api-key"),
        "{status} {body}"
    );
    let (status, _, message) = world
        .refused(Method::GET, "/configs/%ff%fe", Value::Null)
        .await;
    assert_eq!(status, 404, "{message}");
    let refusal = world
        .refused(Method::GET, "/admin/workspaces?page_size=%ff", Value::Null)
        .await;
    assert!(
        refusal.0 == 400 && refusal.2.contains("`page_size`"),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn bad_chunks_and_bodies_that_end_early_are_refused() {
    let world = World::new().await;
    let chunked = head(&world, "transfer-encoding: chunked\r\n");
    for chunks in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n{}",
        "2\r\n{}??0\r\n\r\n",
    ] {
        let (status, body) = raw(&world, format!("{chunked}{chunks}").as_bytes()).await;
        assert!(
            status == 400 && body.contains("body"),
            "{chunks}: {status} {body}"
        );
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["success"], false);
    }
    let mut stream = connect(&world).await;
    let short = format!("{}{{", head(&world, "content-length: 100\r\n"));
    stream.write_all(short.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("cut off"),
        "{answer}"
    );
    assert_eq!(world.get("/admin/workspaces").await["total"], 1);
}

/// hyper answers these without a body; what arrives is the service's envelope all the same.
#[tokio::test]
async fn heads_that_are_not_http_get_the_envelope() {
    let world = World::new().await;
    let key = format!("x-portkey-api-key: {}\r\n", world.key);
    let get = |more: &str| format!("GET /v1/configs HTTP/1.1\r\nhost: e\r\n{key}{more}\r\n");
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
    for (request, expected, problem) in cases {
        let start: String = request.chars().take(60).collect();
        let (status, body) = raw(&world, request.as_bytes()).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{start}: {body}"));
        assert_eq!(
            (status, &body["success"]),
            (expected, &json!(false)),
            "{start}"
        );
        let message = body["data"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("head of the request: ") && message.contains(problem),
            "{start}: {message}"
        );
        let code = if expected == 400 {
            json!("AB01")
        } else {
            Value::Null
        };
        assert_eq!(body["data"]["errorCode"], code, "{start}");
    }
    world.get("/configs").await;
}

/// What was asked before on the same connection is answered first.
#[tokio::test]
async fn a_malformed_head_behind_a_good_one_gets_the_envelope_too() {
    let world = World::new().await;
    let good = format!(
        "GET /v1/configs HTTP/1.1\r\nhost: e\r\nx-portkey-api-key: {}\r\n\r\n",
        world.key
    );
    let (status, rest) = raw(&world, format!("{good}BAD\r\n\r\n").as_bytes()).await;
    assert_eq!(status, 200);
    assert!(rest.contains("\"object\":\"list\""), "{rest}");
    let (first, second) = rest.split_once("HTTP/1.1 400 Bad Request\r\n").unwrap();
    assert!(serde_json::from_str::<Value>(first).is_ok(), "{first}");
    let (head, body) = second.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("x-portkey-request-id: "), "{head}");
    assert!(serde_json::from_str::<Value>(body).is_ok(), "{body}");
}

#[tokio::test]
async fn connections_that_come_and_go_leave_nothing_behind() {
    let world = World::new().await;
    for round in 0..3000 {
        let mut stream = connect(&world).await;
        match round % 3 {
            0 => {}
            1 => stream.write_all(b"GET /v1/con").await.unwrap(),
            _ => stream.set_zero_linger().unwrap(),
        }
    }
    world.get("/configs").await;
    assert_eq!(world.emulator.requests().len(), 1);
}

/// Whoever holds connections open without a word keeps nobody else out for ever.
#[tokio::test]
async fn silent_connections_do_not_keep_others_out() {
    let world = World::new().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(connect(&world).await);
    }
    world.get("/configs").await;
    drop(silent);
}

#[tokio::test]
async fn every_refusal_of_a_wrong_body_has_the_envelope() {
    let world = World::new().await;
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
        let (status, message) = post_text(&world, "/admin/workspaces", body.into()).await;
        assert!(
            status == 400 && message.contains("body"),
            "{body}: {status} {message}"
        );
    }
}
