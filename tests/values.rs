//! Values: awaiting a builder, comparing and iterating responses.

#![cfg(all(feature = "api_keys", feature = "audit", feature = "guardrails"))]
#![allow(clippy::unwrap_used)] // a panic fails the test

mod support;

use std::collections::BTreeSet;

use portkey_admin::{
    api_keys::ApiKeyList, audit::AuditLogList, guardrails::GuardrailMcpServerList, operations,
    types::KeyStatus,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::{boxed_call, server::ScriptedResponse, server_and_client};

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

#[test]
fn scopes_of_a_set_of_operations_are_known() {
    let scopes: BTreeSet<_> = operations::ALL
        .iter()
        .filter(|operation| operation.id.ends_with("_api_keys"))
        .flat_map(|operation| operation.access.scopes)
        .collect();
    assert!(
        scopes.iter().any(|scope| scope.ends_with("_keys.list")),
        "{scopes:?}"
    );
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
