//! What the gateway refuses: requests without a provider, with an unknown one, or beyond a limit.

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestClient, receive, string};

/// Three prompt words and five words of output: eight tokens.
fn chat() -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "one two three"}]})
}

/// Creates a client with a key of the organisation, and a key of its workspace: model requests
/// require a workspace key.
async fn start() -> (TestClient, String) {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (_, key) = client
        .workspace_key(&workspace, &["completions.write"])
        .await;
    (client, key)
}

/// Sends a chat completion with these headers and no others.
async fn chat_with(
    client: &TestClient,
    key: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/chat/completions", client.emulator.base_url());
    let mut request = http.post(url).header("x-portkey-api-key", key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    receive(request.json(body)).await
}

fn message(response: &Response) -> String {
    assert_eq!(response.body["status"], "failure", "{}", response.body);
    string(&response.body["message"])
}

#[tokio::test]
async fn a_request_without_a_provider_is_refused() {
    let (client, key) = start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (method, path, body) in [
        (Method::POST, "/chat/completions", chat()),
        (
            Method::POST,
            "/embeddings",
            json!({"model": "m", "input": "x"}),
        ),
        (
            Method::POST,
            "/responses",
            json!({"model": "m", "input": "x"}),
        ),
        (Method::POST, "/images/generations", json!({"prompt": "x"})),
        (Method::GET, "/files", Value::Null),
    ] {
        let url = format!("{}{path}", client.emulator.base_url());
        let request = http.request(method, url).header("x-portkey-api-key", &key);
        let response = receive(request.json(&body)).await;
        assert_eq!(response.status, 400, "{path}: {}", response.body);
        assert!(message(&response).contains("x-portkey-provider"), "{path}");
    }
    let url = format!("{}/models", client.emulator.base_url());
    let request = http.get(url).header("x-portkey-api-key", &key);
    assert_eq!(receive(request).await.status, 200);
}

#[tokio::test]
async fn providers_are_named_in_five_ways() {
    let (client, key) = start().await;
    let config = string(&client.first("/configs").await["slug"]);
    let mut with_model = chat();
    with_model["model"] = json!("@openai-main/gpt-4o");
    let inline = r#"{"strategy":{"mode":"fallback"},"targets":[{"provider":"@openai-main"},{"virtual_key":"openai-main"}]}"#;
    for (headers, body) in [
        (vec![("x-portkey-provider", "openai")], chat()),
        (vec![("x-portkey-provider", "@openai-main")], chat()),
        (vec![("x-portkey-virtual-key", "openai-main")], chat()),
        (vec![("x-portkey-config", config.as_str())], chat()),
        (vec![("x-portkey-config", inline)], chat()),
        (vec![], with_model),
    ] {
        let response = chat_with(&client, &key, &headers, &body).await;
        assert_eq!(response.status, 200, "{headers:?}: {}", response.body);
    }
}

#[tokio::test]
async fn unknown_providers_and_configs_are_refused() {
    let (client, key) = start().await;
    let mut with_model = chat();
    with_model["model"] = json!("@nope/gpt-4o");
    let provider = ("x-portkey-provider", "openai");
    for (headers, body, expected) in [
        (
            vec![("x-portkey-provider", "@nope")],
            chat(),
            "header `x-portkey-provider`",
        ),
        (
            vec![("x-portkey-virtual-key", "nope")],
            chat(),
            "header `x-portkey-virtual-key`",
        ),
        (
            vec![("x-portkey-config", "pc-nope")],
            chat(),
            "header `x-portkey-config`",
        ),
        (
            vec![("x-portkey-config", "pc-nope"), provider],
            chat(),
            "header `x-portkey-config`",
        ),
        (
            vec![("x-portkey-config", r#"{"virtual_key":"nope"}"#)],
            chat(),
            "`/virtual_key`",
        ),
        (
            vec![(
                "x-portkey-config",
                r#"{"strategy":{"mode":"loadbalance"},"targets":[{"provider":"openai"},{"provider":"@nope"}]}"#,
            )],
            chat(),
            "`/targets/1/provider`",
        ),
        (vec![], with_model, "`/model`"),
    ] {
        let response = chat_with(&client, &key, &headers, &body).await;
        assert_eq!(response.status, 400, "{headers:?}: {}", response.body);
        assert!(message(&response).contains(expected), "{}", response.body);
    }
}

#[tokio::test]
async fn malformed_configs_are_refused_inline_and_saved() {
    let (client, key) = start().await;
    let workspace = client.first_workspace().await;
    for (config, expected) in [
        (
            r#"{"strategy":{"mode":"dance"},"targets":"x"}"#,
            "/strategy/mode",
        ),
        (
            r#"{"strategy":{"mode":"single"},"targets":"x"}"#,
            "/targets",
        ),
        (r#"{"retry":{}}"#, "/retry"),
        ("{}", "/provider` or one of"),
    ] {
        let headers = [
            ("x-portkey-config", config),
            ("x-portkey-provider", "openai"),
        ];
        let response = chat_with(&client, &key, &headers, &chat()).await;
        assert_eq!(response.status, 400, "{config}");
        assert!(message(&response).contains(expected), "{}", response.body);
        let parsed: Value = serde_json::from_str(config).unwrap();
        let body = json!({"name": "c", "config": parsed, "workspace_id": workspace});
        let (status, code, message) = client.expect_error(Method::POST, "/configs", body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{config}");
        assert!(message.contains(expected), "{message}");
    }
    let headers = [
        ("x-portkey-config", r#"{"canary"#),
        ("x-portkey-provider", "openai"),
    ];
    let response = chat_with(&client, &key, &headers, &chat()).await;
    assert!(
        message(&response).contains("invalid JSON"),
        "{}",
        response.body
    );
    // A config that names no provider needs one beside it.
    let headers = [("x-portkey-config", r#"{"cache":{"mode":"simple"}}"#)];
    assert_eq!(
        chat_with(&client, &key, &headers, &chat()).await.status,
        400
    );
}

#[tokio::test]
async fn the_default_config_of_a_key_names_the_provider() {
    let mut client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let config = string(&client.first("/configs").await["id"]);
    let defaults = json!({"config_id": config, "allow_config_override": false});
    let body = json!({"name": "k", "workspace_id": workspace, "scopes": ["completions.write"], "defaults": defaults});
    client.key = string(&client.post("/api-keys/workspace/service", body).await["key"]);
    assert_eq!(
        chat_with(&client, &client.key, &[], &chat()).await.status,
        200
    );
    let headers = [("x-portkey-config", r#"{"virtual_key":"openai-main"}"#)];
    let response = chat_with(&client, &client.key, &headers, &chat()).await;
    assert_eq!(response.status, 400);
    assert!(
        message(&response).contains("overridden"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn usage_of_model_requests_exhausts_a_key_until_the_limit_is_raised() {
    let mut client = TestClient::new().await;
    let (admin, workspace) = (client.key.clone(), client.first_workspace().await);
    let limits = json!({"type": "tokens", "credit_limit": 10});
    let body = json!({"name": "k", "workspace_id": workspace, "scopes": ["completions.write", "configs.list"],
        "usage_limits": limits});
    let created = client.post("/api-keys/workspace/service", body).await;
    let path = format!("/api-keys/{}", string(&created["id"]));
    client.key = string(&created["key"]);
    let provider = [("x-portkey-provider", "openai")];
    for expected in [200, 200, 412, 412] {
        let response = chat_with(&client, &client.key, &provider, &chat()).await;
        assert_eq!(response.status, expected, "{}", response.body);
        if expected == 412 {
            assert!(message(&response).contains("API key"), "{}", response.body);
        }
    }
    // Streams count as well, and an exhausted key still has access to the control plane.
    client.get("/configs").await;
    let status = client
        .send_as(&admin, Method::GET, &path, Value::Null)
        .await;
    assert_eq!(status.body["status"], "exhausted");
    let raised = json!({"usage_limits": {"type": "tokens", "credit_limit": 1000}});
    client.send_as(&admin, Method::PUT, &path, raised).await;
    assert_eq!(
        chat_with(&client, &client.key, &provider, &chat())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn usage_limits_of_a_key_are_reset_by_the_clock() {
    let clock = Clock::Fixed("2026-01-10T00:00:00Z".parse().unwrap());
    let emulator = Emulator::builder().clock(clock).start().await.unwrap();
    let mut client = TestClient::with_emulator(emulator);
    let workspace = client.first_workspace().await;
    let limits = json!({"type": "tokens", "credit_limit": 5, "periodic_reset": "monthly"});
    let body = json!({"name": "k", "workspace_id": workspace, "scopes": ["completions.write"], "usage_limits": limits});
    client.key = string(&client.post("/api-keys/workspace/service", body).await["key"]);
    let provider = [("x-portkey-provider", "openai")];
    assert_eq!(
        chat_with(&client, &client.key, &provider, &chat())
            .await
            .status,
        200
    );
    assert_eq!(
        chat_with(&client, &client.key, &provider, &chat())
            .await
            .status,
        412
    );
    client
        .emulator
        .advance(std::time::Duration::from_secs(30 * 86_400));
    assert_eq!(
        chat_with(&client, &client.key, &provider, &chat())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn exhausted_providers_are_refused() {
    let (client, key) = start().await;
    let workspace = client.first_workspace().await;
    for (slug, header, value) in [
        ("one", "x-portkey-provider", "@one"),
        ("two", "x-portkey-config", r#"{"virtual_key":"two"}"#),
    ] {
        let body = json!({"name": slug, "slug": slug, "provider": "openai", "key": "sample",
            "workspace_id": workspace, "usage_limits": {"type": "tokens", "credit_limit": 5}});
        client.post("/virtual-keys", body).await;
        let headers = [(header, value)];
        assert_eq!(
            chat_with(&client, &key, &headers, &chat()).await.status,
            200
        );
        let response = chat_with(&client, &key, &headers, &chat()).await;
        assert_eq!(response.status, 412);
        assert!(message(&response).contains("provider"), "{}", response.body);
        let path = format!("/virtual-keys/{slug}?workspace_id={workspace}");
        assert_eq!(client.get(&path).await["status"], "exhausted");
    }
}

#[tokio::test]
async fn used_up_policies_refuse_the_requests_that_they_apply_to() {
    let (client, key) = start().await;
    let workspace = client.first_workspace().await;
    let body = json!({"name": "p", "workspace_id": workspace, "type": "tokens", "credit_limit": 100,
        "conditions": [{"key": "model", "value": "gpt-4o"}, {"key": "metadata.team", "value": "*", "excludes": "ops"}],
        "group_by": [{"key": "metadata.team"}]});
    let policy = string(&client.post("/policies/usage-limits", body).await["id"]);
    let long =
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "word ".repeat(100)}]});
    let team = |name: &str| json!({"team": name}).to_string();
    let send = async |team: &str, body: &Value| {
        let headers = [
            ("x-portkey-provider", "openai"),
            ("x-portkey-metadata", team),
        ];
        chat_with(&client, &key, &headers, body).await.status
    };
    assert_eq!(send(&team("red"), &long).await, 200);
    assert_eq!(send(&team("red"), &chat()).await, 412);
    // Another group, an excluded value, and another model.
    assert_eq!(send(&team("blue"), &chat()).await, 200);
    assert_eq!(send(&team("ops"), &long).await, 200);
    assert_eq!(send(&team("ops"), &chat()).await, 200);
    let mut other = chat();
    other["model"] = json!("gpt-4o-mini");
    assert_eq!(send(&team("red"), &other).await, 200);
    let conditions = json!({"conditions": [{"key": "model", "value": "other"}]});
    client
        .put(&format!("/policies/usage-limits/{policy}"), conditions)
        .await;
    assert_eq!(send(&team("red"), &chat()).await, 200);
}

#[tokio::test]
async fn prompt_runs_use_the_provider_and_the_limits_of_the_prompt() {
    let mut client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let prompt = string(&client.first("/prompts").await["slug"]);
    let body = json!({"name": "k", "workspace_id": workspace, "scopes": ["completions.write", "prompts.list", "prompts.update", "virtual_keys.delete"],
        "usage_limits": {"type": "tokens", "credit_limit": 1}});
    let admin = client.key.clone();
    client.key = string(&client.post("/api-keys/workspace/service", body).await["key"]);
    let path = format!("/prompts/{prompt}/completions");
    client
        .post(&path, json!({"variables": {"name": "Ada"}}))
        .await;
    let response = client
        .send(Method::POST, &path, json!({"variables": {}}))
        .await;
    assert_eq!(response.status, 412, "{}", response.body);
    client.key = admin;
    let unknown = json!({"patch": true, "virtual_key": "nope"});
    let path = format!("/prompts/{prompt}");
    let (status, _, message) = client.expect_error(Method::PUT, &path, unknown).await;
    assert!(
        status == 400 && message.contains("virtual_key"),
        "{message}"
    );
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_its_encoding() {
    let client = TestClient::new().await;
    let base = client.emulator.base_url();
    for (path, content_type) in [
        ("/configs", "application/json"),
        ("/files", "multipart/form-data; boundary=edge"),
    ] {
        let request = client.http.post(format!("{base}{path}"));
        let request = request
            .header("x-portkey-api-key", &client.key)
            .header("content-type", content_type)
            .header("content-encoding", "gzip");
        let response = receive(request.body(vec![0x1f, 0x8b, 0x08, 0x00])).await;
        let (status, _, message) = response.error();
        assert_eq!(status, 415, "{message}");
        assert!(
            message.contains("content-encoding") && message.contains("gzip"),
            "{message}"
        );
    }
}
