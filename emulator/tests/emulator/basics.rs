//! Keys, routes, validation, recorded requests, start and shutdown.

use portkey_admin_emulator::{Clock, Emulator, Fault};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestClient, receive, string};

#[tokio::test]
async fn a_missing_or_wrong_key_is_401() {
    let client = TestClient::new().await;
    for key in ["wrong", "", "emulator-org-key-0"] {
        let response = client
            .send_as(key, Method::GET, "/configs", Value::Null)
            .await;
        let (status, _, message) = response.error();
        assert_eq!(status, 401);
        assert!(
            message.contains("x-portkey-api-key") && !message.contains("emulator"),
            "{message}"
        );
    }
    let keyless = receive(
        client
            .http
            .get(format!("{}/configs", client.emulator.base_url())),
    )
    .await;
    assert_eq!(keyless.error().0, 401);
}

#[tokio::test]
async fn every_response_has_trace_and_request_ids() {
    let client = TestClient::new().await;
    let mut ids = Vec::new();
    for (path, key) in [
        ("/configs", client.key.as_str()),
        ("/configs", "wrong"),
        ("/nothing", ""),
    ] {
        let response = client.send_as(key, Method::GET, path, Value::Null).await;
        assert!(response.headers.contains_key("x-portkey-trace-id"));
        ids.push(response.headers["x-portkey-request-id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn operations_without_a_handler_return_501_with_their_id() {
    let client = TestClient::new().await;
    for (path, name) in [
        ("/assistants", "list_assistants"),
        ("/vector_stores", "list_vector_stores"),
    ] {
        let (status, _, message) = client.expect_error(Method::GET, path, Value::Null).await;
        assert_eq!(status, 501);
        assert!(message.contains(&format!("`{name}`")), "{message}");
    }
}

#[tokio::test]
async fn unknown_paths_fail_as_in_the_service() {
    let client = TestClient::new().await;
    let cases = [
        (Method::GET, "/nothing/here", 400),
        (Method::GET, "/workspaces", 400),
        (Method::GET, "/workspaces/x/members", 400),
        (Method::GET, "/admin/integrations", 400),
        (Method::PUT, "/prompts/x/publish", 404),
        (Method::PUT, "/admin/users/invites/x", 404),
        (Method::GET, "/analytics/graphs/feedback", 404),
        (Method::GET, "/logs", 405),
        (Method::PATCH, "/configs", 404),
    ];
    for (method, path, expected) in cases {
        let (status, _, message) = client.expect_error(method.clone(), path, Value::Null).await;
        assert_eq!(status, expected, "{method} {path}: {message}");
    }
}

#[tokio::test]
async fn a_bad_request_names_the_field() {
    let client = TestClient::new().await;
    let cases = [
        (
            Method::GET,
            "/admin/workspaces?page_size=many",
            Value::Null,
            "query parameter `page_size`",
        ),
        (
            Method::GET,
            "/admin/users?role=king",
            Value::Null,
            "query parameter `role`",
        ),
        (
            Method::GET,
            "/analytics/graphs/cost",
            Value::Null,
            "query parameter `time_of_generation_min` is required",
        ),
        (
            Method::POST,
            "/api-keys/planet/service",
            json!({"name": "a", "scopes": ["x"]}),
            "path parameter `type`",
        ),
        (
            Method::POST,
            "/prompts",
            json!({"name": "a", "virtual_key": "b", "model": "m"}),
            "body: `/collection_id` is required",
        ),
        (
            Method::POST,
            "/admin/workspaces",
            json!({"name": 1}),
            "body: `/name`",
        ),
        (Method::POST, "/admin/workspaces", json!([]), "body: "),
        (
            Method::POST,
            "/admin/workspaces",
            Value::Null,
            "body: a JSON body is required",
        ),
        (
            Method::PUT,
            "/prompts/x/makeDefault",
            json!({"version": "2"}),
            "body: `/version`",
        ),
    ];
    for (method, path, body, expected) in cases {
        let (status, code, message) = client.expect_error(method, path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{path}");
        assert!(message.contains(expected), "{path}: {message}");
    }
    let url = format!("{}/admin/workspaces", client.emulator.base_url());
    let broken = receive(
        client
            .http
            .post(url)
            .header("x-portkey-api-key", &client.key)
            .body("{"),
    )
    .await;
    assert!(broken.error().2.contains("body: invalid JSON"));
}

#[tokio::test]
async fn prices_are_public_and_have_no_version() {
    let client = TestClient::new().await;
    let base = client.emulator.public_base_url();
    let price = receive(client.http.get(format!(
        "{base}/model-configs/pricing/example-provider/example-model"
    )))
    .await;
    assert_eq!(price.status, 200);
    assert!(price.body["pay_as_you_go"]["request_token"]["price"].is_number());
    let unknown = receive(client.http.get(format!(
        "{base}/model-configs/pricing/example-provider/other"
    )))
    .await;
    assert_eq!(unknown.status, 404);
    string(&unknown.body["error"]);
}

#[tokio::test]
async fn requests_are_recorded_verbatim() {
    let client = TestClient::new().await;
    let address = client.emulator.public_base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        "GET /v1/configs/a%2Fb%2520%C3%A9?x=%41&x=1 HTTP/1.1\r\nhost: e\r\nX-Custom: One\r\n";
    let request = format!(
        "{head}x-portkey-api-key: {}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
        client.key
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");

    let requests = client.emulator.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(request.method, "GET");
    assert_eq!(request.target, "/v1/configs/a%2Fb%2520%C3%A9?x=%41&x=1");
    assert_eq!(request.segments, ["v1", "configs", "a/b%20é"]);
    assert_eq!(request.header("x-custom"), Some("One"));
    assert_eq!(request.body, b"hi");
    assert!(!format!("{request:?}").contains(&client.key));
}

#[tokio::test]
async fn emulators_are_independent() {
    let (one, two) = (TestClient::new().await, TestClient::new().await);
    one.workspace("Only here").await;
    assert_eq!(one.get("/admin/workspaces").await["total"], 2);
    assert_eq!(two.get("/admin/workspaces").await["total"], 1);
    assert_eq!(
        two.send_as(&one.key, Method::GET, "/configs", Value::Null)
            .await
            .status,
        401
    );
}

/// Each emulator has its own clock, faults, recorded requests and ids.
#[tokio::test]
async fn nothing_is_shared_between_emulators() {
    let start = std::time::SystemTime::UNIX_EPOCH;
    let new = || {
        let builder = Emulator::builder()
            .clock(Clock::fixed(start))
            .random_seed(7);
        async { TestClient::with_emulator(builder.start().await.unwrap()) }
    };
    let (one, two) = (new().await, new().await);
    assert_ne!(one.emulator.base_url(), two.emulator.base_url());
    // The same seed gives the same ids, independently of the other emulator.
    one.emulator.advance(std::time::Duration::from_secs(60));
    one.emulator
        .add_fault(Fault::on("list_configs").status(503))
        .unwrap();
    let first = one.workspace("W").await;
    assert_eq!(
        one.send(Method::GET, "/configs", Value::Null).await.status,
        503
    );
    assert_eq!(two.emulator.requests().len(), 0);
    let (before, second) = (two.emulator.snapshot(), two.workspace("W").await);
    assert_eq!(two.get("/configs").await["total"], 1);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(
        (&first["created_at"], &second["created_at"]),
        (
            &json!("1970-01-01T00:01:00.000Z"),
            &json!("1970-01-01T00:00:00.000Z")
        )
    );
    two.emulator.restore(&before).unwrap();
    assert_eq!(two.get("/admin/workspaces").await["total"], 1);
    assert_eq!(one.get("/admin/workspaces").await["total"], 2);
    two.emulator.shutdown().await;
    assert_eq!(one.get("/admin/workspaces").await["total"], 2);
}

#[tokio::test]
async fn shutdown_frees_the_port() {
    let client = TestClient::new().await;
    client.get("/configs").await;
    let url = format!("{}/configs", client.emulator.base_url());
    client.emulator.shutdown().await;
    assert!(client.http.get(url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn dropping_stops_the_server() {
    let emulator = Emulator::start().await.unwrap();
    let address = emulator.public_base_url().replace("http://", "");
    drop(emulator);
    for _ in 0..100 {
        if TcpStream::connect(&address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the port still accepts connections two seconds after the drop");
}

/// The hosted service has these paths under `/v2` only.
#[tokio::test]
async fn v2_operations_are_unknown_under_v1() {
    let client = TestClient::new().await;
    for path in [
        "/deployments",
        "/admin/organisation/defaults",
        "/scim/groups",
    ] {
        let one = client.send(Method::GET, path, Value::Null).await;
        assert_eq!(one.status, 400, "{path}: {}", one.body);
        let url = format!("{}/v2{path}", client.emulator.public_base_url());
        let two = client
            .http
            .get(url)
            .header("x-portkey-api-key", &client.key);
        let two = two.send().await.unwrap();
        assert_ne!(two.status(), 400, "{path}");
    }
}
