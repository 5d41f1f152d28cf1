//! The control interface, over the program.

use std::time::Duration;

use portkey_admin_emulator::Emulator;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::program::Program;
use crate::support::{TempDir, column, string};

const SEED: &str = "
organisations:
  - name: O
    admin_key: emulator-org-key-fixed
    users: [{email: owner@example.com, role: owner}]
    workspaces: [{name: W}]
    keys:
      - {name: last, workspace: W, value: emulator-ws-key-fixed}
";

/// A program with fixed keys, a stopped clock and a control interface.
fn start() -> (Program, TempDir) {
    let directory = TempDir::new();
    let seed = directory.file("seed.yaml");
    std::fs::write(&seed, SEED).unwrap();
    let time = ["--time", "2026-01-01T00:00:00Z"];
    let arguments = [
        "--quiet",
        "--control-port",
        "0",
        "--seed",
        &seed,
        time[0],
        time[1],
    ];
    (Program::start(&arguments), directory)
}

impl Program {
    /// Sends a request to the control interface; returns its status and body.
    async fn control(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.http.request(method, format!("{}{path}", self.control));
        let request = match body {
            Value::Null => request,
            body => request.json(&body),
        };
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn control_ok(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, body) = self.control(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Sends a request to the emulator; returns its status.
    async fn status(&self, key: &str, path: &str) -> StatusCode {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = request.header("x-portkey-api-key", key);
        request.send().await.unwrap().status()
    }
}

#[tokio::test]
async fn keys_of_the_seed_are_fixed() {
    let (program, _directory) = start();
    assert_eq!(program.key("Emulator"), "emulator-org-key-fixed");
    assert_eq!(program.key("last"), "emulator-ws-key-fixed");
    assert_eq!(
        program.status("emulator-ws-key-fixed", "/configs").await,
        200
    );
    assert_eq!(
        program
            .status("emulator-org-key-fixed", "/admin/users")
            .await,
        200
    );
    let keys = program.control_ok(Method::GET, "/keys", Value::Null).await;
    let last = json!({"organisation": "O", "name": "last", "value": "emulator-ws-key-fixed"});
    assert_eq!(keys[1], last);
}

#[tokio::test]
async fn invalid_and_duplicate_key_values_are_refused() {
    for (keys, expected) in [
        (
            "[{name: last, value: 'a b'}]",
            "expected visible ASCII characters",
        ),
        (
            "[{name: last, value: ''}]",
            "expected visible ASCII characters",
        ),
        (
            "[{name: a, value: x}, {name: last, value: x}]",
            "another key has the same value",
        ),
    ] {
        let seed = format!("organisations: [{{name: O, workspaces: [{{name: W}}], keys: {keys}}}]");
        let seed = portkey_admin_emulator::Seed::parse("seed", &seed).unwrap();
        let error = Emulator::builder()
            .seed_data(seed)
            .start()
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn faults_are_added_and_removed() {
    let (program, _directory) = start();
    let fault = json!({"operation": "list_configs", "times": 1, "status": 503, "retry_after": "1"});
    program.control_ok(Method::POST, "/faults", fault).await;
    let key = program.key("last");
    assert_eq!(program.status(key, "/configs").await, 503);
    assert_eq!(program.status(key, "/configs").await, 200);
    let reset = json!({"effect": "reset"});
    program.control_ok(Method::POST, "/faults", reset).await;
    let request = program.http.get(format!("{}/configs", program.base));
    assert!(request.send().await.is_err());
    program
        .control_ok(Method::DELETE, "/faults", Value::Null)
        .await;
    assert_eq!(program.status(key, "/configs").await, 200);
    for (body, expected) in [
        (
            json!({"operation": "nothing"}),
            "unknown operation `nothing`",
        ),
        (json!({"probability": 2}), "probability"),
        (json!({"times": 1, "stauts": 500}), "unknown field `stauts`"),
        (json!({"status": 500, "effect": "reset"}), "found both"),
    ] {
        let (status, error) = program.control(Method::POST, "/faults", body).await;
        let message = string(&error["error"]);
        assert!(status == 400 && message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn scripts_set_the_output_of_the_model() {
    let (program, _directory) = start();
    let script = json!({
        "operation": "create_chat_completion", "times": 1, "text": "It rains.", "chunk_size": 2,
        "stop": {"how": "end", "after": 2},
    });
    program.control_ok(Method::POST, "/scripts", script).await;
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let chat = async || {
        let response = program
            .http
            .post(format!("{}/chat/completions", program.base));
        let response = response.header("x-portkey-api-key", program.key("last"));
        let response = response
            .header("x-portkey-provider", "openai")
            .json(&request);
        let body: Value = response.send().await.unwrap().json().await.unwrap();
        string(&body["choices"][0]["message"]["content"])
    };
    assert_eq!(chat().await, "It rains.");
    assert_eq!(chat().await, "You said: x");
    let (status, error) = program
        .control(
            Method::POST,
            "/scripts",
            json!({"operation": "list_configs"}),
        )
        .await;
    assert_eq!(status, 400, "{error}");
    program
        .control_ok(Method::DELETE, "/scripts", Value::Null)
        .await;
}

#[tokio::test]
async fn the_clock_advances_on_request_only() {
    let (program, _directory) = start();
    let clock = program.control_ok(Method::GET, "/clock", Value::Null).await;
    assert_eq!(clock, json!({"now": "2026-01-01T00:00:00.000Z"}));
    let by = json!({"milliseconds": 60_000});
    let clock = program.control_ok(Method::POST, "/clock/advance", by).await;
    assert_eq!(clock, json!({"now": "2026-01-01T00:01:00.000Z"}));
    let body =
        json!({"name": "k", "scopes": ["configs.list"], "expires_at": "2026-01-01T00:02:00Z"});
    let path = "/api-keys/organisation/service";
    let created = program.send("Emulator", Method::POST, path, body).await;
    let key = string(&created["key"]);
    assert_eq!(program.status(&key, "/configs").await, 200);
    let by = json!({"milliseconds": 60_000});
    program.control_ok(Method::POST, "/clock/advance", by).await;
    assert_eq!(program.status(&key, "/configs").await, 401);
}

#[tokio::test]
async fn invitations_are_accepted() {
    let (program, _directory) = start();
    let body = json!({"email": "new@example.com", "role": "member"});
    let invite = program
        .send("Emulator", Method::POST, "/admin/users/invites", body)
        .await;
    let path = format!("/invites/{}/accept", string(&invite["id"]));
    let accepted = program.control_ok(Method::POST, &path, Value::Null).await;
    let users = program.get("Emulator", "/admin/users").await;
    assert!(column(&users, "id").contains(&string(&accepted["user_id"])));
    let (status, error) = program.control(Method::POST, &path, Value::Null).await;
    assert_eq!(status, 400, "{error}");
}

#[tokio::test]
async fn requests_are_listed() {
    let (program, _directory) = start();
    let config = json!({"name": "c", "config": {"retry": {"attempts": 1}}});
    program
        .send("last", Method::POST, "/configs?a=%20", config.clone())
        .await;
    let url = format!("{}/logs", program.base);
    program
        .http
        .post(url)
        .body(vec![0xff, 0xfe])
        .send()
        .await
        .unwrap();
    let requests = program
        .control_ok(Method::GET, "/requests", Value::Null)
        .await;
    let first = &requests[0];
    assert_eq!(
        (&first["method"], &first["operation"], &first["target"]),
        (
            &json!("POST"),
            &json!("create_config"),
            &json!("/v1/configs?a=%20")
        )
    );
    let headers = first["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-portkey-api-key", "emulator-ws-key-fixed"])));
    let body: Value = serde_json::from_str(first["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, config);
    assert_eq!(requests[1]["body_base64"], "//4=");
    assert_eq!(
        program
            .control_ok(Method::GET, "/uploads", Value::Null)
            .await,
        json!([])
    );
}

#[tokio::test]
async fn a_snapshot_is_restored() {
    let (program, _directory) = start();
    let before = program
        .control_ok(Method::GET, "/snapshot", Value::Null)
        .await;
    let config = json!({"name": "c", "config": {"retry": {"attempts": 1}}});
    program.send("last", Method::POST, "/configs", config).await;
    let by = json!({"milliseconds": 5000});
    program.control_ok(Method::POST, "/clock/advance", by).await;
    assert_eq!(program.get("last", "/configs").await["total"], 1);
    program.control_ok(Method::PUT, "/snapshot", before).await;
    assert_eq!(program.get("last", "/configs").await["total"], 0);
    let clock = program.control_ok(Method::GET, "/clock", Value::Null).await;
    assert_eq!(clock["now"], "2026-01-01T00:00:00.000Z");
    let (status, error) = program
        .control(Method::PUT, "/snapshot", json!({"a": 1}))
        .await;
    assert_eq!(status, 400, "{error}");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let (program, _directory) = start();
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::GET, "/invites/x", 404),
        (Method::PUT, "/faults", 405),
        (Method::GET, "/invites/x/accept", 405),
    ] {
        let (found, error) = program.control(method, path, Value::Null).await;
        assert_eq!(found, status, "{path}: {error}");
    }
    // The emulator itself does not have them.
    assert_eq!(program.status(program.key("last"), "/faults").await, 400);
    let public = program.base.replace("/v1", "/keys");
    assert_eq!(program.http.get(public).send().await.unwrap().status(), 400);
}

/// A page of another origin, and one that made its name resolve to 127.0.0.1.
#[tokio::test]
async fn web_pages_are_refused() {
    let (program, _directory) = start();
    let keys = format!("{}/keys", program.control);
    for (name, value) in [
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("host", "rebound.example.com"),
        ("host", "127.0.0.1.example.com:80"),
        ("host", "localhost:x"),
    ] {
        let response = program
            .http
            .get(&keys)
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
        assert!(!response.text().await.unwrap().contains("emulator-"));
    }
    for host in ["localhost", "localhost:1", "127.0.0.1"] {
        let response = program
            .http
            .get(&keys)
            .header("host", host)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{host}");
    }
    // HTTP/1.0 has no host header.
    let address = program.control.replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /keys HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.0 403") || response.starts_with("HTTP/1.1 403"),
        "{response}"
    );
}

#[tokio::test]
async fn the_interface_is_off_by_default_and_ends_with_the_emulator() {
    let emulator = Emulator::start().await.unwrap();
    assert_eq!(emulator.control_url(), None);
    let emulator = Emulator::builder().control_port(0).start().await.unwrap();
    let url = emulator.control_url().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let clock = format!("{url}/clock");
    assert_eq!(http.get(&clock).send().await.unwrap().status(), 200);
    emulator.shutdown().await;
    for _ in 0..50 {
        if http.get(&clock).send().await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the control interface still responds");
}
