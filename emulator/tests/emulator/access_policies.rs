//! Access policies.

use std::time::Duration;

use portkey_admin_emulator::{Clock, Emulator, Key, Organisation, Role, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

const POLICIES: &str = "/policies/access";

/// Creates a client whose clock stands still; `one` and `two` are keys of the two workspaces.
async fn client() -> TestClient {
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .member("One", "owner@example.com", WorkspaceRole::Admin)
        .workspace("Two")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"));
    let start = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let emulator = Emulator::builder()
        .organisation(organisation)
        .clock(Clock::fixed(start));
    TestClient::with_emulator(emulator.start().await.unwrap())
}

fn body(overrides: Value) -> Value {
    let mut body = json!({
        "name": "Everybody",
        "subjects": [{"type": "user", "id": "u1"}, {"type": "agent", "id": "ANY"}],
        "targets": [
            {"type": "mcp_server", "server_id": "s1", "tools": "ALL"},
            {"type": "provider", "provider_id": "p1", "models": ["gpt-4o"]},
        ],
    });
    for (name, value) in overrides.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn policy(client: &TestClient, overrides: Value) -> String {
    let created = client.post_as("one", POLICIES, body(overrides)).await;
    assert_eq!(created["object"], "access-policy");
    format!("{POLICIES}/{}", string(&created["id"]))
}

#[tokio::test]
async fn an_update_needs_the_current_version() {
    let client = client().await;
    let path = policy(&client, json!({"description": "d"})).await;
    let read = client.get(&path).await;
    assert_eq!(
        (&read["version"], &read["enabled"], &read["effect"]),
        (&json!(1), &json!(true), &json!("allow"))
    );
    assert_eq!(read["targets"], body(json!({}))["targets"]);
    let change = body(json!({"version": 1, "name": "Renamed", "enabled": false}));
    assert_eq!(client.put(&path, change.clone()).await, json!({}));
    let (status, code, message) = client.expect_error(Method::PUT, &path, change).await;
    assert_eq!((status, code.as_str()), (409, "AB07"));
    assert!(message.contains("`/version`"), "{message}");
    // What is absent stays; null clears the description.
    let read = client.get(&path).await;
    assert_eq!(
        (
            &read["version"],
            &read["name"],
            &read["description"],
            &read["enabled"]
        ),
        (&json!(2), &json!("Renamed"), &json!("d"), &json!(false))
    );
    let mut change = body(json!({"version": 2, "description": null}));
    change.as_object_mut().unwrap().remove("name");
    client.put(&path, change).await;
    let read = client.get(&path).await;
    assert_eq!(
        (&read["version"], &read["name"], &read["description"]),
        (&json!(3), &json!("Renamed"), &Value::Null)
    );
    let without_version = body(json!({}));
    let error = client.expect_error(Method::PUT, &path, without_version);
    assert_eq!(error.await.0, 400);
    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn the_effect_defaults_to_deny_only_for_everybody() {
    let client = client().await;
    let any = |kind: &str| json!({"type": kind, "id": "ANY"});
    for (number, (subjects, effect)) in [
        (json!([any("user"), any("agent")]), "deny"),
        (
            json!([any("user"), any("agent"), {"type": "group", "id": "g"}]),
            "deny",
        ),
        (json!([any("user"), {"type": "group", "id": "g"}]), "allow"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = number.to_string();
        let path = policy(&client, json!({"name": name, "subjects": subjects})).await;
        assert_eq!(client.get(&path).await["effect"], effect, "{subjects}");
    }
    for (overrides, place) in [
        (json!({"subjects": [any("user")]}), "`/effect`"),
        (
            json!({"subjects": [any("user"), any("agent")], "effect": "allow"}),
            "`/effect`",
        ),
        (
            json!({"subjects": [any("user"), any("group")], "effect": "deny"}),
            "`/subjects/1/id`",
        ),
        (json!({"subjects": []}), "`/subjects`"),
    ] {
        let refused = client.send_as_named("one", Method::POST, POLICIES, body(overrides));
        let (status, _, message) = refused.await.error();
        assert!(status == 400 && message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn names_are_unique_within_a_workspace() {
    let client = client().await;
    let first = policy(&client, json!({"name": "A"})).await;
    let second = policy(&client, json!({"name": "B"})).await;
    client
        .post_as("two", POLICIES, body(json!({"name": "A"})))
        .await;
    let taken = client.send_as_named("one", Method::POST, POLICIES, body(json!({"name": "A"})));
    assert_eq!(taken.await.error().1, "AB07");
    let renamed = body(json!({"name": "A", "version": 1}));
    let error = client.expect_error(Method::PUT, &second, renamed.clone());
    assert_eq!(error.await.0, 409);
    // A refused update does not count as a version.
    assert_eq!(client.get(&second).await["version"], 1);
    client.put(&first, renamed).await;
}

#[tokio::test]
async fn policies_are_listed_with_counts_and_filters() {
    let client = client().await;
    policy(&client, json!({"name": "First"})).await;
    client.emulator.advance(Duration::from_secs(60));
    let everybody = json!([{"type": "user", "id": "ANY"}, {"type": "agent", "id": "ANY"}]);
    let target = json!([{"type": "mcp_server", "server_id": "s2", "tools": ["a"]}]);
    let overrides =
        json!({"name": "Second", "subjects": everybody, "targets": target, "enabled": false});
    policy(&client, overrides).await;
    client
        .post_as("two", POLICIES, body(json!({"name": "Third"})))
        .await;
    let list = client
        .get_as("one", &format!("{POLICIES}?page_size=1&current_page=1"))
        .await;
    let item = &list["data"][0];
    assert_eq!(
        (&list["total"], &item["name"]),
        (&json!(2), &json!("Second"))
    );
    assert_eq!(
        (
            &item["allow_all_users"],
            &item["target_server_count"],
            &item["target_provider_count"]
        ),
        (&json!(true), &json!(1), &json!(0))
    );
    assert!(item.get("subjects").is_none() && item.get("targets").is_none());
    let creator = string(&item["created_by"]);
    for (filter, expected) in [
        ("effect=deny".to_owned(), &["Second"][..]),
        ("enabled=true".to_owned(), &["First"]),
        ("user_id=u1".to_owned(), &["First"]),
        ("agent_id=none".to_owned(), &[]),
        ("server_id=s2".to_owned(), &["Second"]),
        ("search=FIR".to_owned(), &["First"]),
        (format!("created_by={creator}"), &["First", "Second"]),
        ("start_time=2027-01-15T08:00:30Z".to_owned(), &["Second"]),
        ("end_time=2027-01-15T08:00:30Z".to_owned(), &["First"]),
    ] {
        let list = client.get_as("one", &format!("{POLICIES}?{filter}")).await;
        assert_eq!(column(&list, "name"), expected, "{filter}");
    }
    let (status, _, message) = client
        .expect_error(Method::GET, POLICIES, Value::Null)
        .await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
}

#[tokio::test]
async fn a_policy_belongs_to_one_workspace_and_names_its_users() {
    let client = client().await;
    let user = client.first("/admin/users").await;
    let subjects = json!([{"type": "user", "id": user["id"]}, {"type": "agent", "id": "a"}]);
    let path = policy(&client, json!({"subjects": subjects})).await;
    let read = client.get_as("one", &path).await;
    assert_eq!(read["subjects"][0]["email"], "owner@example.com");
    assert_eq!(read["subjects"][1]["email"], Value::Null);
    let foreign = client.send_as_named("two", Method::GET, &path, Value::Null);
    assert_eq!(foreign.await.status, 404);
    let (status, _, message) = client
        .expect_error(Method::POST, POLICIES, body(json!({})))
        .await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
}
