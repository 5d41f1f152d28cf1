//! The filters that analytics operations share.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portkey_admin::{
    Client,
    analytics::{AnalyticsFilters, UsageColumn, UsageGroup},
    logs::{CreateLogExportRequest, LogEntry, LogEntryRequest, LogEntryResponse, LogExportField},
};
use portkey_admin_emulator::{Emulator, Key, Organisation};
use serde_json::json;
use support::{at, server::ScriptedResponse, server_and_client};

fn day() -> AnalyticsFilters {
    AnalyticsFilters::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"))
}

#[tokio::test]
async fn filters_are_sent_by_graphs_groups_and_the_summary() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let filters = day()
        .workspace_slug("ws-one")
        .status_code([429, 500])
        .api_key_ids(["a", "b"])
        .metadata(json!({"team": "search"}))
        .cache_status("hit");
    client.get_cost_graph().filters(&filters).await.unwrap();
    client.get_cache_summary().filters(&filters).await.unwrap();
    let groups = client.get_usage_by(UsageGroup::Model).filters(filters);
    groups.page_size(5).await.unwrap();
    let expected = [
        ("time_of_generation_min", "2026-01-01T00:00:00.000Z"),
        ("time_of_generation_max", "2026-01-02T00:00:00.000Z"),
        ("workspace_slug", "ws-one"),
        ("status_code", "429,500"),
        ("api_key_ids", "a,b"),
        ("metadata", r#"{"team":"search"}"#),
        ("cache_status", "hit"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.query()[..7], expected);
    }
}

#[tokio::test]
async fn later_filters_replace_only_what_they_set() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let call = client
        .get_cost_graph()
        .filters(day().status_code([200]).configs(["pc-one"]))
        .filters(AnalyticsFilters::new().status_code([500]));
    call.await.unwrap();
    let query = server.request().query();
    let value = |name: &str| {
        let mut values = query.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.clone());
        assert!(values.next().is_none(), "{query:?}");
        value
    };
    assert_eq!(value("status_code").as_deref(), Some("500"));
    assert_eq!(value("configs").as_deref(), Some("pc-one"));
    assert!(value("time_of_generation_min").is_some());
}

#[tokio::test]
async fn an_invalid_filter_is_an_error_of_every_operation() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let filters = day().metadata(["no object"]);
    let error = client.get_cost_graph().filters(&filters).await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert!(
        error
            .to_string()
            .contains("metadata: expected a JSON object"),
        "{error}"
    );
    let export = CreateLogExportRequest::builder()
        .filters(&filters)
        .requested_data([LogExportField::Id]);
    assert!(export.build().unwrap_err().to_string().contains("metadata"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn last_ends_now_and_never_overflows() {
    let before = Utc::now() - TimeDelta::milliseconds(1);
    let shown = |filters: AnalyticsFilters| {
        let json = format!("{filters:?}");
        let times: Vec<DateTime<Utc>> = json
            .split('"')
            .filter_map(|part| part.parse().ok())
            .collect();
        (times[0], times[1])
    };
    let (start, end) = shown(AnalyticsFilters::last(Duration::from_secs(3600)));
    assert_eq!(end - start, TimeDelta::hours(1));
    assert!(end >= before && end <= Utc::now());
    assert_eq!(
        shown(AnalyticsFilters::last(Duration::MAX)).0,
        DateTime::UNIX_EPOCH
    );
}

/// Starts an emulator; returns it with a client that has an organisation key, and one with a key of the
/// first workspace, which logs need.
async fn emulator_and_clients() -> (Emulator, Client, Client) {
    let organisation = Organisation::named("Acme")
        .workspace("Main")
        .key(Key::workspace("Main", "app"));
    let emulator = Emulator::builder().organisation(organisation);
    let emulator = emulator.start().await.unwrap();
    let client = |key: &str| {
        let builder = Client::builder().api_key(key);
        builder.base_url(emulator.base_url()).build().unwrap()
    };
    let organisation = client(emulator.api_key());
    let workspace = client(&emulator.key("app").unwrap());
    (emulator, organisation, workspace)
}

async fn insert_log(client: &Client, model: &str, status: u16) {
    let request = LogEntryRequest::builder()
        .url("https://api.provider.example/v1/chat/completions")
        .body(json!({"model": model}));
    let response = LogEntryResponse::builder()
        .status(i64::from(status))
        .body(json!({"usage": {"total_tokens": 10}}));
    let entry = LogEntry::builder().request(request).response(response);
    client
        .insert_log()
        .body(entry.build().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn one_value_filters_graphs_groups_and_log_exports() {
    let (_emulator, client, app) = emulator_and_clients().await;
    let workspace = client
        .list_workspaces()
        .send()
        .await
        .unwrap()
        .data
        .remove(0);
    for (model, status) in [("one", 200), ("one", 500), ("two", 200), ("two", 429)] {
        insert_log(&app, model, status).await;
    }
    let failed = AnalyticsFilters::last(Duration::from_secs(60))
        .workspace_slug(&workspace.slug)
        .status_code([429, 500]);
    let graph = client.get_requests_graph().filters(&failed).await.unwrap();
    assert_eq!(graph.summary.unwrap().total, Some(2));
    let group = UsageGroup::Model;
    let rows = client
        .get_usage_by(group.clone())
        .filters(&failed)
        .columns([
            UsageColumn::Requests,
            UsageColumn::TotalTokens,
            UsageColumn::LastSeen,
        ]);
    let mut rows = rows.stream().page_size(1).try_collect().await.unwrap();
    rows.sort_by_key(|row| row.value(&group));
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.value(&group).unwrap(), row.requests, row.total_tokens))
        .collect();
    assert_eq!(
        shown,
        [
            ("one".to_owned(), Some(1), Some(10)),
            ("two".to_owned(), Some(1), Some(10))
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row.last_seen.is_some() && row.cost.is_none())
    );

    let export = CreateLogExportRequest::builder()
        .workspace_id(&workspace.id)
        .filters(&failed)
        .requested_data([LogExportField::Id]);
    let receipt = client.create_log_export().body(export).await.unwrap();
    assert_eq!(receipt.total, Some(2));
}

#[test]
fn a_filter_that_log_exports_lack_is_an_error() {
    for (filters, name) in [
        (day().span_id(["one"]), "span_id"),
        (day().api_key_ids(["one"]), "api_key_ids"),
        (day().cache_status("hit"), "cache_status"),
    ] {
        let export = CreateLogExportRequest::builder()
            .filters(filters)
            .requested_data([LogExportField::Id]);
        let error = export.build().unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{name}` is not a filter of log exports")),
            "{error}"
        );
    }
    let metadata = day().metadata(json!({"team": "search"})).total_units_min(5);
    let export = CreateLogExportRequest::builder()
        .filters(metadata)
        .requested_data([LogExportField::Id]);
    let filters = export.build().unwrap().filters;
    let json = serde_json::to_value(filters).unwrap();
    assert_eq!(
        (&json["metadata"]["team"], &json["total_units_min"]),
        (&json!("search"), &json!(5))
    );
}
