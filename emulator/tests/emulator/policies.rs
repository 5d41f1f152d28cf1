//! Usage-limit and rate-limit policies.

use std::time::Duration;

use chrono::{DateTime, Utc};
use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{TestClient, column, string};

const USAGE_POLICIES: &str = "/policies/usage-limits";
const RATE_POLICIES: &str = "/policies/rate-limits";

/// Creates a client whose clock is fixed to a Thursday.
async fn client() -> TestClient {
    let start: DateTime<Utc> = "2026-01-15T12:00:00Z".parse().unwrap();
    let emulator = Emulator::builder().clock(Clock::fixed(start));
    TestClient::with_emulator(emulator.start().await.unwrap())
}

/// Creates a policy with a weekly limit for each user of a team.
async fn usage_policy(client: &TestClient, kind: &str, limit: f64) -> String {
    let body = json!({
        "name": "each user",
        "workspace_id": client.first_workspace().await,
        "conditions": [{"key": "metadata.team", "value": "search"}],
        "group_by": [{"key": "metadata._user"}],
        "type": kind,
        "credit_limit": limit,
        "alert_threshold": limit / 2.0,
        "periodic_reset": "weekly",
    });
    let created = client.post(USAGE_POLICIES, body).await;
    assert_eq!(created["object"], "policy");
    format!("{USAGE_POLICIES}/{}", string(&created["id"]))
}

#[tokio::test]
async fn usage_is_counted_and_reset_weekly() {
    let client = client().await;
    let path = usage_policy(&client, "tokens", 100.0).await;
    let mut other = entry("b", 200, 5);
    other["metadata"]["team"] = json!("other");
    client
        .post(
            "/logs",
            json!([
                entry("a", 200, 60),
                entry("b", 200, 40),
                entry("a", 200, 40),
                other
            ]),
        )
        .await;
    let policy = client.get(&format!("{path}?include_usage=true")).await;
    let map = &policy["value_key_usage_map"];
    assert_eq!(map["metadata._user:a"]["status"], "exhausted");
    assert_eq!(
        (
            &map["metadata._user:b"]["current_usage"],
            &map["metadata._user:b"]["is_threshold_alerts_sent"]
        ),
        (&json!(40.0), &json!(false))
    );
    let entities = format!("{path}/entities");
    let list = client.get(&entities).await;
    assert_eq!(
        column(&list, "value_key"),
        ["metadata._user:a", "metadata._user:b"]
    );
    let entity = &list["data"][0];
    assert_eq!(
        (&entity["status"], &entity["is_threshold_alerts_sent"]),
        (&json!("exhausted"), &json!(1))
    );
    assert_eq!(entity["is_exhausted_alerts_sent"], 1);
    assert_eq!(list["data"][1]["is_exhausted_alerts_sent"], 0);
    string(&entity["last_used_at"]);
    string(&entity["object"]);
    assert_eq!(
        client.get(&format!("{entities}?status=exhausted")).await["total"],
        1
    );
    assert_eq!(
        client
            .get(&format!("{entities}?search=user:b&page_size=1"))
            .await["total"],
        1
    );

    let id = string(&list["data"][0]["id"]);
    client
        .put(&format!("{entities}/{id}/reset"), Value::Null)
        .await;
    client
        .put(
            &path,
            json!({"reset_usage_for_value": "metadata._user:b", "credit_limit": 200}),
        )
        .await;
    for entity in client.get(&entities).await["data"].as_array().unwrap() {
        assert_eq!(entity["current_usage"], 0.0);
    }
    client.post("/logs", entry("a", 200, 7)).await;
    assert_eq!(client.get(&entities).await["data"][0]["current_usage"], 7.0);
    assert_eq!(client.get(&path).await["last_reset_at"], Value::Null);
    client.emulator.advance(Duration::from_secs(4 * 24 * 3600));
    assert_eq!(client.get(&entities).await["data"][0]["current_usage"], 0.0);
    let policy = client.get(&path).await;
    assert_eq!(policy["last_reset_at"], "2026-01-19T00:00:00.000Z");
    assert_eq!(
        (&policy["credit_limit"], &policy["object"]),
        (&json!(200.0), &json!("policy"))
    );
}

#[tokio::test]
async fn cost_is_counted_in_dollars() {
    let client = client().await;
    let path = usage_policy(&client, "cost", 2.0).await;
    client.post("/logs", entry("a", 200, 100_000)).await;
    let usage = &client.get(&format!("{path}/entities")).await["data"][0]["current_usage"];
    assert!(
        (usage.as_f64().unwrap() - 0.1).abs() < 1e-9,
        "10 cents: {usage}"
    );
}

#[tokio::test]
async fn archived_policies_are_listed_only_with_a_status_filter() {
    let client = client().await;
    let usage = usage_policy(&client, "cost", 2.0).await;
    let workspace = client.first_workspace().await;
    let body = json!({
        "workspace_id": workspace,
        "conditions": [{"key": "workspace_id", "value": workspace}],
        "group_by": [{"key": "api_key"}],
        "type": "requests", "unit": "rpm", "value": 10,
    });
    let rate = format!(
        "{RATE_POLICIES}/{}",
        string(&client.post(RATE_POLICIES, body).await["id"])
    );
    for (base, path) in [(USAGE_POLICIES, usage), (RATE_POLICIES, rate)] {
        let list = async |more: &str| {
            let path = format!("{base}?workspace_id={workspace}{more}");
            client.get(&path).await["total"].as_u64().unwrap()
        };
        assert_eq!(list("").await, 1);
        let read = client.get(&path).await;
        assert_eq!(
            (&read["status"], &read["workspace_id"]),
            (&json!("active"), &json!(workspace))
        );
        client
            .put(&path, json!({"status": "archived", "name": "old"}))
            .await;
        assert_eq!((list("").await, list("&status=archived").await), (0, 1));
        let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
        assert_eq!((status, code.as_str()), (404, "AB08"));
        assert_eq!(
            client.get(&format!("{path}?status=archived")).await["name"],
            "old"
        );
        client.delete(&path).await;
        assert_eq!(list("&status=archived").await, 0);
        assert_eq!(
            client
                .expect_error(Method::DELETE, &path, Value::Null)
                .await
                .0,
            404
        );
    }
}

#[tokio::test]
async fn rate_limits_are_listed_by_type_and_unit() {
    let client = client().await;
    let workspace = client.first_workspace().await;
    for unit in ["rpm", "rps"] {
        let body = json!({
            "workspace_id": workspace,
            "conditions": [{"key": "api_key", "value": "any"}],
            "group_by": [{"key": "metadata._user"}],
            "type": "tokens", "unit": unit, "value": 1.5,
        });
        client.post(RATE_POLICIES, body).await;
    }
    let path = format!("{RATE_POLICIES}?workspace_id={workspace}");
    let list = client.get(&format!("{path}&unit=rps&type=tokens")).await;
    assert_eq!(
        (&list["total"], &list["data"][0]["value"]),
        (&json!(1), &json!(1.5))
    );
    let policy = format!("{RATE_POLICIES}/{}", string(&list["data"][0]["id"]));
    client
        .put(&policy, json!({"value": 2, "unit": "rpw"}))
        .await;
    assert_eq!(client.get(&policy).await["unit"], "rpw");
    assert_eq!(
        client.get(&format!("{path}&type=requests")).await["total"],
        0
    );
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let client = client().await;
    let (status, _, message) = client
        .expect_error(Method::GET, USAGE_POLICIES, Value::Null)
        .await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let good = json!({
        "workspace_id": client.first_workspace().await,
        "conditions": [{"key": "api_key", "value": "any"}],
        "group_by": [{"key": "api_key"}],
        "type": "cost",
        "credit_limit": 10,
    });
    for (field, value, word) in [
        ("conditions", json!([]), "conditions"),
        ("group_by", json!([{"key": "planet"}]), "/group_by/0/key"),
        ("alert_threshold", json!(11), "alert_threshold"),
        ("workspace_id", Value::Null, "workspace_id"),
        ("credit_limit", json!(-1), "credit_limit"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, _, message) = client
            .expect_error(Method::POST, USAGE_POLICIES, body)
            .await;
        assert!(status == 400 && message.contains(word), "{message}");
    }
    let mut both = good.clone();
    both["periodic_reset"] = json!("weekly");
    both["periodic_reset_days"] = json!(3);
    let (status, _, message) = client
        .expect_error(Method::POST, USAGE_POLICIES, both)
        .await;
    assert!(
        status == 400 && message.contains("periodic_reset_days"),
        "{message}"
    );
    let path = format!(
        "{USAGE_POLICIES}/{}",
        string(&client.post(USAGE_POLICIES, good).await["id"])
    );
    let body = json!({"reset_usage_for_value": "nobody"});
    let (status, _, message) = client.expect_error(Method::PUT, &path, body).await;
    assert!(
        status == 400 && message.contains("reset_usage_for_value"),
        "{message}"
    );
    let path = format!("{path}/entities/nobody/reset");
    assert_eq!(
        client.expect_error(Method::PUT, &path, Value::Null).await.0,
        404
    );
}

#[tokio::test]
async fn policies_have_a_description_and_a_target() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let body = json!({"name": "Tools", "description": "one", "target": "mcp_tools", "workspace_id": workspace,
        "conditions": [{"key": "mcp_tool", "value": ["a", "b"], "excludes": "c"}],
        "group_by": [{"key": "api_key"}], "type": "requests", "unit": "rpm", "value": 5});
    let id = string(&client.post("/policies/rate-limits", body).await["id"]);
    let path = format!("/policies/rate-limits/{id}");
    let read = client.get(&path).await;
    assert_eq!(
        (&read["description"], &read["target"]),
        (&json!("one"), &json!("mcp_tools"))
    );
    let change = json!({"description": null, "conditions": [{"key": "model", "value": "*"}]});
    client.put(&path, change).await;
    let read = client.get(&path).await;
    assert_eq!(
        (&read["description"], &read["conditions"][0]["key"]),
        (&Value::Null, &json!("model"))
    );
    let list =
        |search: &str| format!("/policies/rate-limits?workspace_id={workspace}&search={search}");
    assert_eq!(client.get(&list("tool")).await["total"], 1);
    assert_eq!(client.get(&list("other")).await["total"], 0);
}
