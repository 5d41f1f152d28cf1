//! Log exports, from their creation to the download.

use std::time::{Duration, SystemTime};

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::{download_lines, entry, export_logs};
use crate::support::{TestClient, string};

async fn client() -> TestClient {
    let emulator = Emulator::builder().clock(Clock::fixed(SystemTime::now()));
    TestClient::with_emulator(emulator.start().await.unwrap())
}

async fn draft(client: &TestClient) -> String {
    let workspace = string(&client.first("/admin/workspaces").await["slug"]);
    let body = json!({
        "workspace_id": workspace,
        "filters": {"metadata": {"team": "search"}},
        "requested_data": ["id", "trace_id", "cost", "metadata"],
        "description": "for a test",
    });
    let created = client.post("/logs/exports", body).await;
    assert_eq!(created["total"], 2);
    format!("/logs/exports/{}", string(&created["id"]))
}

async fn status(client: &TestClient, path: &str) -> String {
    string(&client.get(path).await["status"])
}

#[tokio::test]
async fn an_export_runs_until_it_can_be_downloaded() {
    let client = client().await;
    let entries = json!([entry("a", 200, 1000), entry("b", 200, 1)]);
    client.post("/logs", entries).await;
    let path = draft(&client).await;
    assert_eq!(status(&client, &path).await, "draft");
    let start = format!("{path}/start");
    client.post(&start, Value::Null).await;
    assert_eq!(status(&client, &path).await, "in_progress");
    for (method, path) in [
        (Method::GET, format!("{path}/download")),
        (Method::POST, start),
        (Method::PUT, path.clone()),
    ] {
        let body = if method == Method::PUT {
            json!({})
        } else {
            Value::Null
        };
        let (status, _, message) = client.expect_error(method, &path, body).await;
        assert!(
            status == 400 && message.contains("in_progress") || message.contains("in progress"),
            "{message}"
        );
    }
    // Logs inserted after the start are not included.
    client.emulator.advance(Duration::from_secs(1));
    client.post("/logs", entry("late", 200, 1)).await;
    client.emulator.advance(Duration::from_secs(1));
    let completed = client.get(&path).await;
    assert_eq!(
        (
            &completed["status"],
            &completed["total_records"],
            &completed["description"]
        ),
        (&json!("success"), &json!(2), &json!("for a test"))
    );
    let link = string(&client.get(&format!("{path}/download")).await["signed_url"]);
    let lines = download_lines(&client, &link).await;
    let traces: Vec<&Value> = lines.iter().map(|line| &line["trace_id"]).collect();
    assert_eq!(traces, ["trace-a", "trace-b"]);
    let fields: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 4, "{fields:?}");
    assert_eq!(lines[0]["cost"], 0.1);
    let again = client.put(&path, json!({"requested_data": ["id"]})).await;
    assert_eq!(again["total"], 3);
    assert_eq!(status(&client, &path).await, "draft");
}

#[tokio::test]
async fn a_download_link_is_signed_and_expires_after_an_hour() {
    let client = client().await;
    let entries = json!([entry("a", 200, 1), entry("b", 200, 1)]);
    client.post("/logs", entries).await;
    let path = draft(&client).await;
    client.post(&format!("{path}/start"), Value::Null).await;
    client.emulator.advance(Duration::from_secs(2));
    let link = string(&client.get(&format!("{path}/download")).await["signed_url"]);
    let (unsigned, _) = link.split_once('?').unwrap();
    let longer = link.replace("expires=", "expires=9");
    let get = async |link: &str| {
        client
            .http
            .get(link)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(
        (get(&link).await, get(unsigned).await, get(&longer).await),
        (200, 403, 403)
    );
    client.emulator.advance(Duration::from_secs(3601));
    assert_eq!(get(&link).await, 403);
}

#[tokio::test]
async fn a_running_export_can_be_stopped() {
    let client = client().await;
    let entries = json!([entry("a", 200, 1), entry("b", 200, 1)]);
    client.post("/logs", entries).await;
    let path = draft(&client).await;
    let cancel = format!("{path}/cancel");
    let (code, _, message) = client
        .expect_error(Method::POST, &cancel, Value::Null)
        .await;
    assert!(code == 400 && message.contains("draft"), "{message}");
    client.post(&format!("{path}/start"), Value::Null).await;
    client.post(&cancel, Value::Null).await;
    client.emulator.advance(Duration::from_secs(60));
    assert_eq!(status(&client, &path).await, "stopped");
    let list = client.get("/logs/exports").await;
    assert_eq!(
        (&list["total"], &list["data"][0]["status"]),
        (&json!(1), &json!("stopped"))
    );
}

#[tokio::test]
async fn filters_select_logs() {
    let client = client().await;
    let entries = json!([
        entry("a", 200, 10),
        entry("b", 429, 20),
        entry("c", 200, 3000)
    ]);
    client.post("/logs", entries).await;
    let all = json!({"team": "search"});
    for (filter, expected) in [
        (json!({"status_code": "429, 500"}), vec!["trace-b"]),
        (json!({"total_units_min": 20}), vec!["trace-b", "trace-c"]),
        (json!({"cost_min": 0.2, "cost_max": 1}), vec!["trace-c"]),
        (
            json!({"trace_id": "trace-a,trace-c"}),
            vec!["trace-a", "trace-c"],
        ),
        (
            json!({"ai_model": ["other", "example-model"], "page_size": 1}),
            vec!["trace-a"],
        ),
        (
            json!({"ai_org_model": "example-provider__example-model", "page_size": 2, "current_page": 1}),
            vec!["trace-c"],
        ),
        (json!({"ai_org_model": "example-provider__other"}), vec![]),
        (
            json!({"time_of_generation_max": "2020-01-01T00:00:00Z"}),
            vec![],
        ),
        (json!({"virtual_keys": "openai-main"}), vec![]),
    ] {
        let mut filters = filter;
        filters["metadata"] = all.clone();
        let lines = export_logs(&client, filters.clone(), &["trace_id"]).await;
        let traces: Vec<&str> = lines
            .iter()
            .filter_map(|line| line["trace_id"].as_str())
            .collect();
        assert_eq!(traces, expected, "{filters}");
    }
}

#[tokio::test]
async fn organisation_keys_require_a_workspace() {
    let client = client().await;
    let body = json!({"filters": {}, "requested_data": ["id"]});
    let (status, _, message) = client
        .expect_error(Method::POST, "/logs/exports", body)
        .await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let workspace = client.first("/admin/workspaces").await;
    let filters = json!({"workspace_slug": workspace["slug"], "status_code": "many"});
    let body = json!({"filters": filters, "requested_data": ["id"]});
    let (status, _, message) = client
        .expect_error(Method::POST, "/logs/exports", body)
        .await;
    assert!(
        status == 400 && message.contains("/filters/status_code"),
        "{message}"
    );
    let path = format!(
        "/logs/exports/field-restrictions?workspace_id={}",
        string(&workspace["slug"])
    );
    assert_eq!(client.get(&path).await["restricted_fields"], json!([]));
    let (status, ..) = client
        .expect_error(Method::GET, "/logs/exports/nothing", Value::Null)
        .await;
    assert_eq!(status, 404);
}
