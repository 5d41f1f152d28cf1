//! Redaction: a canary is placed wherever a secret can be, and must not occur in any output.
//!
//! `tests/sockets` and `tests/options.rs` check the same for every error that they cause.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::fmt::Debug;

use http::Method;
use portkey_admin::{
    Client, ClientBuilder, JsonObject, RequestOptions, Secret, api_keys, integrations, mcp,
    providers, types, users,
};
use serde_json::{Value, json};
use support::{
    KEY, attempts, boxed_call, render_error,
    server::{ScriptedResponse, Server},
    server_and_client,
    spans::Recorder,
};

/// Asserts that the `Debug` output of a value contains no canary.
#[track_caller]
fn assert_redacted(value: &impl Debug) {
    let printed = format!("{value:?} {value:#?}");
    assert!(!printed.contains("canary"), "{printed}");
}

/// Returns a builder with a canary in every value that may be secret.
fn builder(server: &Server) -> ClientBuilder {
    support::builder(server)
        .options(attempts(2).header("x-tenant", "canary-of-a-header"))
        .options(RequestOptions::new().header(
            "x-portkey-metadata",
            r#"{"_user":"canary-of-the-metadata"}"#,
        ))
}

fn client(server: &Server) -> Client {
    builder(server).build().unwrap()
}

#[test]
fn debug_output_of_a_configuration_contains_no_secrets() {
    let server = Server::with_response(ScriptedResponse::empty(200));
    let builder = builder(&server)
        .proxy("http://canary:canary@127.0.0.1:1")
        .user_agent("canary");
    assert_redacted(&builder);
    assert_redacted(&builder.build().unwrap());
    assert_redacted(&attempts(2).header("x-tenant", "canary"));
    assert_redacted(&attempts(2).header("x-tenant", "canary\n"));
    assert_redacted(&Secret::new("canary"));
    assert_eq!(Secret::new("canary").to_string(), "[redacted]");
}

#[test]
fn debug_output_of_an_unsent_call_contains_no_values() {
    let server = Server::with_response(ScriptedResponse::empty(200));
    let client = client(&server);
    assert_redacted(&client.get_user("canary"));
    assert_redacted(&client.list_users().email("canary").page_size(7));
    assert_redacted(&client.list_configs().workspace_id("canary"));
    assert_redacted(&client.list_users().email("canary").pages());
    assert_redacted(&client.list_users().email("canary").stream());
    let body = api_keys::CreateApiKeyRequest::builder()
        .name("canary")
        .scopes(["canary"]);
    assert_redacted(&client.create_api_key("canary", "canary").body(body));
    let request = client.request(Method::POST, "/things").query("q", "canary");
    assert_redacted(
        &request
            .header("x-a", "canary")
            .json(&json!({"canary": "canary"})),
    );
}

#[test]
fn debug_output_of_a_body_contains_no_secrets() {
    let credentials = JsonObject::from_iter([("password", "canary")]);
    assert_redacted(&credentials);
    let body = providers::CreateVirtualKeyRequest::builder()
        .name("one")
        .provider("openai")
        .key("canary");
    assert_redacted(&body);
    let headers = json!({"authorization": "canary"});
    let credentials = providers::CreateVirtualKeyRequest::builder()
        .aws_access_key_id("canary")
        .aws_secret_access_key("canary")
        .custom_headers(&headers);
    assert_redacted(&credentials);
    assert_redacted(&providers::UpdateProviderRequest::builder().key("canary"));
    let configuration = mcp::McpIntegrationConfiguration::builder()
        .passthrough_headers(&headers)
        .headers(&headers)
        .oauth_metadata(json!({"client_secret": "canary"}))
        .external_auth_config(json!({"client_secret": "canary"}));
    assert_redacted(&configuration);
    let plugin = integrations::CreateIntegrationRequest::builder()
        .credentials(json!({"key": "canary"}))
        .configurations(json!({"aws_secret_access_key": "canary"}));
    assert_redacted(&plugin);
    let built = body.build().unwrap();
    assert_redacted(&built);
    assert!(
        serde_json::to_string(&built).unwrap().contains("canary"),
        "the serialized body must contain the secret"
    );
}

/// Sends a call to a server that responds with `$body`; returns the response.
macro_rules! response_to {
    ($body:expr, $client:ident => $call:expr) => {{
        let response =
            ScriptedResponse::json(200, $body.to_string()).with_header("x-secret", "canary");
        let server = Server::with_response(response);
        let $client = client(&server);
        $call.send_with_response().await.unwrap()
    }};
}

#[tokio::test]
async fn debug_output_of_a_response_contains_no_secrets() {
    let key = json!({"id": "one", "key": "canary", "object": "api-key", "new_field": "canary"});
    let body = api_keys::CreateApiKeyRequest::builder()
        .name("ci")
        .scopes(["logs.list"]);
    let response = response_to!(key, client => client.create_api_key("organisation", "service").body(body.clone()));
    assert_redacted(&response);
    assert_redacted(response.value());
    assert!(
        !serde_json::to_string(response.value())
            .unwrap()
            .contains(r#""key":"canary""#)
    );
    assert_eq!(response.value().extra["new_field"], "canary");
    assert_redacted(&response.into_inner());

    let provider = json!({"slug": "one", "key": "canary", "masked_api_key": "canary"});
    let response = response_to!(provider, client => client.get_provider("one"));
    assert_redacted(&response);
    assert_eq!(response.value().key.as_ref().unwrap().expose(), "canary");
    assert!(
        !serde_json::to_string(response.value())
            .unwrap()
            .contains("canary")
    );

    // The configuration of an MCP integration is a string in the list.
    for configurations in [
        json!("canary"),
        json!({"passthrough_headers": {"x-api-key": "canary"}}),
    ] {
        let list = json!({"data": [{"id": "one", "configurations": configurations}]});
        let response = response_to!(list, client => client.list_mcp_integrations());
        assert_redacted(&response);
        assert!(response.value().data[0].extra.is_empty());
    }

    let link = json!({"signed_url": "https://host.example/?signature=canary"});
    let response = response_to!(link, client => client.download_log_export("one"));
    assert_redacted(&response);
    assert!(
        !serde_json::to_string(response.value())
            .unwrap()
            .contains("canary")
    );

    let response = response_to!(json!({"id": "one", "invite_link": "canary"}), client => {
        client.create_user_invite().body(users::CreateUserInviteRequest::builder().email("a@host.example").role("member"))
    });
    assert_redacted(&response);

    // A secret field with a value of another type.
    let wrong_type = json!({"id": "one", "invite_link": {"url": ["canary"]}});
    let response = response_to!(wrong_type, client => {
        client.create_user_invite().body(users::CreateUserInviteRequest::builder().email("a@host.example").role("member"))
    });
    assert_redacted(&response);

    let raw = response_to!(json!({"id": "canary"}), client => Raw(client.request(Method::GET, "/things")));
    assert_redacted(&raw);
}

#[tokio::test]
async fn debug_output_of_pages_and_items_contains_no_secrets() {
    // The required fields, and an unknown one.
    let key = json!({
        "id": "one", "name": "ci", "object": "api-key", "new_field": "canary",
        "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z",
        "organisation_id": "two", "type": "organisation-service", "status": "active",
    });
    let list = json!({"object": "list", "total": 1, "data": [key], "new_field": "canary"});
    let server = Server::with_response(ScriptedResponse::json(200, list.to_string()));
    let client = client(&server);
    let mut pages = client.list_api_keys().pages();
    let page = pages.next().await.unwrap().unwrap();
    assert_redacted(&page);
    assert_redacted(&pages.cursor());
    assert_redacted(&pages);
    let mut items = client.list_api_keys().stream();
    assert_redacted(&items.next().await.unwrap().unwrap());
    assert_redacted(&items);
}

#[tokio::test]
async fn timeout_error_of_a_waiter_contains_nothing_of_the_response() {
    let (_server, client) = server_and_client(echo(404));
    let waiter = portkey_admin::Waiter::new("a user")
        .allow_not_found()
        .timeout(std::time::Duration::ZERO);
    let read = || client.get_user("one").send();
    let error = waiter.until(read, |_| true).await.unwrap_err();
    assert!(
        error.is_timeout() && !render_error(&error).contains("canary"),
        "{error}"
    );
}

/// A raw request with the method of generated calls.
struct Raw(portkey_admin::Request);

impl Raw {
    async fn send_with_response(self) -> Result<portkey_admin::Response<()>, portkey_admin::Error> {
        self.0.send_raw().await
    }
}

/// Returns a response that echoes the key, as some services do for a wrong key.
fn echo(status: u16) -> ScriptedResponse {
    let echo =
        json!({"success": false, "data": {"message": format!("no {KEY}"), "errorCode": KEY}});
    ScriptedResponse::json(status, echo.to_string()).with_header("x-echo", KEY)
}

#[tokio::test]
async fn echoed_key_is_redacted_in_errors() {
    for response in [
        echo(401),
        echo(500),
        echo(302),
        ScriptedResponse::json(400, format!(r#"{{"error":"{KEY}"}}"#)),
        ScriptedResponse::json(
            400,
            format!(r#"{{"status_code":400,"error":{{"message":"{KEY}","code":"{KEY}"}}}}"#),
        ),
        ScriptedResponse::json(400, format!("\"{KEY}\"")),
        ScriptedResponse::empty(403).with_body(format!("<html>{KEY}</html>")),
        ScriptedResponse::json(200, format!(r#"["{KEY}"]"#)),
        ScriptedResponse::json(200, format!(r#"{{"data":[{{"id":7,"email":"{KEY}""#)),
        ScriptedResponse::json(200, format!(r#"{{"data":[]}} {KEY}"#)),
        ScriptedResponse::empty(200)
            .with_header("content-type", KEY)
            .with_body("no"),
        ScriptedResponse::empty(200)
            .with_header("content-type", format!("text/{KEY}"))
            .with_body("no"),
        ScriptedResponse::json(200, "no").with_header("content-encoding", KEY),
    ] {
        let (_server, client) = server_and_client(response.clone());
        let error = boxed_call(client.list_users().send()).await.unwrap_err();
        assert!(
            !render_error(&error).contains("canary"),
            "{response:?}: {}",
            render_error(&error)
        );
        let request = client.request(Method::GET, "/things");
        let error = request.send::<users::UserList>().await.unwrap_err();
        assert!(
            !render_error(&error).contains("canary"),
            "{response:?}: {}",
            render_error(&error)
        );
    }
}

/// The path of a decoding error contains the names of members.
#[tokio::test]
async fn echoed_key_in_the_path_of_a_decoding_error_is_redacted() {
    use std::collections::HashMap;

    let nested = json!({"a": {KEY: {"b": "no"}}});
    let (_server, client) = server_and_client(ScriptedResponse::json(200, nested.to_string()));
    let request = || client.request(Method::GET, "/things");
    type Nested = HashMap<String, HashMap<String, HashMap<String, u8>>>;
    let error = request().send::<Nested>().await.unwrap_err();
    let rendered = render_error(&error);
    assert!(!rendered.contains("canary"), "{rendered}");
    assert!(rendered.contains("a.[redacted].b: "), "{rendered}");

    let truncated = format!(r#"{{"id":"one","defaults":{{"metadata":{{"{KEY}":"half"#);
    let (_server, client) = server_and_client(ScriptedResponse::json(200, truncated));
    let error = boxed_call(client.get_api_key("one").send()).await;
    let rendered = render_error(&error.unwrap_err());
    assert!(!rendered.contains("canary"), "{rendered}");
    assert!(
        rendered.contains("defaults.metadata.[redacted]: "),
        "{rendered}"
    );
}

/// Returns a response whose request or trace id contains the key.
fn response_with_key_in_id(status: u16, header: &str) -> ScriptedResponse {
    let body = json!({"data": [], "message": "no"});
    ScriptedResponse::json(status, body.to_string()).with_header(header, format!("request-{KEY}-1"))
}

#[tokio::test]
async fn key_in_a_request_or_trace_id_is_redacted() {
    let recorder = Recorder::start();
    for header in ["x-portkey-request-id", "x-portkey-trace-id"] {
        for status in [401, 503] {
            let (_server, client) = server_and_client(response_with_key_in_id(status, header));
            let error = boxed_call(client.list_users().send()).await.unwrap_err();
            assert!(
                !render_error(&error).contains("canary"),
                "{}",
                render_error(&error)
            );
            let ids = [error.request_id(), error.trace_id()];
            assert!(ids.contains(&Some("[redacted]")), "{ids:?}");
        }
        let (_server, client) = server_and_client(response_with_key_in_id(200, header));
        let response = client.list_users().send_with_response().await.unwrap();
        let ids = [response.request_id(), response.trace_id()];
        assert!(ids.contains(&Some("[redacted]")), "{ids:?}");
    }
    assert!(
        recorder.debug_output().contains("[redacted]"),
        "ids are recorded"
    );
    assert!(
        !recorder.debug_output().contains("canary"),
        "{}",
        recorder.debug_output()
    );
}

#[tokio::test]
async fn error_of_an_unsent_request_contains_no_values() {
    let (server, client) = server_and_client(ScriptedResponse::empty(200));
    let limits = types::UsageLimitsInput::builder().credit_limit(f64::NAN);
    let body = api_keys::UpdateApiKeyRequest::builder()
        .name("canary")
        .usage_limits(limits);
    let create = api_keys::CreateApiKeyRequest::builder().name("canary");
    let invalid_header = RequestOptions::new().header("x-a", "canary\n");
    for error in [
        boxed_call(client.update_api_key("canary").body(body).send()).await,
        boxed_call(
            client
                .create_api_key("canary", "canary")
                .body(create)
                .send(),
        )
        .await,
        boxed_call(client.get_prompt_version("..", "canary").send()).await,
        boxed_call(client.with_options(invalid_header).list_users().send()).await,
    ] {
        let error = error.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(
            !render_error(&error).contains("canary"),
            "{}",
            render_error(&error)
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn spans_and_events_contain_no_secrets() {
    let recorder = Recorder::start();
    for response in [
        ScriptedResponse::json(200, json!({"data": [], "object": "canary"}).to_string())
            .with_header("x-secret", "canary"),
        ScriptedResponse::json(200, "canary"),
        echo(401),
        echo(503),
        ScriptedResponse::empty(302).with_header("location", "http://127.0.0.1:1/canary"),
        ScriptedResponse::empty(200).sending_nothing(),
    ] {
        let server = Server::with_response(response);
        let client = client(&server);
        let _ = boxed_call(client.list_users().email("canary").send()).await;
        let _ = boxed_call(client.get_user("canary").send()).await;
        let request = client
            .request(Method::POST, "/things/canary")
            .query("q", "canary");
        let _ = request.json(&json!({"a": "canary"})).send::<Value>().await;
        let body = providers::CreateVirtualKeyRequest::builder();
        let body = body.name("canary").provider("canary").key("canary");
        let _ = boxed_call(client.create_virtual_key().body(body).send()).await;
    }
    assert!(recorder.spans("portkey.call").len() >= 24);
    assert!(recorder.spans("portkey.attempt").len() >= 24);
    assert!(
        !recorder.debug_output().contains("canary"),
        "{}",
        recorder.debug_output()
    );
}
