//! Analytics of inserted logs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use portkey_admin_emulator::{Clock, Emulator, Key, Organisation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{TestClient, column, string};

const DAY: &str =
    "time_of_generation_min=2026-01-15T00:00:00Z&time_of_generation_max=2026-01-16T00:00:00Z";

/// Creates a client with two workspaces and no logs; the clock is fixed to noon.
async fn client() -> TestClient {
    let noon: DateTime<Utc> = "2026-01-15T12:00:00Z".parse().unwrap();
    let organisation = Organisation::named("A")
        .workspace("One")
        .workspace("Two")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"));
    let emulator = Emulator::builder()
        .organisation(organisation)
        .clock(Clock::fixed(noon));
    TestClient::with_emulator(emulator.start().await.unwrap())
}

async fn insert_logs(client: &TestClient, key: &str, entries: Value) {
    let key = client.emulator.key(key).unwrap();
    let response = client.send_as(&key, Method::POST, "/logs", entries).await;
    assert_eq!(response.status, 200, "{}", response.body);
}

async fn graph(client: &TestClient, name: &str, filters: &str) -> Value {
    let graph = client
        .get(&format!("/analytics/graphs/{name}?{DAY}{filters}"))
        .await;
    assert_eq!(graph["object"], "analytics-graph");
    graph
}

async fn group(client: &TestClient, name: &str, filters: &str) -> Value {
    client
        .get(&format!("/analytics/groups/{name}?{DAY}{filters}"))
        .await
}

/// Inserts three logs: 1000 tokens of `a` at noon; an hour later, 3000 tokens of `a` and a failed
/// request of `b` with 500 tokens.
async fn three_logs() -> TestClient {
    let client = client().await;
    insert_logs(&client, "one", entry("a", 200, 1000)).await;
    client.emulator.advance(Duration::from_secs(3600));
    insert_logs(
        &client,
        "one",
        json!([entry("a", 200, 3000), entry("b", 429, 500)]),
    )
    .await;
    client
}

fn assert_close(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!(
        (value - expected).abs() < 1e-9,
        "expected {expected}, found {value}"
    );
}

#[tokio::test]
async fn graphs_have_a_point_for_each_hour_with_logs() {
    let client = three_logs().await;
    let cost = graph(&client, "cost", "").await;
    assert_close(&cost["summary"]["total"], 0.45);
    assert_close(&cost["summary"]["avg"], 0.15);
    let points = cost["data_points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!(points[0]["timestamp"], "2026-01-15T12:00:00.000Z");
    assert_close(&points[1]["total"], 0.35);
    let tokens = graph(&client, "tokens", "").await;
    assert_eq!(tokens["summary"], json!({"total": 4500, "avg": 1500.0}));
    let requests = graph(&client, "requests", "").await;
    assert_eq!(
        requests["data_points"],
        json!([
            {"timestamp": "2026-01-15T12:00:00.000Z", "total": 1},
            {"timestamp": "2026-01-15T13:00:00.000Z", "total": 2},
        ])
    );
    let latency = graph(&client, "latency", "").await;
    assert_eq!(
        latency["summary"],
        json!({"avg": 100.0, "p50": 100, "p90": 100, "p99": 100})
    );
    let month =
        "time_of_generation_min=2026-01-01T00:00:00Z&time_of_generation_max=2026-02-01T00:00:00Z";
    let days = client
        .get(&format!("/analytics/graphs/users?{month}"))
        .await;
    assert_eq!(
        days["data_points"],
        json!([{"timestamp": "2026-01-15T00:00:00.000Z", "total": 2}])
    );
}

#[tokio::test]
async fn failures_have_their_own_graphs() {
    let client = three_logs().await;
    assert_eq!(graph(&client, "errors", "").await["summary"]["total"], 1);
    let rate = graph(&client, "errors/rate", "").await;
    assert_close(&rate["summary"]["rate"], 100.0 / 3.0);
    assert_eq!(
        graph(&client, "errors/stacks", "").await["data_points"],
        json!([{
            "timestamp": "2026-01-15T13:00:00.000Z",
            "stats": [{"response_status_code": 429, "count": 1}],
        }])
    );
    let codes = graph(&client, "errors/status-codes", "").await;
    assert_eq!(
        codes["data_points"],
        json!([{"status_code": 429, "count": 1}])
    );
    assert_eq!(
        codes["summary"],
        json!({"total_errors": 1, "unique_error_codes": 1})
    );
    let users = graph(&client, "users/requests", "").await;
    assert_eq!(
        users["summary"],
        json!({"avg": 1.5, "total": 3, "unique": 2})
    );
}

#[tokio::test]
async fn cache_retries_and_fallbacks_are_read_from_headers() {
    let client = client().await;
    let with = |headers: Value, millis: u64| {
        let mut entry = entry("a", 200, 1000);
        entry["response"]["headers"] = headers;
        entry["response"]["response_time"] = json!(millis);
        entry
    };
    let entries = json!([
        with(json!({"x-portkey-cache-status": "HIT"}), 20),
        with(json!({"x-portkey-cache-status": "SEMANTIC HIT"}), 30),
        with(
            json!({"x-portkey-cache-status": "MISS", "x-portkey-retry-attempt-count": "2"}),
            100
        ),
        with(json!({"x-portkey-last-used-option-index": "1"}), 100),
    ]);
    insert_logs(&client, "one", entries).await;
    let rate = graph(&client, "cache/hit-rate", "").await;
    assert_eq!(rate["summary"], json!({"rate": 50.0, "total": 2}));
    let point = &rate["data_points"][0];
    assert_eq!(
        (&point["simple_hits"], &point["semantic_hits"]),
        (&json!(1), &json!(1))
    );
    assert_close(&point["cumulative_simple_cache_savings"], 0.1);
    let latency = graph(&client, "cache/latency", "").await;
    assert_eq!(latency["data_points"][0]["avg"], 25.0);
    let summary = client.get(&format!("/analytics/summary/cache?{DAY}")).await;
    assert_eq!(
        summary["summary"],
        json!({"avg_latency": 25.0, "cache_speedup": 75.0, "hits": 2, "total_requests": 4})
    );
    let rescued = graph(&client, "requests/rescued", "").await;
    assert_eq!(rescued["summary"], json!({"fallback": 1, "retry": 1}));
    assert_eq!(
        rescued["data_points"][0]["retry"],
        json!([{"retry_success_count": 2, "count": 1}])
    );
    assert_close(&graph(&client, "cost", "").await["summary"]["total"], 0.2);
    assert_eq!(
        graph(&client, "requests", "&cache_status=hit").await["summary"]["total"],
        1
    );
}

#[tokio::test]
async fn usage_is_grouped_and_paginated() {
    let client = three_logs().await;
    let users = group(&client, "users", "").await;
    assert_eq!(
        (&users["object"], &users["total"]),
        (&json!("list"), &json!(2))
    );
    assert_eq!(column(&users, "user"), ["a", "b"]);
    assert_eq!(column(&users, "requests"), ["2", "1"], "numbers as strings");
    let page = group(&client, "users", "&page_size=1&current_page=1").await;
    assert_eq!(column(&page, "user"), ["b"]);
    assert_eq!(
        column(&group(&client, "ai-models", "").await, "ai_model"),
        ["example-model"]
    );
    let metadata = group(&client, "metadata/_user", "").await;
    assert_eq!(column(&metadata, "metadata_value"), ["a", "b"]);
    assert_eq!(metadata["data"][0]["avg_tokens"], 2000.0);
    assert_eq!(metadata["data"][0]["last_seen"], "2026-01-15T13:00:00.000Z");
    assert_eq!(group(&client, "metadata/planet", "").await["total"], 0);
}

#[tokio::test]
async fn columns_and_order_can_be_chosen() {
    let client = three_logs().await;
    insert_logs(&client, "two", entry("c", 200, 1)).await;
    let providers = group(&client, "provider", "&columns=cost&columns=p95_latency").await;
    let row = &providers["data"][0];
    assert_eq!(
        (&row["provider"], &row["p95_latency"]),
        (&json!("example-provider"), &json!(100.0))
    );
    assert!(row.get("requests").is_none());
    let workspaces = group(&client, "workspaces", "").await;
    let slugs = column(&client.get("/admin/workspaces").await, "slug");
    assert_eq!(column(&workspaces, "workspace_slug"), slugs);
    assert_eq!(workspaces["data"][0]["requests"], 3);
    let statuses = group(
        &client,
        "status_code",
        "&order_by=requests&order_by_type=asc",
    )
    .await;
    assert_eq!(column(&statuses, "status_code"), ["429", "200"]);
    let keys = group(&client, "api_key", "&include_total=false").await;
    assert!(keys.get("total").is_none() && keys["data"].as_array().unwrap().len() == 2);
    for (choice, count) in [
        ("ai_service", 1),
        ("model", 1),
        ("config", 0),
        ("prompt", 0),
        ("workspace", 2),
    ] {
        assert_eq!(group(&client, choice, "").await["total"], count, "{choice}");
    }
}

#[tokio::test]
async fn filters_select_logs() {
    let client = three_logs().await;
    let users = string(&group(&client, "api_key", "").await["data"][0]["api_key"]);
    for (filter, count) in [
        ("total_units_max=1000".to_owned(), 2),
        ("cost_min=0.2".to_owned(), 1),
        ("prompt_token_min=3000&completion_token_max=0".to_owned(), 1),
        ("status_code=429,500".to_owned(), 1),
        ("metadata=%7B%22_user%22%3A%22a%22%7D".to_owned(), 2),
        ("metadata=%7B%22_user%22%3A%22nobody%22%7D".to_owned(), 0),
        ("trace_id=trace-b,other".to_owned(), 1),
        ("ai_org_model=example-provider__example-model".to_owned(), 3),
        (format!("api_key_ids={users}"), 3),
        ("span_id=none".to_owned(), 0),
        ("configs=none".to_owned(), 0),
        ("prompt_slug=none".to_owned(), 0),
    ] {
        let graph = graph(&client, "requests", &format!("&{filter}")).await;
        assert_eq!(graph["summary"]["total"], count, "{filter}");
    }
}

#[tokio::test]
async fn a_workspace_key_queries_its_own_workspace() {
    let client = three_logs().await;
    insert_logs(&client, "two", entry("c", 200, 1)).await;
    let slugs = column(&client.get("/admin/workspaces").await, "slug");
    let total = async |name: Option<&str>, slug: &str| {
        let path = format!("/analytics/graphs/requests?{DAY}&workspace_slug={slug}");
        let body = match name {
            Some(name) => client.get_as(name, &path).await,
            None => client.get(&path).await,
        };
        body["summary"]["total"].as_u64().unwrap()
    };
    assert_eq!(total(None, "").await, 4);
    assert_eq!(
        (total(None, &slugs[0]).await, total(None, &slugs[1]).await),
        (3, 1)
    );
    assert_eq!(total(Some("two"), &slugs[0]).await, 1);
    let path = format!("/analytics/graphs/requests?{DAY}&workspace_slug=nowhere");
    assert_eq!(
        client.expect_error(Method::GET, &path, Value::Null).await.0,
        403
    );
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let client = client().await;
    for (path, word) in [
        (
            "graphs/cost?time_of_generation_min=2026-01-15T00:00:00Z".to_owned(),
            "time_of_generation_max",
        ),
        (format!("graphs/cost?{DAY}&status_code=many"), "status_code"),
        (format!("graphs/cost?{DAY}&metadata=text"), "metadata"),
        (
            format!("groups/status_code?{DAY}&order_by=planet"),
            "order_by",
        ),
        (format!("groups/planet?{DAY}"), "groupBy"),
    ] {
        let path = format!("/analytics/{path}");
        let (status, _, message) = client.expect_error(Method::GET, &path, Value::Null).await;
        assert!(status == 400 && message.contains(word), "{path}: {message}");
    }
}

#[tokio::test]
async fn the_default_organisation_has_a_week_of_logs() {
    let client = TestClient::new().await;
    let now = client.emulator.now();
    let week = now - chrono::TimeDelta::days(7);
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let window = format!(
        "time_of_generation_min={}&time_of_generation_max={}",
        time(week),
        time(now)
    );
    let users = client
        .get(&format!("/analytics/groups/users?{window}"))
        .await;
    assert_eq!(users["total"], 3);
    let cost = client
        .get(&format!("/analytics/graphs/cost?{window}"))
        .await;
    assert!(cost["summary"]["total"].as_f64().unwrap() > 0.0);
    assert!(cost["data_points"].as_array().unwrap().len() >= 7);
    let errors = client
        .get(&format!("/analytics/graphs/errors?{window}"))
        .await;
    assert!(errors["summary"]["total"].as_u64().unwrap() > 0);
}

/// Inserts one log for each of these URLs.
async fn logs_of_urls(client: &TestClient, urls: &[&str]) {
    let entries = urls.iter().map(|url| {
        let mut entry = entry("a", 200, 10);
        entry["request"]["url"] = json!(url);
        entry
    });
    insert_logs(client, "one", entries.collect()).await;
}

#[tokio::test]
async fn usage_is_grouped_by_mcp_server_and_agent() {
    let client = client().await;
    logs_of_urls(
        &client,
        &[
            "https://gateway.example.com/v1/agent/travel/message",
            "https://gateway.example.com/v1/agent/travel",
            "https://gateway.example.com/v1/agent/billing?x=/mcp/y",
            "https://mcp.example.com/mcp/github/call#part",
            "https://agent/github",
            "https://gateway.example.com/v1/agent/",
        ],
    )
    .await;
    let group_item = |name: &str, requests: u64| json!({"object": "analytics-group", "name": name, "requests": requests});
    let agents = group(&client, "a2a", "").await;
    assert_eq!(
        (&agents["object"], &agents["total"], &agents["data"]),
        (
            &json!("list"),
            &json!(2),
            &json!([group_item("travel", 2), group_item("billing", 1)])
        )
    );
    let servers = group(&client, "mcp", "&page_size=1").await;
    assert_eq!(servers["data"], json!([group_item("github", 1)]));
    assert_eq!(group(&client, "mcp", "&status_code=500").await["total"], 0);
}

#[tokio::test]
async fn values_of_a_metadata_key_are_listed_by_frequency() {
    let client = three_logs().await;
    let values = async |key: &str, query: &str| {
        client
            .get(&format!("/analytics/metadata/{key}?{query}"))
            .await["data"]
            .clone()
    };
    assert_eq!(values("_user", "").await, json!(["a", "b"]));
    assert_eq!(
        values("_user", &format!("{DAY}&status_code=429")).await,
        json!(["b"])
    );
    assert_eq!(values("planet", "").await, json!([]));
}
