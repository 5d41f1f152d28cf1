//! API keys and authentication.

use std::time::Duration;

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{TestClient, assert_fields, column, string};

const ALL_SCOPES: [&str; 6] = [
    "workspace_service_api_keys.list",
    "workspace_service_api_keys.read",
    "workspace_service_api_keys.create",
    "configs.list",
    "prompts.list",
    "workspaces.list",
];

#[tokio::test]
async fn a_key_value_is_returned_only_on_creation() {
    let client = TestClient::new().await;
    let slug = string(&client.first("/admin/workspaces").await["slug"]);
    let body = json!({"name": "ci", "workspace_id": slug, "scopes": ["completions.write"]});
    let created = client.post("/api-keys/workspace/service", body).await;
    assert_eq!(created["object"], "api-key");
    let (id, secret) = (string(&created["id"]), string(&created["key"]));

    let key = client.get(&format!("/api-keys/{id}")).await;
    assert_eq!(key["type"], "workspace-service");
    assert_eq!(string(&key["workspace_id"]), client.first_workspace().await);
    assert_eq!(
        string(&key["key"]),
        format!("{}*****{}", &secret[..2], &secret[secret.len() - 3..])
    );
    assert_eq!(
        (&key["status"], &key["creation_mode"]),
        (&json!("active"), &json!("api"))
    );
    assert_eq!(
        (
            &key["rate_limits"],
            &key["usage_limits"],
            &key["expires_at"]
        ),
        (&json!([]), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&key["expiry_enforced"], &key["scopes"]),
        (&json!(0), &json!(["completions.write"]))
    );
    assert_eq!(
        key["defaults"],
        json!({"metadata": null, "config_id": null, "allow_config_override": true})
    );
    assert_fields(
        &key,
        &[
            "next_usage_reset_at",
            "last_reset_at",
            "allow_config_override",
            "api_key_defaults_id",
        ],
    );
    assert!(
        key.get("rotation_policy").is_none() && key.get("metadata").is_none(),
        "{key}"
    );

    let list = client.get(&format!("/api-keys?workspace_id={slug}")).await;
    assert_eq!((column(&list, "id"), &list["total"]), (vec![id], &json!(1)));
    assert!(!list.to_string().contains(&secret));
    assert!(list["data"][0].get("next_usage_reset_at").is_none());
    let all = client.get("/api-keys?page_size=1&current_page=1").await;
    assert_eq!(
        (all["total"].clone(), all["data"].as_array().unwrap().len()),
        (json!(2), 1)
    );
}

#[tokio::test]
async fn required_fields_depend_on_the_kind_of_key() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let cases = [
        (
            "/api-keys/workspace/service",
            json!({"name": "a", "scopes": ["x"]}),
            "`/workspace_id`",
        ),
        (
            "/api-keys/workspace/user",
            json!({"name": "a", "scopes": ["x"], "workspace_id": workspace}),
            "`/user_id`",
        ),
        (
            "/api-keys/organisation/user",
            json!({"name": "a", "scopes": ["x"]}),
            "organisation/user",
        ),
        (
            "/api-keys/organisation/service",
            json!({"scopes": ["x"]}),
            "`/name`",
        ),
    ];
    for (path, body, field) in cases {
        let (status, code, message) = client.expect_error(Method::POST, path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{path}");
        assert!(message.contains(field), "{message}");
    }
    let user = string(&client.first("/admin/users").await["id"]);
    let body = json!({"name": "a", "scopes": ["x"], "workspace_id": workspace, "user_id": user});
    let key = client.post("/api-keys/workspace/user", body).await;
    assert_eq!(
        string(
            &client
                .get(&format!("/api-keys/{}", string(&key["id"])))
                .await["user_id"]
        ),
        user
    );
    let organisation = client
        .post(
            "/api-keys/organisation/service",
            json!({"name": "o", "scopes": ["x"]}),
        )
        .await;
    assert!(string(&organisation["key"]).starts_with("emulator-org-key-"));
}

/// The service fails before it validates the rest of the request.
#[tokio::test]
async fn a_key_without_scopes_fails_as_in_the_service() {
    let client = TestClient::new().await;
    for body in [json!({"name": "a", "scopes": []}), json!({"name": 1})] {
        let (status, _, _) = client
            .expect_error(Method::POST, "/api-keys/organisation/service", body)
            .await;
        assert_eq!(status, 502);
    }
    assert_eq!(client.get("/api-keys").await["total"], 1);
}

#[tokio::test]
async fn an_update_keeps_absent_clears_null_and_sets_values() {
    let client = TestClient::new().await;
    let config = client.first("/configs").await;
    let body = json!({"name": "a", "scopes": ["x"], "alert_emails": ["a@example.com"],
        "usage_limits": {"type": "cost", "credit_limit": 5}, "expires_at": "2099-01-01T00:00:00Z",
        "rate_limits": [{"type": "requests", "unit": "rpm", "value": 3}],
        "defaults": {"config_id": config["slug"], "metadata": {"env": "t"}, "allow_config_override": false}});
    let id = string(&client.post("/api-keys/organisation/service", body).await["id"]);
    let path = format!("/api-keys/{id}");
    let key = client.get(&path).await;
    assert_eq!(
        (
            &key["defaults"]["config_id"],
            &key["defaults"]["metadata"]["env"]
        ),
        (&config["id"], &json!("t"))
    );
    assert_eq!(
        (
            &key["allow_config_override"],
            &key["defaults"]["allow_config_override"]
        ),
        (&json!(0), &json!(false))
    );
    assert_eq!(key["expires_at"], "2099-01-01T00:00:00.000Z");

    assert_eq!(client.put(&path, json!({"name": "b"})).await, json!({}));
    let kept = client.get(&path).await;
    assert_eq!(
        (&kept["name"], &kept["usage_limits"], &kept["alert_emails"]),
        (&json!("b"), &key["usage_limits"], &key["alert_emails"])
    );

    let clear = json!({"usage_limits": null, "rate_limits": null, "alert_emails": null, "expires_at": null,
        "defaults": {"config_id": null}, "reset_usage": true});
    client.put(&path, clear).await;
    let cleared = client.get(&path).await;
    for name in ["usage_limits", "alert_emails", "expires_at", "reset_usage"] {
        assert_eq!(cleared[name], Value::Null, "{name}");
    }
    assert_eq!(
        (&cleared["rate_limits"], &cleared["defaults"]["config_id"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(cleared["defaults"]["metadata"]["env"], "t");
    string(&cleared["last_reset_at"]);
}

#[tokio::test]
async fn a_rotation_policy_has_a_period_a_date_or_both() {
    let client = TestClient::new().await;
    let create = |policy: Value| json!({"name": "a", "scopes": ["x"], "rotation_policy": policy});
    // The date decides the next rotation (V075).
    let both =
        create(json!({"rotation_period": "weekly", "next_rotation_at": "2099-01-01T00:00:00Z"}));
    let id = string(&client.post("/api-keys/organisation/service", both).await["id"]);
    let policy = &client.get(&format!("/api-keys/{id}")).await["rotation_policy"];
    assert_eq!(policy["rotation_period"], "weekly");
    assert_eq!(policy["next_rotation_at"], "2099-01-01T00:00:00.000Z");
    let days = create(json!({"rotation_period_days": 3}));
    let id = string(&client.post("/api-keys/organisation/service", days).await["id"]);
    let policy = &client.get(&format!("/api-keys/{id}")).await["rotation_policy"];
    let next: chrono::DateTime<chrono::Utc> = string(&policy["next_rotation_at"]).parse().unwrap();
    assert_eq!((next - client.emulator.now()).num_hours(), 71);
    let slow =
        create(json!({"rotation_period": "weekly", "key_transition_period_ms": 604_800_000}));
    let (status, _, message) = client
        .expect_error(Method::POST, "/api-keys/organisation/service", slow)
        .await;
    assert!(
        status == 400 && message.contains("shorter than the period"),
        "{message}"
    );
    let hasty = create(json!({"rotation_period": "weekly", "key_transition_period_ms": 1}));
    let message = client
        .expect_error(Method::POST, "/api-keys/organisation/service", hasty)
        .await
        .2;
    assert!(
        message.contains("`/rotation_policy/key_transition_period_ms`"),
        "{message}"
    );
    let body = create(json!({"rotation_period": "monthly", "key_transition_period_ms": 1_800_000}));
    let id = string(&client.post("/api-keys/organisation/service", body).await["id"]);
    string(&client.get(&format!("/api-keys/{id}")).await["rotation_policy"]["next_rotation_at"]);
    let rotated = client
        .expect_ok(Method::POST, &format!("/api-keys/{id}/rotate"), Value::Null)
        .await;
    string(&rotated["key_transition_expires_at"]);
}

#[tokio::test]
async fn rotation_invalidates_the_old_key_after_the_transition_period() {
    let client = TestClient::new().await;
    let (id, first) = client
        .workspace_key(&client.first_workspace().await, &ALL_SCOPES)
        .await;
    let path = format!("/api-keys/{id}/rotate");
    let rotated = client
        .post(&path, json!({"key_transition_period_ms": 3_600_000}))
        .await;
    let second = string(&rotated["key"]);
    assert_eq!(rotated["id"], json!(id));
    string(&rotated["key_transition_expires_at"]);
    assert!(is_accepted(&client, &first).await && is_accepted(&client, &second).await);
    // During the transition, the service refuses another rotation.
    let (status, code, _) = client.expect_error(Method::POST, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (400, "AB01"));
    client.emulator.advance(HOUR);
    assert!(!is_accepted(&client, &first).await && is_accepted(&client, &second).await);
    // The default transition is half an hour.
    let rotated = client.expect_ok(Method::POST, &path, Value::Null).await;
    string(&rotated["key_transition_expires_at"]);
    let third = string(&rotated["key"]);
    assert!(is_accepted(&client, &second).await && is_accepted(&client, &third).await);
    client.emulator.advance(HOUR / 2);
    assert!(!is_accepted(&client, &second).await && is_accepted(&client, &third).await);
    let impatient = json!({"key_transition_period_ms": 1});
    assert!(
        client
            .expect_error(Method::POST, &path, impatient)
            .await
            .2
            .contains("`/key_transition_period_ms`")
    );
}

#[tokio::test]
async fn a_deleted_key_is_rejected() {
    let client = TestClient::new().await;
    let (id, secret) = client
        .workspace_key(&client.first_workspace().await, &ALL_SCOPES)
        .await;
    assert_eq!(client.delete(&format!("/api-keys/{id}")).await, json!({}));
    assert_eq!(
        client
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status,
        401
    );
    let (status, code, _) = client
        .expect_error(Method::GET, &format!("/api-keys/{id}"), Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn a_workspace_key_sees_its_own_workspace() {
    let client = TestClient::new().await;
    let other = string(&client.workspace("Other").await["id"]);
    let (_, secret) = client.workspace_key(&other, &ALL_SCOPES).await;
    let get = |path: &'static str| client.send_as(&secret, Method::GET, path, Value::Null);
    assert_eq!(get("/configs").await.body["total"], 0);
    assert_eq!(get("/prompts").await.body["total"], 0);
    assert_eq!(get("/api-keys").await.body["total"], 1);
    assert_eq!(column(&get("/admin/workspaces").await.body, "id"), [other]);
    let seed_data = client.first_workspace().await;
    let foreign = client
        .send_as(
            &secret,
            Method::GET,
            &format!("/configs?workspace_id={seed_data}"),
            Value::Null,
        )
        .await;
    assert_eq!(foreign.error().0, 403);
    // A workspace key implies its workspace.
    let body = json!({"name": "second", "scopes": ["x"]});
    let key = client
        .send_as(&secret, Method::POST, "/api-keys/workspace/service", body)
        .await;
    assert_eq!(key.status, 200, "{}", key.body);
}

#[tokio::test]
async fn kind_and_scopes_limit_a_key() {
    let client = TestClient::new().await;
    let (_, secret) = client
        .workspace_key(&client.first_workspace().await, &["configs.list"])
        .await;
    let users = client
        .send_as(&secret, Method::GET, "/admin/users", Value::Null)
        .await
        .error();
    assert_eq!((users.0, users.1.as_str()), (403, "AB03"));
    let prompts = client
        .send_as(&secret, Method::GET, "/prompts", Value::Null)
        .await
        .error();
    assert!(
        prompts.0 == 403 && prompts.2.contains("prompts.list"),
        "{prompts:?}"
    );
    assert_eq!(
        client
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn rotation_needs_the_rotate_scope_of_the_kind_of_key() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (id, _) = client.workspace_key(&workspace, &["configs.list"]).await;
    let path = format!("/api-keys/{id}/rotate");
    for (scope, status) in [
        ("workspace_service_api_keys.update", 403),
        ("workspace_user_api_keys.rotate", 403),
        ("workspace_service_api_keys.rotate", 200),
    ] {
        let (_, secret) = client.workspace_key(&workspace, &[scope]).await;
        let response = client
            .send_as(&secret, Method::POST, &path, Value::Null)
            .await;
        assert_eq!(response.status, status, "{scope}: {}", response.body);
    }
}

#[tokio::test]
async fn a_key_with_a_date_and_a_period_rotates_at_the_date_and_then_in_the_period() {
    let client = client_at_epoch().await;
    let policy = json!({"rotation_period": "weekly", "next_rotation_at": "1970-01-02T00:00:00Z"});
    let (path, first) = key_with(&client, json!({"rotation_policy": policy})).await;
    client.emulator.advance(DAY + HOUR);
    assert!(!is_accepted(&client, &first).await);
    assert_eq!(
        client.get(&path).await["rotation_policy"]["next_rotation_at"],
        "1970-01-09T00:00:00.000Z"
    );
}

#[tokio::test]
async fn deleting_a_user_deletes_their_keys() {
    let client = TestClient::new().await;
    let users = client.get("/admin/users").await;
    let user = string(&users["data"][2]["id"]);
    let body = json!({"name": "a", "scopes": ["configs.list"], "user_id": user, "workspace_id": client.first_workspace().await});
    let secret = string(&client.post("/api-keys/workspace/user", body).await["key"]);
    let get = || async {
        let response = client.send_as(&secret, Method::GET, "/configs", Value::Null);
        response.await.status
    };
    assert_eq!(get().await, 200);
    client.delete(&format!("/admin/users/{user}")).await;
    assert_eq!(get().await, 401);
}

#[tokio::test]
async fn a_rotation_restarts_the_period() {
    let start = std::time::SystemTime::UNIX_EPOCH;
    let emulator = Emulator::builder().clock(Clock::fixed(start));
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    let body =
        json!({"name": "a", "scopes": ["x"], "rotation_policy": {"rotation_period": "weekly"}});
    let id = string(&client.post("/api-keys/organisation/service", body).await["id"]);
    let next = || async {
        let key = client.get(&format!("/api-keys/{id}")).await;
        string(&key["rotation_policy"]["next_rotation_at"])
    };
    assert_eq!(next().await, "1970-01-08T00:00:00.000Z");
    client.emulator.advance(Duration::from_secs(24 * 60 * 60));
    client
        .expect_ok(Method::POST, &format!("/api-keys/{id}/rotate"), Value::Null)
        .await;
    assert_eq!(next().await, "1970-01-09T00:00:00.000Z");
}

/// Creates an emulator with a clock fixed to 1970-01-01.
async fn client_at_epoch() -> TestClient {
    let emulator = Emulator::builder().clock(Clock::fixed(std::time::SystemTime::UNIX_EPOCH));
    TestClient::with_emulator(emulator.start().await.unwrap())
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Creates a workspace key that may list configs and insert logs; returns its path and its value.
async fn key_with(client: &TestClient, fields: Value) -> (String, String) {
    let scopes = ["configs.list", "completions.write", "logs.write"];
    let workspace = client.first_workspace().await;
    let mut body = json!({"name": "limited", "scopes": scopes, "workspace_id": workspace});
    let object = body.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    let key = client.post("/api-keys/workspace/service", body).await;
    (
        format!("/api-keys/{}", string(&key["id"])),
        string(&key["key"]),
    )
}

async fn is_accepted(client: &TestClient, key: &str) -> bool {
    let response = client.send_as(key, Method::GET, "/configs", Value::Null);
    match response.await.status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_key_with_a_period_rotates_automatically() {
    let client = client_at_epoch().await;
    let policy = json!({"rotation_period": "weekly", "key_transition_period_ms": 7_200_000});
    let (path, first) = key_with(&client, json!({"rotation_policy": policy})).await;
    let value = || client.emulator.key("limited").unwrap();
    client.emulator.advance(6 * DAY);
    assert_eq!(value(), first);
    client.emulator.advance(DAY + HOUR);
    // The new value is valid, and the old one for two hours after the rotation.
    let second = value();
    assert_ne!(second, first);
    assert!(is_accepted(&client, &first).await && is_accepted(&client, &second).await);
    let key = client.get(&path).await;
    assert_eq!(
        (
            &key["last_updated_at"],
            &key["rotation_policy"]["next_rotation_at"]
        ),
        (
            &json!("1970-01-08T00:00:00.000Z"),
            &json!("1970-01-15T00:00:00.000Z")
        )
    );
    assert_eq!(string(&key["key"])[7..], second[second.len() - 3..]);
    client.emulator.advance(HOUR);
    assert!(!is_accepted(&client, &first).await && is_accepted(&client, &second).await);
    // The result does not depend on requests in between: three weeks without any.
    client.emulator.advance(21 * DAY);
    let later = value();
    assert!(!is_accepted(&client, &second).await && is_accepted(&client, &later).await);
    let key = client.get(&path).await;
    assert_eq!(
        key["rotation_policy"]["next_rotation_at"],
        "1970-02-05T00:00:00.000Z"
    );
}

#[tokio::test]
async fn a_key_with_a_date_rotates_once() {
    let client = client_at_epoch().await;
    let policy = json!({"next_rotation_at": "1970-01-02T00:00:00Z"});
    let (path, first) = key_with(&client, json!({"rotation_policy": policy})).await;
    client.emulator.advance(DAY);
    assert!(is_accepted(&client, &first).await);
    client.emulator.advance(HOUR / 2);
    assert!(!is_accepted(&client, &first).await);
    let second = client.emulator.key("limited").unwrap();
    assert!(is_accepted(&client, &second).await);
    let policy = &client.get(&path).await["rotation_policy"];
    assert_eq!(policy["next_rotation_at"], Value::Null);
    client.emulator.advance(365 * DAY);
    assert!(is_accepted(&client, &second).await);
    // Removing the policy ends the rotation.
    let policy = json!({"rotation_policy": {"rotation_period": "monthly"}});
    client.put(&path, policy).await;
    client.put(&path, json!({"rotation_policy": null})).await;
    client.emulator.advance(62 * DAY);
    assert!(is_accepted(&client, &second).await);
}

/// Scheduled rotations are not written to the journal. The result after a restart is the same,
/// regardless of requests in between.
#[tokio::test]
async fn rotations_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("emulator-rotation-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let start = async || {
        let emulator = Emulator::builder()
            .clock(Clock::fixed(std::time::SystemTime::UNIX_EPOCH))
            .state_file(folder.join("state.json"));
        TestClient::with_emulator(emulator.start().await.unwrap())
    };
    let client = start().await;
    let policy = json!({"rotation_period": "weekly"});
    let (path, first) = key_with(&client, json!({"rotation_policy": policy})).await;
    for _ in 0..3 {
        client.emulator.advance(7 * DAY);
        assert_ne!(client.emulator.key("limited").unwrap(), first);
    }
    client
        .put(&path, json!({"description": "three weeks old"}))
        .await;
    let (value, key) = (client.emulator.key("limited"), client.get(&path).await);
    client.emulator.shutdown().await;
    let client = start().await;
    client.emulator.advance(21 * DAY);
    assert_eq!(client.emulator.key("limited"), value);
    assert_eq!(client.get(&path).await, key);
    client.emulator.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// Inserts a log with this key; the emulator's model costs 10 cents per 100,000 tokens.
async fn insert_log(client: &TestClient, key: &str, tokens: u64) {
    let response = client
        .send_as(key, Method::POST, "/logs", entry("user", 200, tokens))
        .await;
    assert_eq!(response.status, 200, "{}", response.body);
}

#[tokio::test]
async fn a_key_is_exhausted_by_logged_usage() {
    let client = client_at_epoch().await;
    let limits = json!({"type": "tokens", "credit_limit": 100, "periodic_reset_days": 10});
    let (path, key) = key_with(&client, json!({"usage_limits": limits})).await;
    let (other, _) = key_with(&client, json!({"usage_limits": limits})).await;
    let status = async |path: &str| string(&client.get(path).await["status"]);
    insert_log(&client, &key, 60).await;
    assert_eq!(status(&path).await, "active");
    insert_log(&client, &key, 40).await;
    assert_eq!(status(&path).await, "exhausted");
    assert_eq!(status(&other).await, "active");
    let listed = client.get("/api-keys").await;
    assert_eq!(column(&listed, "status"), ["active", "exhausted", "active"]);
    // An exhausted key still has admin access; only the gateway rejects it.
    assert!(is_accepted(&client, &key).await);

    client.put(&path, json!({"reset_usage": true})).await;
    assert_eq!(status(&path).await, "active");
    insert_log(&client, &key, 100).await;
    assert_eq!(status(&path).await, "exhausted");
    let read = client.get(&path).await;
    assert_eq!(
        (&read["last_reset_at"], &read["next_usage_reset_at"]),
        (
            &json!("1970-01-01T00:00:00.000Z"),
            &json!("1970-01-11T00:00:00.000Z")
        )
    );
    client.emulator.advance(10 * DAY);
    let read = client.get(&path).await;
    assert_eq!(
        (
            &read["status"],
            &read["last_reset_at"],
            &read["next_usage_reset_at"]
        ),
        (
            &json!("active"),
            &json!("1970-01-11T00:00:00.000Z"),
            &json!("1970-01-21T00:00:00.000Z")
        )
    );
    // Usage is kept when the limit is raised.
    insert_log(&client, &key, 150).await;
    client
        .put(
            &path,
            json!({"usage_limits": {"type": "tokens", "credit_limit": 151}}),
        )
        .await;
    assert_eq!(status(&path).await, "active");
    insert_log(&client, &key, 1).await;
    assert_eq!(status(&path).await, "exhausted");
}

#[tokio::test]
async fn cost_exhausts_a_key_until_the_reset_date() {
    let client = client_at_epoch().await;
    let next = "1970-01-03T00:00:00Z";
    let limits = json!({"type": "cost", "credit_limit": 1, "next_usage_reset_at": next});
    let (path, key) = key_with(&client, json!({"usage_limits": limits})).await;
    insert_log(&client, &key, 999_000).await;
    assert_eq!(client.get(&path).await["status"], "active");
    insert_log(&client, &key, 1_000).await;
    let read = client.get(&path).await;
    assert_eq!(
        (&read["status"], &read["next_usage_reset_at"]),
        (&json!("exhausted"), &json!("1970-01-03T00:00:00.000Z"))
    );
    client.emulator.advance(2 * DAY);
    let read = client.get(&path).await;
    assert_eq!(
        (&read["status"], &read["next_usage_reset_at"]),
        (&json!("active"), &Value::Null)
    );
}

/// As observed: an expired key without limits is shown with its alert sent.
#[tokio::test]
async fn a_key_expires() {
    let client = client_at_epoch().await;
    let (path, key) = key_with(&client, json!({"expires_at": "1970-01-02T00:00:00Z"})).await;
    assert!(is_accepted(&client, &key).await);
    assert_eq!(client.get(&path).await["usage_limits"], Value::Null);
    client.emulator.advance(DAY);
    assert!(!is_accepted(&client, &key).await);
    let read = client.get(&path).await;
    assert_eq!(
        (&read["status"], &read["usage_limits"]),
        (&json!("expired"), &json!({"is_expired_alerts_sent": true}))
    );
    client.put(&path, json!({"expires_at": null})).await;
    assert!(is_accepted(&client, &key).await);
    assert_eq!(client.get(&path).await["usage_limits"], Value::Null);
}

#[tokio::test]
async fn the_calling_key_is_read_without_its_value() {
    let client = TestClient::new().await;
    let body = json!({"name": "Caller", "scopes": ["configs.list"]});
    let created = client.post("/api-keys/organisation/service", body).await;
    let key = string(&created["key"]);
    let read = client.send_as(&key, Method::GET, "/organisation/api-key", Value::Null);
    let read = read.await.body;
    assert_eq!(
        (&read["id"], &read["name"], &read["scopes"]),
        (&created["id"], &json!("Caller"), &json!(["configs.list"]))
    );
    assert!(!read.to_string().contains(&key), "{read}");
    let workspace = client.first_workspace().await;
    let (_, key) = client.workspace_key(&workspace, &["*"]).await;
    let refused = client.send_as(&key, Method::GET, "/organisation/api-key", Value::Null);
    assert_eq!(refused.await.error().1, "AB03");
}

#[tokio::test]
async fn keys_are_listed_by_id_and_status() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (first, _) = client.workspace_key(&workspace, &["logs.list"]).await;
    let (second, _) = client.workspace_key(&workspace, &["logs.list"]).await;
    let expired = json!({"expires_at": "2020-01-01T00:00:00Z"});
    client.put(&format!("/api-keys/{second}"), expired).await;
    let by_id = client.get(&format!("/api-keys?ids={second},{first}")).await;
    let mut found = column(&by_id, "id");
    found.sort();
    let mut expected = vec![first.clone(), second.clone()];
    expected.sort();
    assert_eq!(found, expected);
    let path = format!("/api-keys?ids={second},{first}&status=expired,exhausted");
    let by_status = client.get(&path).await;
    assert_eq!(column(&by_status, "id"), [second]);
}

#[tokio::test]
async fn a_rotation_policy_in_days_has_a_status_and_can_be_removed() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (id, _) = client.workspace_key(&workspace, &["logs.list"]).await;
    let path = format!("/api-keys/{id}");
    client
        .put(
            &path,
            json!({"rotation_policy": {"rotation_period_days": 10}}),
        )
        .await;
    let policy = &client.get(&path).await["rotation_policy"];
    assert_eq!(
        (&policy["rotation_period_days"], &policy["status"]),
        (&json!(10), &json!("ACTIVE"))
    );
    let both =
        json!({"rotation_policy": {"rotation_period_days": 10, "rotation_period": "weekly"}});
    assert_eq!(client.expect_error(Method::PUT, &path, both).await.0, 400);
    client.put(&path, json!({"rotation_policy": null})).await;
    assert_eq!(client.get(&path).await.get("rotation_policy"), None);
}
