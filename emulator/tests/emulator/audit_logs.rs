//! The audit log.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, string};

const ALL_TIME: &str = "start_time=2000-01-01T00:00:00Z&end_time=2999-01-01T00:00:00Z";

/// Returns the path of the list of all records.
pub fn path(client: &TestClient, filters: &str) -> String {
    let organisation = client.emulator.organisation_id("Example").unwrap();
    format!("/audit-logs?{ALL_TIME}&organisation_id={organisation}{filters}")
}

async fn records(client: &TestClient, filters: &str) -> Vec<Value> {
    let list = client.get(&path(client, filters)).await;
    assert_eq!(list["object"], "analytics-graph");
    let records = list["records"].as_array().unwrap().clone();
    assert!(records.len() as u64 <= list["total"].as_u64().unwrap());
    records
}

#[tokio::test]
async fn every_write_creates_a_filterable_audit_record() {
    let client = TestClient::new().await;
    let workspace = client.workspace("Audited").await;
    let id = string(&workspace["id"]);
    let config = json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": id});
    client.post("/configs", config).await;
    client.get("/configs").await;
    client
        .expect_error(Method::POST, "/configs", json!({"name": 1}))
        .await;
    let all = records(&client, "").await;
    assert_eq!(
        all.len(),
        2,
        "reads and failed writes are not recorded: {all:?}"
    );
    let first = &all[0];
    assert_eq!(
        (
            &first["method"],
            &first["uri"],
            &first["action"],
            &first["resource_type"]
        ),
        (
            &json!("POST"),
            &json!("/v1/admin/workspaces"),
            &json!("create"),
            &json!("workspace")
        )
    );
    let request = string(&first["request_id"]);
    for (filter, count) in [
        (format!("&request_id={request}"), 1),
        ("&resource_type=config".to_owned(), 1),
        ("&resource_type=config&action=delete".to_owned(), 0),
        (format!("&workspace_id={id}"), 1),
        (format!("&workspace_id={}", string(&workspace["slug"])), 1),
        (format!("&user_id={}", string(&first["user_id"])), 2),
        ("&user_type=user".to_owned(), 0),
        ("&method=POST&uri=/v1/configs".to_owned(), 1),
        (
            "&response_status_code=200&client_ip=127.0.0.1".to_owned(),
            2,
        ),
        ("&response_status_code=500".to_owned(), 0),
        ("&country=nowhere".to_owned(), 0),
        ("&page_size=1&current_page=1".to_owned(), 1),
    ] {
        assert_eq!(records(&client, &filter).await.len(), count, "{filter}");
    }
    let past = path(&client, "").replace("2999", "2001");
    assert_eq!(client.get(&past).await["total"], 0);
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let client = TestClient::new().await;
    let own = path(&client, "");
    for (path, status, word) in [
        (format!("/audit-logs?{ALL_TIME}"), 400, "organisation_id"),
        (
            own.replace("2999-01-01T00:00:00Z", "later"),
            400,
            "end_time",
        ),
        (format!("{own}&page_size=101"), 400, "page_size"),
        (
            format!("/audit-logs?{ALL_TIME}&organisation_id=other"),
            403,
            "organisation",
        ),
    ] {
        let (got, _, message) = client.expect_error(Method::GET, &path, Value::Null).await;
        assert!(got == status && message.contains(word), "{path}: {message}");
    }
}

/// Of secrets and undeclared fields, only the names are shown.
#[tokio::test]
async fn audit_records_contain_no_secrets() {
    const CANARY: &str = "emulator-canary-5f1d";
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let bodies = [
        (
            "/virtual-keys",
            json!({"name": "shown-1", "provider": "openai", "key": CANARY, "workspace_id": workspace,
                "awsSecretAccessKey": CANARY, "somethingNew": CANARY,
                "model_config": {"vertexServiceAccountJson": {"private": CANARY}}}),
        ),
        (
            "/integrations",
            json!({"name": "shown-2", "ai_provider_id": "bedrock", "key": CANARY, "invented": [CANARY],
                "configurations": {"aws_auth_type": "accessKey", "aws_access_key_id": "AK",
                    "aws_secret_access_key": CANARY, "aws_region": "one", "aws_session": CANARY}}),
        ),
        (
            "/mcp-integrations",
            json!({"name": "shown-3", "url": "https://mcp.example.com", "transport": "http",
                "auth_type": "headers", "configurations": {"custom_headers": {"x-team": CANARY},
                "oauth_metadata": {"client_secret": CANARY}}}),
        ),
        (
            "/secret-references",
            json!({"name": "shown-4", "manager_type": "aws_sm", "secret_path": "a/b",
                "auth_config": {"aws_auth_type": "accessKey", "aws_access_key_id": "AK",
                    "aws_secret_access_key": CANARY, "aws_region": "one"}, "extra": {"deep": CANARY}}),
        ),
        (
            "/configs",
            json!({"name": "shown-5", "workspace_id": workspace,
                "config": {"strategy": {"mode": "single"}, "targets": [{"provider": "openai", "api_key": CANARY}]}}),
        ),
        (
            "/logs",
            json!({"request": {"url": "https://e.example", "headers": {"authorization": CANARY},
                    "body": {"model": "m", "messages": [{"content": CANARY}]}},
                "response": {"status": 200, "headers": {}, "body": {"text": CANARY}},
                "metadata": {"_user": CANARY}}),
        ),
        (
            "/api-keys/organisation/service",
            json!({"name": "shown-6", "scopes": ["configs.list"], "defaults": {"metadata": {"token": CANARY}}}),
        ),
    ];
    // One record is that of the workspace key that inserts the log.
    let count = bodies.len() + 1;
    for (path, body) in bodies {
        client.post(path, body).await;
    }
    let records = records(&client, "").await;
    assert_eq!(records.len(), count);
    let json = Value::Array(records).to_string();
    assert!(!json.contains(CANARY), "{json}");
    // Other values and the names of secrets are shown.
    for number in 1..=6 {
        assert!(
            json.contains(&format!("shown-{number}")),
            "{number}: {json}"
        );
    }
    for name in ["somethingNew", "aws_secret_access_key", "auth_config"] {
        assert!(json.contains(name), "{name}: {json}");
    }
}
