//! Values: awaiting a builder, comparing and iterating responses; ids, times, flags and amounts.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used)] // a panic fails the test

mod support;

use portkey_admin::{
    Cents, Dollars,
    analytics::{AnalyticsFilters, CacheLatencyGraph, CostGraph},
    api_keys::ApiKeyList,
    audit::AuditLogList,
    configs::{CreateConfigRequest, CreateConfigResponse},
    deployments::NewDeploymentAuthSettings,
    guardrails::{Guardrail, GuardrailMcpServerList},
    prompts::UpdatePromptRequest,
    types::KeyStatus,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::{at, boxed_call, server::ScriptedResponse, server_and_client};

fn decode<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn keys() -> Value {
    json!({"object": "list", "total": 1, "data": [{
        "id": "one", "name": "One", "type": "workspace-service", "organisation_id": "org",
        "status": "active", "created_at": "2026-01-02T03:04:05.000Z",
        "last_updated_at": "2026-01-02T03:04:05.000Z", "new_field": 1, "object": 7,
    }]})
}

#[test]
fn responses_are_equal_if_every_field_is_equal() {
    let list: ApiKeyList = decode(keys());
    assert_eq!(list, decode(keys()));
    for field in ["name", "new_field", "object"] {
        let mut other = keys();
        other["data"][0][field] = json!("other");
        assert_ne!(list, decode(other), "{field}");
    }
}

#[test]
fn lists_are_iterated_whatever_their_field_is_called() {
    let mut count = 0;
    let list: ApiKeyList = decode(keys());
    for key in &list {
        assert_eq!(key.status, KeyStatus::Active);
        count += 1;
    }
    for key in list {
        assert_eq!(key.id, "one");
        count += 1;
    }
    let logs: AuditLogList = decode(json!({"records": [{"action": "create"}]}));
    count += logs.into_iter().count();
    // A bare list, and a list in an object.
    for servers in [json!([{}]), json!({"data": [{}]})] {
        let servers: GuardrailMcpServerList = decode(servers);
        count += (&servers).into_iter().count() + servers.into_iter().count();
    }
    assert_eq!(count, 7);
}

#[tokio::test]
async fn awaiting_a_builder_sends_it() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, keys().to_string()));
    let call = client.list_api_keys().page_size(7).into_future();
    assert!(server.requests().is_empty());
    assert_eq!(
        format!("{call:?}"),
        r#"ResponseFuture { operation: "list_api_keys", .. }"#
    );
    assert_eq!(call.await.unwrap(), decode(keys()));
    assert!(server.requests()[0].target.contains("page_size=7"));
    // A response without a body, in another task.
    let deleted = tokio::spawn(client.delete_api_key("one").into_future())
        .await
        .unwrap();
    deleted.unwrap();
}

#[tokio::test]
async fn awaiting_a_builder_fails_like_sending_it() {
    for response in [
        ScriptedResponse::json(404, "{}"),
        ScriptedResponse::json(200, "7"),
        ScriptedResponse::empty(200),
    ] {
        let (_server, client) = server_and_client(response);
        let awaited = client.get_api_key("one").await.unwrap_err();
        let sent = client.get_api_key("one").send().await.unwrap_err();
        assert_eq!(awaited.to_string(), sent.to_string());
        assert_eq!(awaited.may_have_executed(), sent.may_have_executed());
        assert!(
            boxed_call(client.get_api_key("").into_future())
                .await
                .is_err()
        );
    }
}

#[test]
fn a_missing_id_is_an_error_that_names_the_response() {
    let guardrail: Guardrail = decode(json!({"id": "one", "slug": 7}));
    assert_eq!(guardrail.id().unwrap(), "one");
    assert_eq!(
        guardrail.slug().unwrap_err().to_string(),
        "unexpected response: expected a string for `slug` of Guardrail, found a number"
    );
    let error = decode::<Guardrail>(json!({})).id().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("expected a string for `id` of Guardrail, found nothing")
    );
}

#[test]
fn ids_of_recorded_creations_are_plain() {
    let created: CreateConfigResponse = decode(json!({"id": "one", "slug": "pc-one"}));
    assert_eq!(
        (created.id.as_str(), created.slug.as_str()),
        ("one", "pc-one")
    );
}

#[tokio::test]
async fn times_are_sent_and_received_as_times() {
    let body =
        json!({"records": [{"timestamp": "2026-01-02T03:04:05.000Z"}, {"timestamp": "soon"}]});
    let (server, client) = server_and_client(ScriptedResponse::json(200, body.to_string()));
    let logs = client
        .list_audit_logs()
        .organisation_id("one")
        .start_time(at("2026-01-02T00:00:00Z"))
        .end_time(std::time::SystemTime::UNIX_EPOCH)
        .await
        .unwrap();
    let target = &server.requests()[0].target;
    assert!(
        target.contains("start_time=2026-01-02T00%3A00%3A00.000Z"),
        "{target}"
    );
    assert!(
        target.contains("end_time=1970-01-01T00%3A00%3A00.000Z"),
        "{target}"
    );
    assert_eq!(logs.records[0].timestamp, Some(at("2026-01-02T03:04:05Z")));
    assert_eq!(logs.records[1].timestamp, None);
    assert_eq!(logs.records[1].extra["timestamp"], "soon");
}

#[cfg(feature = "gateway")]
#[test]
fn unix_seconds_are_integers_with_a_time() {
    use portkey_admin::gateway::{batches::Batch, responses::ModelResponse};

    let batch: Batch = decode(json!({"created_at": 1_767_323_045, "expires_at": i64::MAX}));
    assert_eq!(batch.created_at, Some(1_767_323_045));
    assert_eq!(batch.created_at(), Some(at("2026-01-02T03:04:05Z")));
    assert_eq!((batch.expires_at(), batch.failed_at()), (None, None));
    let response: ModelResponse = decode(json!({"created_at": 1_767_323_045.0}));
    assert_eq!(response.created_at(), batch.created_at());
}

#[test]
fn flags_are_booleans_that_keep_their_form_on_the_wire() {
    let config = CreateConfigRequest::builder()
        .name("one")
        .config(json!({"cache": {"mode": "simple"}}))
        .is_default(true)
        .build()
        .unwrap();
    let prompt = UpdatePromptRequest::patch()
        .is_raw_template(false)
        .build()
        .unwrap();
    let settings = NewDeploymentAuthSettings::builder()
        .is_dataservice_hosted(true)
        .build()
        .unwrap();
    for (body, name, expected) in [
        (serde_json::to_value(config), "isDefault", 1),
        (serde_json::to_value(prompt), "is_raw_template", 0),
        (serde_json::to_value(settings), "is_dataservice_hosted", 1),
    ] {
        assert_eq!(body.unwrap()[name], json!(expected), "{name}");
    }
}

#[tokio::test]
async fn amounts_name_their_unit() {
    let body = json!({"summary": {"total": "2.5", "avg": 1}});
    let (server, client) = server_and_client(ScriptedResponse::json(200, body.to_string()));
    let filters = AnalyticsFilters::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    let call = client
        .get_cost_graph()
        .filters(filters.cost_min(Dollars(0.5)));
    let graph: CostGraph = call.await.unwrap();
    assert!(
        server.requests()[0].target.ends_with("cost_min=50"),
        "{:?}",
        server.requests()
    );
    let summary = graph.summary.unwrap();
    assert_eq!(
        (summary.total, summary.avg),
        (Some(Cents(2.5)), Some(Cents(1.0)))
    );
    assert_eq!(
        serde_json::to_value(summary).unwrap(),
        json!({"total": 2.5, "avg": 1.0})
    );
}

#[test]
fn debug_output_shows_the_values_of_analytics_summaries_only() {
    let graph: CacheLatencyGraph = decode(json!({"summary": {"avg": 7}, "unknown": "canary"}));
    let debug = format!("{graph:?}");
    assert!(debug.contains(r#"{"avg": Number(7)}"#), "{debug}");
    assert!(!debug.contains("canary"), "{debug}");
}
