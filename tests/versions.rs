//! Operations that only exist under `/v2` are sent there.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used)] // a panic fails the test

mod support;

use portkey_admin::Client;
use support::server::{ScriptedResponse, Server};

async fn path_under(base: &str) -> String {
    let server = Server::with_response(ScriptedResponse::json(200, "{}"));
    let client = Client::builder()
        .api_key("key")
        .base_url(server.url(base))
        .build()
        .unwrap();
    client.list_deployments().send().await.unwrap();
    server.request().target
}

#[tokio::test]
async fn trailing_v1_of_the_base_url_is_replaced() {
    assert_eq!(path_under("/v1").await, "/v2/deployments");
    assert_eq!(path_under("/api/v1/").await, "/api/v2/deployments");
}

#[tokio::test]
async fn base_url_without_v1_is_used_unchanged() {
    assert_eq!(path_under("/portkey").await, "/portkey/deployments");
}
