//! Inserting and reading logs.

use std::time::Duration;

use portkey_admin_emulator::Emulator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

/// Returns a log of a user's request to a model that has a price.
pub fn entry(user: &str, status: u16, tokens: u64) -> Value {
    json!({
        "metadata": {"_user": user, "team": "search", "trace_id": format!("trace-{user}")},
        "request": {
            "method": "post",
            "url": "https://api.provider.example/v1/chat/completions",
            "headers": {"x-portkey-provider": "example-provider", "accept": "*/*"},
            "body": {"model": "example-model", "messages": []},
        },
        "response": {
            "status": status,
            "response_time": 100,
            "headers": {},
            "body": {"usage": {"prompt_tokens": tokens, "completion_tokens": 0}},
        },
    })
}

/// Exports all logs and returns the lines; the emulator's clock must be fixed.
pub async fn export_logs(client: &TestClient, filters: Value, fields: &[&str]) -> Vec<Value> {
    let workspace = client.first_workspace().await;
    let body = json!({"workspace_id": workspace, "filters": filters, "requested_data": fields});
    let export = string(&client.post("/logs/exports", body).await["id"]);
    let path = format!("/logs/exports/{export}");
    client.post(&format!("{path}/start"), Value::Null).await;
    client.emulator.advance(Duration::from_secs(60));
    let link = client.get(&format!("{path}/download")).await;
    download_lines(client, &string(&link["signed_url"])).await
}

pub async fn download_lines(client: &TestClient, link: &str) -> Vec<Value> {
    let response = client.http.get(link).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.text().await.unwrap();
    let lines = body.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns the ids of the logs of a user.
async fn ids(client: &TestClient, user: &str) -> Vec<String> {
    let filters = json!({"metadata": {"_user": user}});
    let lines = export_logs(client, filters, &["id"]).await;
    lines.iter().map(|line| string(&line["id"])).collect()
}

#[tokio::test]
async fn one_or_many_are_inserted_and_read() {
    let client = TestClient::new().await;
    client.post("/logs", entry("a", 200, 1000)).await;
    client
        .post("/logs", json!([entry("b", 200, 1), entry("b", 500, 2)]))
        .await;
    assert_eq!(ids(&client, "b").await.len(), 2);
    let id = ids(&client, "a").await.remove(0);
    let log = client.get(&format!("/logs/{id}")).await;
    assert_eq!(log["_id"], id.as_str());
    assert_eq!(log["request"]["method"], "POST");
    assert_eq!(
        log["request"]["portkeyHeaders"],
        json!({"x-portkey-provider": "example-provider"})
    );
    assert_eq!(log["response"]["responseTime"], 100);
    let metrics = &log["metrics"];
    assert_eq!(
        (
            &metrics["ai_model"],
            &metrics["trace_id"],
            &metrics["total_units"]
        ),
        (&json!("example-model"), &json!("trace-a"), &json!(1000))
    );
    assert_eq!(metrics["metadata.key"], json!(["_user", "team"]));
    assert_eq!(metrics["cost"], 0.1);
}

#[tokio::test]
async fn a_log_belongs_to_the_workspace_of_the_key() {
    let client = TestClient::new().await;
    let other = string(&client.workspace("Other").await["id"]);
    let (_, key) = client
        .workspace_key(&other, &["completions.write", "logs.write", "logs.view"])
        .await;
    client.post("/logs", entry("a", 200, 1)).await;
    let log = format!("/logs/{}", ids(&client, "a").await[0]);
    assert_eq!(
        client.get(&log).await["metrics"]["response_status_code"],
        200
    );
    let hidden = client.send_as(&key, Method::GET, &log, Value::Null).await;
    assert_eq!(hidden.error().0, 404);
    let inserted = client
        .send_as(&key, Method::POST, "/logs", entry("c", 200, 1))
        .await;
    assert_eq!(inserted.status, 200);
    assert!(
        ids(&client, "c").await.is_empty(),
        "the log is in the other workspace"
    );
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let client = TestClient::new().await;
    let (status, _, _) = client
        .expect_error(Method::GET, "/logs/nothing", Value::Null)
        .await;
    assert_eq!(status, 404);
    let path = "/logs/00000000-0000-7000-8000-000000000000?path_format=v2";
    let (status, _, message) = client.expect_error(Method::GET, path, Value::Null).await;
    assert!(status == 400 && message.contains("created_at"), "{message}");
    let (status, _, message) = client
        .expect_error(
            Method::POST,
            "/logs",
            json!({"request": {"url": "", "body": {}}}),
        )
        .await;
    assert!(
        status == 400 && message.contains("`/response` is required"),
        "{message}"
    );
    let (status, ..) = client.expect_error(Method::GET, "/logs", Value::Null).await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn deleting_a_workspace_deletes_its_logs() {
    let client = TestClient::new().await;
    let other = client.workspace("Other").await;
    let (_, key) = client
        .workspace_key(
            &string(&other["id"]),
            &["completions.write", "logs.write", "logs.view"],
        )
        .await;
    client
        .send_as(&key, Method::POST, "/logs", entry("gone", 200, 1))
        .await;
    let groups = "/analytics/groups/users?time_of_generation_min=2000-01-01T00:00:00Z&time_of_generation_max=2999-01-01T00:00:00Z";
    assert!(column(&client.get(groups).await, "user").contains(&"gone".to_owned()));
    let path = format!("/admin/workspaces/{}", string(&other["id"]));
    let body = json!({"name": "Other", "force_delete": true});
    client.expect_ok(Method::DELETE, &path, body).await;
    assert!(!column(&client.get(groups).await, "user").contains(&"gone".to_owned()));
}

#[tokio::test]
async fn logs_and_usage_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("emulator-logs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let start = async || {
        let emulator = Emulator::builder().state_file(folder.join("state.json"));
        TestClient::with_emulator(emulator.start().await.unwrap())
    };
    let client = start().await;
    let workspace = client.first_workspace().await;
    let body = json!({
        "workspace_id": workspace,
        "conditions": [{"key": "workspace_id", "value": workspace}],
        "group_by": [{"key": "metadata._user"}],
        "type": "tokens",
        "credit_limit": 100,
    });
    let policy = string(&client.post("/policies/usage-limits", body).await["id"]);
    client.post("/logs", entry("a", 200, 30)).await;
    let entities = format!("/policies/usage-limits/{policy}/entities");
    let (ids_before, used) = (ids(&client, "a").await, client.get(&entities).await);
    client.emulator.shutdown().await;
    // The first start replays the journal, the second one reads the compacted state.
    for _ in 0..2 {
        let client = start().await;
        assert_eq!(client.get(&entities).await, used);
        assert_eq!(ids(&client, "a").await, ids_before);
        client.emulator.shutdown().await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn logs_are_grouped_like_analytics() {
    let client = TestClient::new().await;
    let workspace = string(&client.workspace("Logs").await["id"]);
    let (_, key) = client.workspace_key(&workspace, &["*"]).await;
    let entries = json!([entry("a", 200, 10), entry("a", 200, 30), entry("b", 500, 5)]);
    client.send_as(&key, Method::POST, "/logs", entries).await;
    let get = async |path: &str| {
        let response = client.send_as(&key, Method::GET, path, Value::Null).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.body
    };
    let groups = get("/logs/groups/status_code?columns=total_tokens,success_rate").await;
    assert_eq!(
        (
            &groups["object"],
            &groups["total"],
            &groups["is_quota_exceeded"]
        ),
        (&json!("list"), &json!(2), &json!(false))
    );
    assert_eq!(
        groups["data"][0],
        json!({"status_code": "200", "total_tokens": 40, "success_rate": 100.0, "object": "analytics-group"})
    );
    // The names of another deployment work, too.
    for filter in [
        "totalUnitsMin=20",
        "total_units_min=20",
        "statusCode=200&totalUnitsMin=20",
    ] {
        let groups = get(&format!("/logs/groups/model?{filter}&includeTotal=false")).await;
        assert_eq!(groups["data"][0]["requests"], 1, "{filter}");
        assert!(groups.get("total").is_none(), "{groups}");
    }
    let metadata = get("/logs/groups/metadata/_user").await;
    assert_eq!(column(&metadata, "metadata_value"), ["a", "b"]);
    assert_eq!(get("/logs/metadata/team").await["data"], json!(["search"]));
    assert_eq!(
        get("/logs/metadata/_user?statusCode=500").await["data"],
        json!(["b"])
    );
    let unknown = client.send_as(&key, Method::GET, "/logs/groups/planet", Value::Null);
    let (status, _, message) = unknown.await.error();
    assert!(status == 400 && message.contains("groupBy"), "{message}");
}
