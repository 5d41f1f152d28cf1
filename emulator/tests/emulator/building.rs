//! What a test can set before it starts: organisations, keys, the clock, snapshots, delay.

use std::time::{Duration, SystemTime};

use portkey_admin_emulator::{Clock, Emulator, Key, Organisation, Plan, Role, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, column, text};

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
async fn an_emulator_starts_with_what_it_is_given() {
    let world = World::of(
        Emulator::builder()
            .organisation(two_workspaces())
            .start()
            .await
            .unwrap(),
    );
    assert_eq!(
        column(&world.get("/admin/workspaces").await, "name"),
        ["One", "Two"]
    );
    assert_eq!(
        column(&world.get("/admin/users").await, "role"),
        ["owner", "member"]
    );
    let types = column(&world.get("/api-keys").await, "type");
    let expected = [
        "organisation-service",
        "organisation-service",
        "workspace-service",
        "workspace-user",
    ];
    assert_eq!(types, expected);
    assert_eq!(
        column(&world.get_as("one", "/admin/workspaces").await, "name"),
        ["One"]
    );
    assert_eq!(
        column(&world.get_as("reader", "/admin/workspaces").await, "name"),
        ["One", "Two"]
    );
    let reader = world.emulator.key("reader").unwrap();
    let users = world
        .send_as(&reader, Method::GET, "/admin/users", Value::Null)
        .await;
    assert_eq!(users.refusal().1, "AB03");
    let one = text(&world.first("/admin/workspaces").await["id"]);
    let members = world.get(&format!("/admin/workspaces/{one}/users")).await;
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
    let world = World::of(emulator.start().await.unwrap());
    let other = world.emulator.key_of("Other", "Emulator").unwrap();
    let get = |path: &'static str| world.send_as(&other, Method::GET, path, Value::Null);
    assert_eq!(
        column(&get("/admin/workspaces").await.body, "name"),
        ["Three"]
    );
    // The Enterprise plan is not for free.
    let users = get("/admin/users").await.refusal();
    assert!(
        users.0 == 403 && users.2.contains("Enterprise"),
        "{users:?}"
    );
    let one = text(&world.first("/admin/workspaces").await["id"]);
    let path = format!("/admin/workspaces/{one}");
    assert_eq!(
        world
            .send_as(&other, Method::GET, &path, Value::Null)
            .await
            .status,
        403
    );
    assert_ne!(
        world.emulator.organisation_id("Acme"),
        world.emulator.organisation_id("Other")
    );
    assert_eq!(world.emulator.organisation_id("Nobody"), None);
}

#[tokio::test]
async fn a_seed_that_contradicts_itself_does_not_start() {
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
            "needs a workspace",
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
async fn time_is_the_tests() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let emulator = Emulator::builder()
        .clock(Clock::fixed(start))
        .start()
        .await
        .unwrap();
    let world = World::of(emulator);
    let body =
        json!({"name": "a", "scopes": ["configs.list"], "expires_at": "2026-01-01T01:00:00Z"});
    let secret = text(&world.post("/api-keys/organisation/service", body).await["key"]);
    let get = || async {
        world
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status
    };
    assert_eq!(get().await, 200);
    world.emulator.advance(Duration::from_secs(3599));
    assert_eq!(get().await, 200);
    world.emulator.advance(Duration::from_secs(1));
    assert_eq!(get().await, 401);
    assert_eq!(
        world.workspace("Late").await["created_at"],
        "2026-01-01T01:00:00.000Z"
    );
    assert_eq!(
        world.emulator.now().to_rfc3339(),
        "2026-01-01T01:00:00+00:00"
    );
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let world = World::new().await;
    let config = text(&world.first("/configs").await["slug"]);
    let path = format!("/configs/{config}");
    let before = (world.get(&path).await, world.get("/admin/workspaces").await);
    let snapshot = world.emulator.snapshot();
    world.workspace("Gone soon").await;
    world.delete(&path).await;
    world.emulator.advance(Duration::from_secs(60));
    let ahead = world.emulator.now();
    // It survives a file, too.
    let text = serde_json::to_string(&snapshot).unwrap();
    world
        .emulator
        .restore(&serde_json::from_str(&text).unwrap())
        .unwrap();
    assert_eq!(
        (world.get(&path).await, world.get("/admin/workspaces").await),
        before
    );
    assert!(world.emulator.now() < ahead);
    assert!(!format!("{snapshot:?}").contains(&world.key));
    // Another emulator takes it over, with its keys.
    let other = Emulator::start().await.unwrap();
    other.restore(&snapshot).unwrap();
    let other = World {
        key: world.key.clone(),
        ..World::of(other)
    };
    assert_eq!(other.get(&path).await, before.0);
}

#[tokio::test]
async fn reads_see_writes_after_the_delay() {
    let emulator = Emulator::builder()
        .clock(Clock::fixed(SystemTime::UNIX_EPOCH))
        .consistency_delay(Duration::from_secs(10));
    let world = World::of(emulator.start().await.unwrap());
    let names = || async { column(&world.get("/admin/workspaces").await, "name") };
    let id = text(&world.workspace("New").await["id"]);
    assert_eq!(names().await, ["Platform"]);
    world.emulator.advance(Duration::from_secs(4));
    // Writes see each other at once.
    world
        .put(&format!("/admin/workspaces/{id}"), json!({"name": "Newer"}))
        .await;
    world.emulator.advance(Duration::from_secs(6));
    assert_eq!(names().await, ["Platform", "New"]);
    world.emulator.advance(Duration::from_secs(4));
    assert_eq!(names().await, ["Platform", "Newer"]);
}

#[tokio::test]
async fn a_seed_number_repeats_every_id() {
    let run = || async {
        let world = World::of(Emulator::builder().seed(7).start().await.unwrap());
        let workspace = world.workspace("A").await;
        (
            world.key.clone(),
            workspace["id"].clone(),
            workspace["slug"].clone(),
        )
    };
    let first = run().await;
    assert_eq!(first, run().await);
    let other = Emulator::builder().seed(8).start().await.unwrap();
    assert_ne!(first.0, other.api_key());
}

#[tokio::test]
async fn requests_know_their_operation() {
    let world = World::new().await;
    world.get("/configs").await;
    world.send(Method::GET, "/nothing", Value::Null).await;
    let requests = world.emulator.requests();
    let operations: Vec<Option<&str>> = requests
        .iter()
        .map(|seen| seen.operation.as_deref())
        .collect();
    assert_eq!(operations, [Some("list_configs"), None]);
}
