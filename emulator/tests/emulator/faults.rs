//! Fault injection.

use std::time::{Duration, Instant};

use portkey_admin_emulator::{Emulator, Fault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestClient;

async fn get(client: &TestClient, path: &str) -> Result<reqwest::Response, reqwest::Error> {
    let url = format!("{}{path}", client.emulator.base_url());
    client
        .http
        .get(url)
        .header("x-portkey-api-key", &client.key)
        .send()
        .await
}

#[tokio::test]
async fn a_status_fault_is_limited_by_times() {
    let client = TestClient::new().await;
    let fault = Fault::on("list_api_keys")
        .times(2)
        .status(429)
        .retry_after("1");
    client.emulator.add_fault(fault).unwrap();
    client.get("/configs").await;
    for _ in 0..2 {
        let response = client.send(Method::GET, "/api-keys", Value::Null).await;
        assert_eq!(response.headers["retry-after"], "1");
        assert!(response.headers.contains_key("x-portkey-request-id"));
        assert_eq!(response.error().0, 429);
    }
    client.get("/api-keys").await;
    assert_eq!(client.emulator.requests().len(), 4);
}

#[tokio::test]
async fn a_faulted_write_executes_only_with_after_execution() {
    let client = TestClient::new().await;
    let create =
        |name: &'static str| client.send(Method::POST, "/admin/workspaces", json!({"name": name}));
    client
        .emulator
        .add_fault(Fault::on("create_workspace").times(1).status(503))
        .unwrap();
    client
        .emulator
        .add_fault(
            Fault::on("create_workspace")
                .times(1)
                .after_execution()
                .status(504),
        )
        .unwrap();
    assert_eq!(create("A").await.status, 503);
    assert_eq!(client.get("/admin/workspaces").await["total"], 1);
    assert_eq!(create("B").await.status, 504);
    assert_eq!(client.get("/admin/workspaces").await["total"], 2);
    client
        .emulator
        .add_fault(Fault::on_any_request().status(500))
        .unwrap();
    client.emulator.clear_faults();
    assert_eq!(create("C").await.status, 200);
}

#[tokio::test]
async fn connections_break_and_bodies_are_corrupted() {
    let client = TestClient::new().await;
    client
        .emulator
        .add_fault(Fault::on("list_configs").times(1).reset())
        .unwrap();
    let reset = get(&client, "/configs").await.unwrap_err();
    assert!(reset.is_request() && !reset.is_connect(), "{reset:?}");

    client
        .emulator
        .add_fault(Fault::on("list_configs").times(1).truncate())
        .unwrap();
    let cut = get(&client, "/configs").await.unwrap();
    assert_eq!(cut.status(), 200);
    let length = cut.content_length().unwrap();
    assert!(
        cut.bytes().await.is_err(),
        "expected a truncated body, but received {length} bytes"
    );

    client
        .emulator
        .add_fault(Fault::on("list_configs").times(1).malformed())
        .unwrap();
    let half = get(&client, "/configs").await.unwrap();
    assert_eq!(half.headers()["content-type"], "application/json");
    let half = half.bytes().await.unwrap();
    assert!(!half.is_empty() && serde_json::from_slice::<Value>(&half).is_err());
    client.get("/configs").await;
}

/// The client sees a connection reset, not an early end.
#[tokio::test]
async fn a_reset_fault_sends_a_tcp_reset() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let client = TestClient::new().await;
    client
        .emulator
        .add_fault(Fault::on_any_request().reset())
        .unwrap();
    let address = client.emulator.public_base_url().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: e\r\n\r\n")
        .await
        .unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn latency_delays_the_response() {
    let client = TestClient::new().await;
    let late = Duration::from_millis(80);
    client
        .emulator
        .add_fault(Fault::on("list_configs").latency(late))
        .unwrap();
    let started = Instant::now();
    client.get("/configs").await;
    assert!(started.elapsed() >= late);
}

#[tokio::test]
async fn probability_follows_the_random_seed() {
    let run = || async {
        let client =
            TestClient::with_emulator(Emulator::builder().random_seed(3).start().await.unwrap());
        client
            .emulator
            .add_fault(Fault::on_any_request().probability(0.5).status(500))
            .unwrap();
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(get(&client, "/configs").await.unwrap().status().as_u16());
        }
        statuses
    };
    let first = run().await;
    assert_eq!(first, run().await);
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
}

#[tokio::test]
async fn an_invalid_fault_is_rejected() {
    let client = TestClient::new().await;
    let cases = [
        (Fault::on("list_api_kyes"), "`list_api_kyes`"),
        (Fault::on_any_request().probability(1.5), "1.5"),
        (Fault::on_any_request().status(99), "200 to 599"),
        (Fault::on_any_request().retry_after("a\nb"), "Retry-After"),
    ];
    for (fault, expected) in cases {
        let error = client.emulator.add_fault(fault).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    client.get("/configs").await;
}

#[tokio::test]
async fn the_error_of_a_fault_has_the_code_of_its_status_and_the_envelope_of_its_plane() {
    let client = TestClient::new().await;
    for (status, code) in [
        (400, "AB01"),
        (401, "AB05"),
        (402, "AB09"),
        (403, "AB03"),
        (404, "AB08"),
        (409, "AB07"),
        (429, "AB06"),
        (500, "AB04"),
        (503, ""),
    ] {
        let fault = Fault::on_any_request().times(2).status(status);
        client.emulator.add_fault(fault).unwrap();
        let response = client.send_as(&client.key, Method::GET, "/configs", Value::Null);
        let response = response.await;
        assert_eq!(response.status, status);
        let found = response.body["data"]["errorCode"].as_str();
        assert_eq!(found.unwrap_or_default(), code, "{}", response.body);
        let response = client.send_as(&client.key, Method::GET, "/models", Value::Null);
        let response = response.await;
        assert_eq!(response.status, status);
        let expected = json!({"status": "failure", "message": "injected fault"});
        assert_eq!(response.body, expected);
    }
}
