//! The builder: organisations, keys, clock, snapshots and consistency delay.

use std::time::{Duration, SystemTime};

use portkey_admin_emulator::{Clock, Emulator, Key, Organisation, Plan, Role, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

fn two_workspaces() -> Organisation {
    Organisation::named("Acme")
        .user("user1@example.com", Role::Owner)
        .user("user2@example.com", Role::Member)
        .workspace("One")
        .member("One", "user2@example.com", WorkspaceRole::Manager)
        .workspace("Two")
        .key(Key::organisation("reader").scopes(["workspaces.list", "configs.list"]))
        .key(Key::workspace("One", "one"))
        .key(
            Key::workspace("Two", "two")
                .user("user2@example.com")
                .scopes(["configs.list"]),
        )
}

#[tokio::test]
async fn an_emulator_starts_with_the_configured_organisation() {
    let client = TestClient::with_emulator(
        Emulator::builder()
            .organisation(two_workspaces())
            .start()
            .await
            .unwrap(),
    );
    assert_eq!(
        column(&client.get("/admin/workspaces").await, "name"),
        ["One", "Two"]
    );
    assert_eq!(
        column(&client.get("/admin/users").await, "role"),
        ["owner", "member"]
    );
    let types = column(&client.get("/api-keys").await, "type");
    let expected = [
        "organisation-service",
        "organisation-service",
        "workspace-service",
        "workspace-user",
    ];
    assert_eq!(types, expected);
    assert_eq!(
        column(&client.get_as("one", "/admin/workspaces").await, "name"),
        ["One"]
    );
    assert_eq!(
        column(&client.get_as("reader", "/admin/workspaces").await, "name"),
        ["One", "Two"]
    );
    let reader = client.emulator.key("reader").unwrap();
    let users = client
        .send_as(&reader, Method::GET, "/admin/users", Value::Null)
        .await;
    assert_eq!(users.error().1, "AB03");
    let one = client.first_workspace().await;
    let members = client.get(&format!("/admin/workspaces/{one}/users")).await;
    assert_eq!(column(&members, "email"), ["user2@example.com"]);
}

#[tokio::test]
async fn organisations_do_not_see_each_other() {
    let emulator = Emulator::builder()
        .organisation(two_workspaces())
        .organisation(
            Organisation::named("Other")
                .plan(Plan::Free)
                .workspace("Three"),
        );
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    let other = client
        .emulator
        .key_in_organisation("Other", "Emulator")
        .unwrap();
    let get = |path: &'static str| client.send_as(&other, Method::GET, path, Value::Null);
    assert_eq!(
        column(&get("/admin/workspaces").await.body, "name"),
        ["Three"]
    );
    // Operations of the Enterprise plan are forbidden on the free plan.
    let users = get("/admin/users").await.error();
    assert!(
        users.0 == 403 && users.2.contains("Enterprise"),
        "{users:?}"
    );
    let one = client.first_workspace().await;
    let path = format!("/admin/workspaces/{one}");
    assert_eq!(
        client
            .send_as(&other, Method::GET, &path, Value::Null)
            .await
            .status,
        403
    );
    assert_ne!(
        client.emulator.organisation_id("Acme"),
        client.emulator.organisation_id("Other")
    );
    assert_eq!(client.emulator.organisation_id("Nobody"), None);
}

#[tokio::test]
async fn an_inconsistent_seed_fails_to_start() {
    let cases = [
        (
            Organisation::named("A").member("One", "nobody@example.com", WorkspaceRole::Member),
            "nobody@example.com",
        ),
        (
            Organisation::named("A").key(Key::workspace("Nowhere", "k")),
            "`Nowhere`",
        ),
        (
            Organisation::named("A")
                .user("u@example.com", Role::Owner)
                .key(Key::organisation("k").user("u@example.com")),
            "requires a workspace",
        ),
    ];
    for (organisation, expected) in cases {
        let error = Emulator::builder()
            .organisation(organisation)
            .start()
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn the_clock_is_controlled_by_the_test() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let emulator = Emulator::builder()
        .clock(Clock::fixed(start))
        .start()
        .await
        .unwrap();
    let client = TestClient::with_emulator(emulator);
    let body =
        json!({"name": "a", "scopes": ["configs.list"], "expires_at": "2026-01-01T01:00:00Z"});
    let secret = string(&client.post("/api-keys/organisation/service", body).await["key"]);
    let get = || async {
        client
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status
    };
    assert_eq!(get().await, 200);
    client.emulator.advance(Duration::from_secs(3599));
    assert_eq!(get().await, 200);
    client.emulator.advance(Duration::from_secs(1));
    assert_eq!(get().await, 401);
    assert_eq!(
        client.workspace("Late").await["created_at"],
        "2026-01-01T01:00:00.000Z"
    );
    assert_eq!(
        client.emulator.now().to_rfc3339(),
        "2026-01-01T01:00:00+00:00"
    );
}

#[tokio::test]
async fn restore_reverts_to_a_snapshot() {
    let client = TestClient::new().await;
    let config = string(&client.first("/configs").await["slug"]);
    let path = format!("/configs/{config}");
    let before = (
        client.get(&path).await,
        client.get("/admin/workspaces").await,
    );
    let snapshot = client.emulator.snapshot();
    client.workspace("Gone soon").await;
    client.delete(&path).await;
    client.emulator.advance(Duration::from_secs(60));
    let ahead = client.emulator.now();
    // A snapshot can be serialised.
    let json = serde_json::to_string(&snapshot).unwrap();
    client
        .emulator
        .restore(&serde_json::from_str(&json).unwrap())
        .unwrap();
    assert_eq!(
        (
            client.get(&path).await,
            client.get("/admin/workspaces").await
        ),
        before
    );
    assert!(client.emulator.now() < ahead);
    assert!(!format!("{snapshot:?}").contains(&client.key));
    // A snapshot can be restored in another emulator, including the keys.
    let other = Emulator::start().await.unwrap();
    other.restore(&snapshot).unwrap();
    let other = TestClient {
        key: client.key.clone(),
        ..TestClient::with_emulator(other)
    };
    assert_eq!(other.get(&path).await, before.0);
}

#[tokio::test]
async fn reads_see_writes_after_the_delay() {
    let emulator = Emulator::builder()
        .clock(Clock::fixed(SystemTime::UNIX_EPOCH))
        .consistency_delay(Duration::from_secs(10));
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    let names = || async { column(&client.get("/admin/workspaces").await, "name") };
    let id = string(&client.workspace("New").await["id"]);
    assert_eq!(names().await, ["Platform"]);
    client.emulator.advance(Duration::from_secs(4));
    // Writes see each other immediately.
    client
        .put(&format!("/admin/workspaces/{id}"), json!({"name": "Newer"}))
        .await;
    client.emulator.advance(Duration::from_secs(6));
    assert_eq!(names().await, ["Platform", "New"]);
    client.emulator.advance(Duration::from_secs(4));
    assert_eq!(names().await, ["Platform", "Newer"]);
}

#[tokio::test]
async fn a_random_seed_makes_ids_deterministic() {
    let run = || async {
        let client =
            TestClient::with_emulator(Emulator::builder().random_seed(7).start().await.unwrap());
        let workspace = client.workspace("A").await;
        (
            client.key.clone(),
            workspace["id"].clone(),
            workspace["slug"].clone(),
        )
    };
    let first = run().await;
    assert_eq!(first, run().await);
    let other = Emulator::builder().random_seed(8).start().await.unwrap();
    assert_ne!(first.0, other.api_key());
}

#[tokio::test]
async fn recorded_requests_name_their_operation() {
    let client = TestClient::new().await;
    client.get("/configs").await;
    client.send(Method::GET, "/nothing", Value::Null).await;
    let requests = client.emulator.requests();
    let operations: Vec<Option<&str>> = requests
        .iter()
        .map(|seen| seen.operation.as_deref())
        .collect();
    assert_eq!(operations, [Some("list_configs"), None]);
}
