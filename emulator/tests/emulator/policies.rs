//! Usage-limit and rate-limit policies.

use std::time::Duration;

use chrono::{DateTime, Utc};
use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{World, column, text};

const USAGE: &str = "/policies/usage-limits";
const RATE: &str = "/policies/rate-limits";

/// It is a Thursday.
async fn world() -> World {
    let start: DateTime<Utc> = "2026-01-15T12:00:00Z".parse().unwrap();
    let emulator = Emulator::builder().clock(Clock::fixed(start));
    World::of(emulator.start().await.unwrap())
}

async fn workspace(world: &World) -> String {
    text(&world.first("/admin/workspaces").await["id"])
}

/// A weekly limit of what each user of a team may cost.
async fn usage_policy(world: &World, kind: &str, limit: f64) -> String {
    let body = json!({
        "name": "each user",
        "workspace_id": workspace(world).await,
        "conditions": [{"key": "metadata.team", "value": "search"}],
        "group_by": [{"key": "metadata._user"}],
        "type": kind,
        "credit_limit": limit,
        "alert_threshold": limit / 2.0,
        "periodic_reset": "weekly",
    });
    let created = world.post(USAGE, body).await;
    assert_eq!(created["object"], "policy");
    format!("{USAGE}/{}", text(&created["id"]))
}

#[tokio::test]
async fn usage_is_counted_reset_and_forgotten_every_week() {
    let world = world().await;
    let path = usage_policy(&world, "tokens", 100.0).await;
    let mut other = entry("b", 200, 5);
    other["metadata"]["team"] = json!("other");
    world
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
    let policy = world.get(&format!("{path}?include_usage=true")).await;
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
    let list = world.get(&entities).await;
    assert_eq!(
        column(&list, "value_key"),
        ["metadata._user:a", "metadata._user:b"]
    );
    assert_eq!(
        world.get(&format!("{entities}?status=exhausted")).await["total"],
        1
    );
    assert_eq!(
        world
            .get(&format!("{entities}?search=user:b&page_size=1"))
            .await["total"],
        1
    );

    let id = text(&list["data"][0]["id"]);
    world
        .put(&format!("{entities}/{id}/reset"), Value::Null)
        .await;
    world
        .put(
            &path,
            json!({"reset_usage_for_value": "metadata._user:b", "credit_limit": 200}),
        )
        .await;
    for entity in world.get(&entities).await["data"].as_array().unwrap() {
        assert_eq!(entity["current_usage"], 0.0);
    }
    world.post("/logs", entry("a", 200, 7)).await;
    assert_eq!(world.get(&entities).await["data"][0]["current_usage"], 7.0);
    assert_eq!(world.get(&path).await["last_reset_at"], Value::Null);
    world.emulator.advance(Duration::from_secs(4 * 24 * 3600));
    assert_eq!(world.get(&entities).await["data"][0]["current_usage"], 0.0);
    let policy = world.get(&path).await;
    assert_eq!(policy["last_reset_at"], "2026-01-19T00:00:00.000Z");
    assert_eq!(
        (&policy["credit_limit"], &policy["object"]),
        (&json!(200.0), &json!("policy"))
    );
}

#[tokio::test]
async fn cost_is_counted_in_dollars() {
    let world = world().await;
    let path = usage_policy(&world, "cost", 1.0).await;
    world.post("/logs", entry("a", 200, 100_000)).await;
    let usage = &world.get(&format!("{path}/entities")).await["data"][0]["current_usage"];
    assert!(
        (usage.as_f64().unwrap() - 0.1).abs() < 1e-9,
        "10 cents: {usage}"
    );
}

#[tokio::test]
async fn archived_policies_have_to_be_asked_for() {
    let world = world().await;
    let usage = usage_policy(&world, "cost", 1.0).await;
    let workspace = workspace(&world).await;
    let body = json!({
        "workspace_id": workspace,
        "conditions": [{"key": "workspace_id", "value": workspace}],
        "group_by": [{"key": "api_key"}],
        "type": "requests", "unit": "rpm", "value": 10,
    });
    let rate = format!("{RATE}/{}", text(&world.post(RATE, body).await["id"]));
    for (base, path) in [(USAGE, usage), (RATE, rate)] {
        let list = async |more: &str| {
            let path = format!("{base}?workspace_id={workspace}{more}");
            world.get(&path).await["total"].as_u64().unwrap()
        };
        assert_eq!(list("").await, 1);
        let read = world.get(&path).await;
        assert_eq!(
            (&read["status"], &read["workspace_id"]),
            (&json!("active"), &json!(workspace))
        );
        world
            .put(&path, json!({"status": "archived", "name": "old"}))
            .await;
        assert_eq!((list("").await, list("&status=archived").await), (0, 1));
        let (status, code, _) = world.refused(Method::GET, &path, Value::Null).await;
        assert_eq!((status, code.as_str()), (404, "AB08"));
        assert_eq!(
            world.get(&format!("{path}?status=archived")).await["name"],
            "old"
        );
        world.delete(&path).await;
        assert_eq!(list("&status=archived").await, 0);
        assert_eq!(
            world.refused(Method::DELETE, &path, Value::Null).await.0,
            404
        );
    }
}

#[tokio::test]
async fn rate_limits_are_listed_by_type_and_unit() {
    let world = world().await;
    let workspace = workspace(&world).await;
    for unit in ["rpm", "rps"] {
        let body = json!({
            "workspace_id": workspace,
            "conditions": [{"key": "api_key", "value": "any"}],
            "group_by": [{"key": "metadata._user"}],
            "type": "tokens", "unit": unit, "value": 1.5,
        });
        world.post(RATE, body).await;
    }
    let path = format!("{RATE}?workspace_id={workspace}");
    let list = world.get(&format!("{path}&unit=rps&type=tokens")).await;
    assert_eq!(
        (&list["total"], &list["data"][0]["value"]),
        (&json!(1), &json!(1.5))
    );
    let policy = format!("{RATE}/{}", text(&list["data"][0]["id"]));
    world.put(&policy, json!({"value": 2, "unit": "rpw"})).await;
    assert_eq!(world.get(&policy).await["unit"], "rpw");
    assert_eq!(
        world.get(&format!("{path}&type=requests")).await["total"],
        0
    );
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let world = world().await;
    let (status, _, message) = world.refused(Method::GET, USAGE, Value::Null).await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let good = json!({
        "workspace_id": workspace(&world).await,
        "conditions": [{"key": "api_key", "value": "any"}],
        "group_by": [{"key": "api_key"}],
        "type": "cost",
        "credit_limit": 10,
    });
    for (member, value, word) in [
        ("conditions", json!([]), "conditions"),
        ("group_by", json!([{"key": "planet"}]), "/group_by/0/key"),
        ("alert_threshold", json!(11), "alert_threshold"),
        ("workspace_id", Value::Null, "workspace_id"),
        ("credit_limit", json!(-1), "credit_limit"),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let (status, _, message) = world.refused(Method::POST, USAGE, body).await;
        assert!(status == 400 && message.contains(word), "{message}");
    }
    let mut both = good.clone();
    both["periodic_reset"] = json!("weekly");
    both["periodic_reset_days"] = json!(3);
    let (status, _, message) = world.refused(Method::POST, USAGE, both).await;
    assert!(
        status == 400 && message.contains("periodic_reset_days"),
        "{message}"
    );
    let path = format!("{USAGE}/{}", text(&world.post(USAGE, good).await["id"]));
    let body = json!({"reset_usage_for_value": "nobody"});
    let (status, _, message) = world.refused(Method::PUT, &path, body).await;
    assert!(
        status == 400 && message.contains("reset_usage_for_value"),
        "{message}"
    );
    let path = format!("{path}/entities/nobody/reset");
    assert_eq!(world.refused(Method::PUT, &path, Value::Null).await.0, 404);
}
