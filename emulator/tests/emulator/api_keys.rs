//! API keys, and what they let in.

use std::time::Duration;

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{World, column, has_members, text};

const ALL: [&str; 6] = [
    "workspace_service_api_keys.list",
    "workspace_service_api_keys.read",
    "workspace_service_api_keys.create",
    "configs.list",
    "prompts.list",
    "workspaces.list",
];

async fn seeded_workspace(world: &World) -> String {
    text(&world.first("/admin/workspaces").await["id"])
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let world = World::new().await;
    let slug = text(&world.first("/admin/workspaces").await["slug"]);
    let body = json!({"name": "ci", "workspace_id": slug, "scopes": ["completions.write"]});
    let created = world.post("/api-keys/workspace/service", body).await;
    assert_eq!(created["object"], "api-key");
    let (id, secret) = (text(&created["id"]), text(&created["key"]));

    let key = world.get(&format!("/api-keys/{id}")).await;
    assert_eq!(key["type"], "workspace-service");
    assert_eq!(text(&key["workspace_id"]), seeded_workspace(&world).await);
    assert_eq!(
        text(&key["key"]),
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
    has_members(
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

    let list = world.get(&format!("/api-keys?workspace_id={slug}")).await;
    assert_eq!((column(&list, "id"), &list["total"]), (vec![id], &json!(1)));
    assert!(!list.to_string().contains(&secret));
    assert!(list["data"][0].get("next_usage_reset_at").is_none());
    let all = world.get("/api-keys?page_size=1&current_page=1").await;
    assert_eq!(
        (all["total"].clone(), all["data"].as_array().unwrap().len()),
        (json!(2), 1)
    );
}

#[tokio::test]
async fn what_a_kind_of_key_needs_is_checked() {
    let world = World::new().await;
    let workspace = seeded_workspace(&world).await;
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
        let (status, code, message) = world.refused(Method::POST, path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{path}");
        assert!(message.contains(field), "{message}");
    }
    let user = text(&world.first("/admin/users").await["id"]);
    let body = json!({"name": "a", "scopes": ["x"], "workspace_id": workspace, "user_id": user});
    let key = world.post("/api-keys/workspace/user", body).await;
    assert_eq!(
        text(&world.get(&format!("/api-keys/{}", text(&key["id"]))).await["user_id"]),
        user
    );
    let organisation = world
        .post(
            "/api-keys/organisation/service",
            json!({"name": "o", "scopes": ["x"]}),
        )
        .await;
    assert!(text(&organisation["key"]).starts_with("emulator-org-key-"));
}

/// The service does not look at the request first: it fails, whatever else is wrong.
#[tokio::test]
async fn a_key_without_scopes_fails_as_in_the_service() {
    let world = World::new().await;
    for body in [json!({"name": "a", "scopes": []}), json!({"name": 1})] {
        let (status, _, _) = world
            .refused(Method::POST, "/api-keys/organisation/service", body)
            .await;
        assert_eq!(status, 502);
    }
    assert_eq!(world.get("/api-keys").await["total"], 1);
}

#[tokio::test]
async fn an_update_keeps_clears_and_sets() {
    let world = World::new().await;
    let config = world.first("/configs").await;
    let body = json!({"name": "a", "scopes": ["x"], "alert_emails": ["a@example.com"],
        "usage_limits": {"type": "cost", "credit_limit": 5}, "expires_at": "2099-01-01T00:00:00Z",
        "rate_limits": [{"type": "requests", "unit": "rpm", "value": 3}],
        "defaults": {"config_id": config["slug"], "metadata": {"env": "t"}, "allow_config_override": false}});
    let id = text(&world.post("/api-keys/organisation/service", body).await["id"]);
    let path = format!("/api-keys/{id}");
    let key = world.get(&path).await;
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

    assert_eq!(world.put(&path, json!({"name": "b"})).await, json!({}));
    let kept = world.get(&path).await;
    assert_eq!(
        (&kept["name"], &kept["usage_limits"], &kept["alert_emails"]),
        (&json!("b"), &key["usage_limits"], &key["alert_emails"])
    );

    let clear = json!({"usage_limits": null, "rate_limits": null, "alert_emails": null, "expires_at": null,
        "defaults": {"config_id": null}, "reset_usage": true});
    world.put(&path, clear).await;
    let cleared = world.get(&path).await;
    for name in ["usage_limits", "alert_emails", "expires_at", "reset_usage"] {
        assert_eq!(cleared[name], Value::Null, "{name}");
    }
    assert_eq!(
        (&cleared["rate_limits"], &cleared["defaults"]["config_id"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(cleared["defaults"]["metadata"]["env"], "t");
    text(&cleared["last_reset_at"]);
}

#[tokio::test]
async fn a_rotation_policy_has_a_period_or_a_date() {
    let world = World::new().await;
    let create = |policy: Value| json!({"name": "a", "scopes": ["x"], "rotation_policy": policy});
    let both =
        create(json!({"rotation_period": "weekly", "next_rotation_at": "2099-01-01T00:00:00Z"}));
    assert_eq!(
        world
            .refused(Method::POST, "/api-keys/organisation/service", both)
            .await
            .0,
        400
    );
    let hasty = create(json!({"rotation_period": "weekly", "key_transition_period_ms": 1}));
    let message = world
        .refused(Method::POST, "/api-keys/organisation/service", hasty)
        .await
        .2;
    assert!(
        message.contains("`/rotation_policy/key_transition_period_ms`"),
        "{message}"
    );
    let body = create(json!({"rotation_period": "monthly", "key_transition_period_ms": 1_800_000}));
    let id = text(&world.post("/api-keys/organisation/service", body).await["id"]);
    text(&world.get(&format!("/api-keys/{id}")).await["rotation_policy"]["next_rotation_at"]);
    let rotated = world
        .ok(Method::POST, &format!("/api-keys/{id}/rotate"), Value::Null)
        .await;
    text(&rotated["key_transition_expires_at"]);
}

#[tokio::test]
async fn rotation_ends_the_old_key_at_once_or_after_a_while() {
    let world = World::new().await;
    let (id, first) = world
        .workspace_key(&seeded_workspace(&world).await, &ALL)
        .await;
    let path = format!("/api-keys/{id}/rotate");
    let rotated = world
        .post(&path, json!({"key_transition_period_ms": 3_600_000}))
        .await;
    let second = text(&rotated["key"]);
    assert_eq!(rotated["id"], json!(id));
    text(&rotated["key_transition_expires_at"]);
    for key in [&first, &second] {
        assert_eq!(
            world
                .send_as(key, Method::GET, "/configs", Value::Null)
                .await
                .status,
            200
        );
    }
    let rotated = world.ok(Method::POST, &path, Value::Null).await;
    assert!(rotated.get("key_transition_expires_at").is_none());
    for key in [&first, &second] {
        assert_eq!(
            world
                .send_as(key, Method::GET, "/configs", Value::Null)
                .await
                .status,
            401
        );
    }
    let third = text(&rotated["key"]);
    assert_eq!(
        world
            .send_as(&third, Method::GET, "/configs", Value::Null)
            .await
            .status,
        200
    );
    let impatient = json!({"key_transition_period_ms": 1});
    assert!(
        world
            .refused(Method::POST, &path, impatient)
            .await
            .2
            .contains("`/key_transition_period_ms`")
    );
}

#[tokio::test]
async fn a_deleted_key_lets_nobody_in() {
    let world = World::new().await;
    let (id, secret) = world
        .workspace_key(&seeded_workspace(&world).await, &ALL)
        .await;
    assert_eq!(world.delete(&format!("/api-keys/{id}")).await, json!({}));
    assert_eq!(
        world
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status,
        401
    );
    let (status, code, _) = world
        .refused(Method::GET, &format!("/api-keys/{id}"), Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn a_workspace_key_sees_its_own_workspace() {
    let world = World::new().await;
    let other = text(&world.workspace("Other").await["id"]);
    let (_, secret) = world.workspace_key(&other, &ALL).await;
    let get = |path: &'static str| world.send_as(&secret, Method::GET, path, Value::Null);
    assert_eq!(get("/configs").await.body["total"], 0);
    assert_eq!(get("/prompts").await.body["total"], 0);
    assert_eq!(get("/api-keys").await.body["total"], 1);
    assert_eq!(column(&get("/admin/workspaces").await.body, "id"), [other]);
    let seeded = seeded_workspace(&world).await;
    let foreign = world
        .send_as(
            &secret,
            Method::GET,
            &format!("/configs?workspace_id={seeded}"),
            Value::Null,
        )
        .await;
    assert_eq!(foreign.refusal().0, 403);
    // Its workspace goes without saying.
    let body = json!({"name": "second", "scopes": ["x"]});
    let key = world
        .send_as(&secret, Method::POST, "/api-keys/workspace/service", body)
        .await;
    assert_eq!(key.status, 200, "{}", key.body);
}

#[tokio::test]
async fn kind_and_scopes_of_a_key_limit_it() {
    let world = World::new().await;
    let (_, secret) = world
        .workspace_key(&seeded_workspace(&world).await, &["configs.list"])
        .await;
    let users = world
        .send_as(&secret, Method::GET, "/admin/users", Value::Null)
        .await
        .refusal();
    assert_eq!((users.0, users.1.as_str()), (403, "AB03"));
    let prompts = world
        .send_as(&secret, Method::GET, "/prompts", Value::Null)
        .await
        .refusal();
    assert!(
        prompts.0 == 403 && prompts.2.contains("prompts.list"),
        "{prompts:?}"
    );
    assert_eq!(
        world
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_user_takes_their_keys_along() {
    let world = World::new().await;
    let users = world.get("/admin/users").await;
    let user = text(&users["data"][2]["id"]);
    let body = json!({"name": "a", "scopes": ["configs.list"], "user_id": user, "workspace_id": seeded_workspace(&world).await});
    let secret = text(&world.post("/api-keys/workspace/user", body).await["key"]);
    let get = || async {
        let answer = world.send_as(&secret, Method::GET, "/configs", Value::Null);
        answer.await.status
    };
    assert_eq!(get().await, 200);
    world.delete(&format!("/admin/users/{user}")).await;
    assert_eq!(get().await, 401);
}

#[tokio::test]
async fn a_rotation_starts_the_period_anew() {
    let start = std::time::SystemTime::UNIX_EPOCH;
    let emulator = Emulator::builder().clock(Clock::fixed(start));
    let world = World::of(emulator.start().await.unwrap());
    let body =
        json!({"name": "a", "scopes": ["x"], "rotation_policy": {"rotation_period": "weekly"}});
    let id = text(&world.post("/api-keys/organisation/service", body).await["id"]);
    let next = || async {
        let key = world.get(&format!("/api-keys/{id}")).await;
        text(&key["rotation_policy"]["next_rotation_at"])
    };
    assert_eq!(next().await, "1970-01-08T00:00:00.000Z");
    world.emulator.advance(Duration::from_secs(24 * 60 * 60));
    world
        .ok(Method::POST, &format!("/api-keys/{id}/rotate"), Value::Null)
        .await;
    assert_eq!(next().await, "1970-01-09T00:00:00.000Z");
}

/// An emulator whose time is the test's, from 1970 on.
async fn in_1970() -> World {
    let emulator = Emulator::builder().clock(Clock::fixed(std::time::SystemTime::UNIX_EPOCH));
    World::of(emulator.start().await.unwrap())
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A key of the organisation that may list configs, its path and its value.
async fn key_with(world: &World, more: Value) -> (String, String) {
    let mut body = json!({"name": "limited", "scopes": ["configs.list"]});
    let members = body.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let key = world.post("/api-keys/organisation/service", body).await;
    (format!("/api-keys/{}", text(&key["id"])), text(&key["key"]))
}

async fn lets_in(world: &World, key: &str) -> bool {
    let answer = world.send_as(key, Method::GET, "/configs", Value::Null);
    match answer.await.status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_key_with_a_period_rotates_by_itself() {
    let world = in_1970().await;
    let policy = json!({"rotation_period": "weekly", "key_transition_period_ms": 7_200_000});
    let (path, first) = key_with(&world, json!({"rotation_policy": policy})).await;
    let value = || world.emulator.key("limited").unwrap();
    world.emulator.advance(6 * DAY);
    assert_eq!(value(), first);
    world.emulator.advance(DAY + HOUR);
    // The new value, and for two hours from the rotation on the old one.
    let second = value();
    assert_ne!(second, first);
    assert!(lets_in(&world, &first).await && lets_in(&world, &second).await);
    let key = world.get(&path).await;
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
    assert_eq!(text(&key["key"])[7..], second[second.len() - 3..]);
    world.emulator.advance(HOUR);
    assert!(!lets_in(&world, &first).await && lets_in(&world, &second).await);
    // Weeks in which nobody asks anything change nothing about what it comes to.
    world.emulator.advance(21 * DAY);
    let later = value();
    assert!(!lets_in(&world, &second).await && lets_in(&world, &later).await);
    let key = world.get(&path).await;
    assert_eq!(
        key["rotation_policy"]["next_rotation_at"],
        "1970-02-05T00:00:00.000Z"
    );
}

#[tokio::test]
async fn a_key_with_a_date_rotates_once() {
    let world = in_1970().await;
    let policy = json!({"next_rotation_at": "1970-01-02T00:00:00Z"});
    let (path, first) = key_with(&world, json!({"rotation_policy": policy})).await;
    world.emulator.advance(DAY);
    assert!(!lets_in(&world, &first).await);
    let second = world.emulator.key("limited").unwrap();
    assert!(lets_in(&world, &second).await);
    let policy = &world.get(&path).await["rotation_policy"];
    assert_eq!(policy["next_rotation_at"], Value::Null);
    world.emulator.advance(365 * DAY);
    assert!(lets_in(&world, &second).await);
    // A policy that is taken away rotates no more.
    let policy = json!({"rotation_policy": {"rotation_period": "monthly"}});
    world.put(&path, policy).await;
    world.put(&path, json!({"rotation_policy": null})).await;
    world.emulator.advance(62 * DAY);
    assert!(lets_in(&world, &second).await);
}

/// What rotates by itself is not written down, and comes to the same after a restart, whether
/// somebody looked in the meantime or not.
#[tokio::test]
async fn rotations_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("emulator-rotation-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let start = async || {
        let emulator = Emulator::builder()
            .clock(Clock::fixed(std::time::SystemTime::UNIX_EPOCH))
            .state_file(folder.join("state.json"));
        World::of(emulator.start().await.unwrap())
    };
    let world = start().await;
    let policy = json!({"rotation_period": "weekly"});
    let (path, first) = key_with(&world, json!({"rotation_policy": policy})).await;
    for _ in 0..3 {
        world.emulator.advance(7 * DAY);
        assert_ne!(world.emulator.key("limited").unwrap(), first);
    }
    world
        .put(&path, json!({"description": "three weeks old"}))
        .await;
    let (value, key) = (world.emulator.key("limited"), world.get(&path).await);
    world.emulator.shutdown().await;
    let world = start().await;
    world.emulator.advance(21 * DAY);
    assert_eq!(world.emulator.key("limited"), value);
    assert_eq!(world.get(&path).await, key);
    world.emulator.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// Logs as a key reports them; the emulator's model costs 10 cents for 100,000 tokens.
async fn report(world: &World, key: &str, tokens: u64) {
    let answer = world
        .send_as(key, Method::POST, "/logs", entry("user", 200, tokens))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_key_is_exhausted_by_what_it_reports() {
    let world = in_1970().await;
    let limits = json!({"type": "tokens", "credit_limit": 100, "periodic_reset_days": 10});
    let scopes = json!(["configs.list", "logs.view"]);
    let (path, key) = key_with(&world, json!({"usage_limits": limits, "scopes": scopes})).await;
    let (other, _) = key_with(&world, json!({"usage_limits": limits})).await;
    let status = async |path: &str| text(&world.get(path).await["status"]);
    report(&world, &key, 60).await;
    assert_eq!(status(&path).await, "active");
    report(&world, &key, 40).await;
    assert_eq!(status(&path).await, "exhausted");
    assert_eq!(status(&other).await, "active");
    let listed = world.get("/api-keys").await;
    assert_eq!(column(&listed, "status"), ["active", "exhausted", "active"]);
    // It is the gateway that refuses an exhausted key.
    assert!(lets_in(&world, &key).await);

    world.put(&path, json!({"reset_usage": true})).await;
    assert_eq!(status(&path).await, "active");
    report(&world, &key, 100).await;
    assert_eq!(status(&path).await, "exhausted");
    let read = world.get(&path).await;
    assert_eq!(
        (&read["last_reset_at"], &read["next_usage_reset_at"]),
        (
            &json!("1970-01-01T00:00:00.000Z"),
            &json!("1970-01-11T00:00:00.000Z")
        )
    );
    world.emulator.advance(10 * DAY);
    let read = world.get(&path).await;
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
    // What was used under a lower limit counts under a higher one, too.
    report(&world, &key, 150).await;
    world
        .put(
            &path,
            json!({"usage_limits": {"type": "tokens", "credit_limit": 151}}),
        )
        .await;
    assert_eq!(status(&path).await, "active");
    report(&world, &key, 1).await;
    assert_eq!(status(&path).await, "exhausted");
}

#[tokio::test]
async fn cost_exhausts_a_key_and_a_named_date_revives_it() {
    let world = in_1970().await;
    let next = "1970-01-03T00:00:00Z";
    let limits = json!({"type": "cost", "credit_limit": 1, "next_usage_reset_at": next});
    let more = json!({"usage_limits": limits, "scopes": ["logs.view"]});
    let (path, key) = key_with(&world, more).await;
    report(&world, &key, 999_000).await;
    assert_eq!(world.get(&path).await["status"], "active");
    report(&world, &key, 1_000).await;
    let read = world.get(&path).await;
    assert_eq!(
        (&read["status"], &read["next_usage_reset_at"]),
        (&json!("exhausted"), &json!("1970-01-03T00:00:00.000Z"))
    );
    world.emulator.advance(2 * DAY);
    let read = world.get(&path).await;
    assert_eq!(
        (&read["status"], &read["next_usage_reset_at"]),
        (&json!("active"), &Value::Null)
    );
}

/// As recorded: of an expired key without limits, they say that the alert was sent.
#[tokio::test]
async fn a_key_expires() {
    let world = in_1970().await;
    let (path, key) = key_with(&world, json!({"expires_at": "1970-01-02T00:00:00Z"})).await;
    assert!(lets_in(&world, &key).await);
    assert_eq!(world.get(&path).await["usage_limits"], Value::Null);
    world.emulator.advance(DAY);
    assert!(!lets_in(&world, &key).await);
    let read = world.get(&path).await;
    assert_eq!(
        (&read["status"], &read["usage_limits"]),
        (&json!("expired"), &json!({"is_expired_alerts_sent": true}))
    );
    world.put(&path, json!({"expires_at": null})).await;
    assert!(lets_in(&world, &key).await);
    assert_eq!(world.get(&path).await["usage_limits"], Value::Null);
}
