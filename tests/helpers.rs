//! Helper methods that send several requests, or build a body that is easy to get wrong.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use portkey_admin::{
    Waiter,
    mcp::McpCapabilityKind,
    prompts::{UpdatePromptPartialRequest, UpdatePromptRequest},
    users::AssignableRole,
};
use serde_json::{Value, json};
use support::{
    BoxedCall, boxed_call, client, render_error, security_settings,
    server::{Request, ScriptedResponse, Server},
    server_and_client,
};

fn ok(body: &Value) -> ScriptedResponse {
    ScriptedResponse::json(200, body.to_string())
}

/// Returns the requests, in the form `PUT /v1/…`.
fn request_lines(server: &Server) -> Vec<String> {
    let call = |request: Request| format!("{} {}", request.method, request.target);
    server.requests().into_iter().map(call).collect()
}

// ---- Versions

/// Starts a server with a prompt and a partial whose new version is listed after `delay` reads.
fn server_with_versions(delay: usize) -> Server {
    let reads = AtomicUsize::new(0);
    Server::start(
        move |request| match (request.method.as_str(), request.path()) {
            ("GET", path) => {
                let is_listed = reads.fetch_add(1, Ordering::SeqCst) >= delay;
                let new = match path.contains("partials") {
                    true => json!({"prompt_partial_version_id": "new", "version": 7}),
                    false => json!({"id": "new", "prompt_version": 7}),
                };
                let list = if is_listed { vec![new] } else { vec![] };
                ok(&json!({"object": "list", "total": list.len(), "data": list}))
            }
            (_, path) if path.ends_with("makeDefault") => ok(&json!({})),
            (_, path) if request.json().get("name").is_some() => {
                assert!(path.starts_with("/v1/prompts/"));
                ok(&json!({}))
            }
            (_, path) if path.contains("partials") => {
                ok(&json!({"prompt_partial_version_id": "new"}))
            }
            _ => ok(&json!({"id": "p", "slug": "p", "prompt_version_id": "new"})),
        },
    )
}

#[tokio::test]
async fn version_id_is_resolved_to_its_number_and_made_default() {
    let server = server_with_versions(0);
    let call = client(&server).make_prompt_version_default("p");
    assert_eq!(call.send_for_version_id("new").await.unwrap(), 7);
    let call = client(&server).make_prompt_partial_version_default("q");
    assert_eq!(call.send_for_version_id("new").await.unwrap(), 7);
    assert_eq!(
        request_lines(&server),
        [
            "GET /v1/prompts/p/versions",
            "PUT /v1/prompts/p/makeDefault",
            "GET /v1/prompts/partials/q/versions",
            "PUT /v1/prompts/partials/q/makeDefault",
        ]
    );
    for index in [1, 3] {
        assert_eq!(server.requests()[index].json(), json!({"version": 7}));
    }
}

#[tokio::test]
async fn unlisted_version_id_is_an_error_and_nothing_is_changed() {
    let server = server_with_versions(0);
    for (error, text) in [
        (
            client(&server)
                .make_prompt_version_default("p")
                .send_for_version_id("old")
                .await
                .unwrap_err(),
            "make_prompt_version_default: not sent: the prompt `p` has no version with the id \
             `old` and a version number",
        ),
        (
            client(&server)
                .make_prompt_partial_version_default("q")
                .send_for_version_id("old")
                .await
                .unwrap_err(),
            "make_prompt_partial_version_default: not sent: the partial `q` has no version with \
             the id `old` and a version number",
        ),
    ] {
        assert!(error.is_invalid_request() && !error.may_have_executed());
        assert_eq!(error.to_string(), text);
    }
    assert!(
        request_lines(&server)
            .iter()
            .all(|line| line.starts_with("GET "))
    );
}

#[tokio::test]
async fn update_and_promote_waits_until_the_version_is_listed() {
    let server = server_with_versions(1);
    let promoted = client(&server)
        .update_prompt("p")
        .body(UpdatePromptRequest::patch().string("Hi."))
        .update_and_promote()
        .await
        .unwrap()
        .unwrap();
    assert_eq!((promoted.id.as_str(), promoted.number), ("new", 7));
    assert_eq!(
        request_lines(&server),
        [
            "PUT /v1/prompts/p",
            "GET /v1/prompts/p/versions",
            "GET /v1/prompts/p/versions",
            "PUT /v1/prompts/p/makeDefault",
        ]
    );
    assert_eq!(server.requests()[3].json(), json!({"version": 7}));
}

#[tokio::test]
async fn update_and_promote_works_for_partials() {
    let server = server_with_versions(0);
    let promoted = client(&server)
        .update_prompt_partial("q")
        .body(UpdatePromptPartialRequest::builder().string("Hi."))
        .update_and_promote()
        .await
        .unwrap()
        .unwrap();
    assert_eq!((promoted.id.as_str(), promoted.number), ("new", 7));
    assert_eq!(
        request_lines(&server),
        [
            "PUT /v1/prompts/partials/q",
            "GET /v1/prompts/partials/q/versions",
            "PUT /v1/prompts/partials/q/makeDefault",
        ]
    );
}

#[tokio::test]
async fn update_without_a_new_version_promotes_nothing() {
    let server = server_with_versions(0);
    let prompt = client(&server)
        .update_prompt("p")
        .body(UpdatePromptRequest::builder().name("n"));
    assert_eq!(prompt.update_and_promote().await.unwrap(), None);
    let partial = client(&server)
        .update_prompt_partial("q")
        .body(UpdatePromptPartialRequest::builder().name("n"));
    assert_eq!(partial.update_and_promote().await.unwrap(), None);
    assert_eq!(
        request_lines(&server),
        ["PUT /v1/prompts/p", "PUT /v1/prompts/partials/q"]
    );
}

#[tokio::test]
async fn failed_promotion_error_names_the_created_version() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => ScriptedResponse::json(
            403,
            r#"{"success":false,"data":{"message":"no","errorCode":"AB03"}}"#,
        ),
        _ => ok(&json!({"prompt_version_id": "new"})),
    });
    let error = client(&server)
        .update_prompt("p")
        .body(UpdatePromptRequest::patch().string("Hi."))
        .update_and_promote()
        .await
        .unwrap_err();
    assert_eq!(error.operation(), Some("list_prompt_versions"));
    assert!(error.is_forbidden() && error.may_have_executed());
    let text = error.to_string();
    assert!(
        text.contains("version `new` was created but is not the default version"),
        "{text}"
    );
}

// ---- Waiting

#[tokio::test]
async fn waiter_can_wait_for_a_resource_that_is_not_found_at_first() {
    let server = Server::with_responses([
        ScriptedResponse::json(404, "{}"),
        ok(&json!({"id": "one"})),
        ok(&json!({"id": "one", "status": "active"})),
    ]);
    let client = client(&server);
    let waiter = Waiter::new("the user's state").backoff(Duration::ZERO, Duration::ZERO);
    let user = waiter
        .allow_not_found()
        .until(
            || client.get_user("one").send(),
            |user| user.status.is_some(),
        )
        .await
        .unwrap();
    assert_eq!(user.status.as_deref(), Some("active"));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn waiter_times_out_if_the_condition_never_holds() {
    let (server, client) = server_and_client(ok(&json!({"id": "one"})));
    let wait = async move {
        Waiter::new("the user's state")
            .timeout(Duration::from_millis(50))
            .until(
                || client.get_user("one").send(),
                |user| user.status.is_some(),
            )
            .await
    };
    let error = boxed_call(wait).await.unwrap_err();
    assert!(error.is_timeout());
    let text = render_error(&error);
    let reads = server.requests().len();
    assert!(
        text.contains(&format!("waiting for the user's state ({reads} read")),
        "{text}"
    );
}

// ---- Bodies

#[tokio::test]
async fn shortcut_methods_send_the_expected_bodies() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, r#"{"key": "canary"}"#));
    let table: [(BoxedCall, Value); 9] = [
        (
            boxed_call(
                client
                    .delete_workspace("w")
                    .confirm("Research", true)
                    .send(),
            ),
            json!({"name": "Research", "force_delete": true}),
        ),
        (
            boxed_call(
                client
                    .delete_workspace("w")
                    .confirm("Research", false)
                    .send(),
            ),
            json!({"name": "Research"}),
        ),
        (
            boxed_call(
                client
                    .rotate_api_key("k")
                    .transition(Duration::from_secs(1800))
                    .send(),
            ),
            json!({"key_transition_period_ms": 1_800_000}),
        ),
        (
            boxed_call(
                client
                    .update_mcp_integration_capabilities("m")
                    .capability(McpCapabilityKind::Tool, "search", false)
                    .send(),
            ),
            json!({"capabilities": [{"type": "tool", "name": "search", "enabled": false}]}),
        ),
        (
            boxed_call(
                client
                    .update_mcp_server_capabilities("m")
                    .capability("resource", "file", true)
                    .send(),
            ),
            json!({"capabilities": [{"type": "resource", "name": "file", "enabled": true}]}),
        ),
        (
            boxed_call(
                client
                    .update_mcp_integration_workspaces("m")
                    .workspace("w", false)
                    .send(),
            ),
            json!({"workspaces": [{"id": "w", "enabled": false}]}),
        ),
        (
            boxed_call(
                client
                    .update_mcp_integration_workspaces("m")
                    .workspace("w", true)
                    .send(),
            ),
            json!({"workspaces": [{"id": "w", "enabled": true}]}),
        ),
        (
            boxed_call(
                client
                    .update_mcp_server_user_access("m")
                    .user("u", false)
                    .send(),
            ),
            json!({"user_access": [{"user_id": "u", "enabled": false}]}),
        ),
        (
            boxed_call(
                client
                    .update_mcp_server_user_access("m")
                    .user("u", true)
                    .send(),
            ),
            json!({"user_access": [{"user_id": "u", "enabled": true}]}),
        ),
    ];
    for (call, body) in table {
        let before = server.requests().len();
        call.await.unwrap();
        assert_eq!(server.requests()[before].json(), body);
    }
}

#[tokio::test]
async fn rotated_key_is_a_secret_and_other_fields_are_decoded() {
    let (_server, client) = server_and_client(ok(&json!({
        "id": "k", "key": "canary", "key_transition_expires_at": "2026-01-02T03:04:05.000Z",
    })));
    let hour = Duration::from_secs(3600);
    let rotated = client
        .rotate_api_key("k")
        .transition(hour)
        .send()
        .await
        .unwrap();
    assert_eq!(rotated.key.expose(), "canary");
    assert!(rotated.key_transition_expires_at.is_some());
    assert!(!format!("{rotated:?}").contains("canary"));
}

#[tokio::test]
async fn transition_out_of_range_is_not_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    for transition in [
        Duration::from_millis(1_799_999),
        Duration::ZERO,
        Duration::MAX,
    ] {
        let error = client
            .rotate_api_key("k")
            .transition(transition)
            .send()
            .await
            .unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

// ---- Workspaces and users

#[tokio::test]
async fn workspace_slug_is_resolved_to_its_uuid() {
    let (server, client) = server_and_client(ok(&json!({
        "id": "uuid", "slug": "ws-one", "name": "One",
        "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z",
    })));
    assert_eq!(client.resolve_workspace_id("ws-one").await.unwrap(), "uuid");
    assert_eq!(server.request().target, "/v1/admin/workspaces/ws-one");
}

/// Starts a server with a user whose role is `admin` after `delay` reads. Updates get `status`.
/// Starts a server with a workspace whose security settings are these.
fn server_with_settings(settings: Value) -> Server {
    Server::start(move |request| match request.method.as_str() {
        "GET" => ok(&json!({
            "id": "b7f1c2d3-0000-4000-8000-000000000001", "slug": "ws-one", "name": "One",
            "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z",
            "security_settings": settings,
        })),
        _ => ok(&json!({})),
    })
}

/// Returns the settings that an update must contain, and one that this crate does not know.
fn settings_with_an_unknown_one() -> Value {
    let mut settings = security_settings();
    settings.insert("one of tomorrow".to_owned(), json!(false));
    settings.into()
}

#[tokio::test]
async fn changed_security_settings_are_sent_with_all_others_to_the_uuid() {
    let before = settings_with_an_unknown_one();
    let server = server_with_settings(before.clone());
    let sent = client(&server)
        .update_workspace_security_settings("ws-one", |settings| {
            settings.members_view_logs = Some(false);
        })
        .await
        .unwrap();
    assert_eq!(sent.members_view_logs, Some(false));
    assert_eq!(
        request_lines(&server),
        [
            "GET /v1/admin/workspaces/ws-one",
            "PUT /v1/admin/workspaces/b7f1c2d3-0000-4000-8000-000000000001",
        ]
    );
    let mut expected = before;
    expected["membersViewLogs"] = json!(false);
    assert_eq!(
        server.requests()[1].json(),
        json!({"security_settings": expected})
    );
}

#[tokio::test]
async fn security_settings_that_lack_one_are_not_sent() {
    let mut settings = settings_with_an_unknown_one();
    settings.as_object_mut().unwrap().remove("membersViewLogs");
    for settings in [settings, Value::Null] {
        let server = server_with_settings(settings);
        let client = client(&server);
        let call = client.update_workspace_security_settings("ws-one", |_| {});
        let error = render_error(&call.await.unwrap_err());
        assert!(error.contains("security_settings"), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

fn server_with_user(delay: usize, status: u16) -> Server {
    let reads = AtomicUsize::new(0);
    Server::start(move |request| match request.method.as_str() {
        "GET" if reads.fetch_add(1, Ordering::SeqCst) < delay => {
            ok(&json!({"id": "u", "role": "member"}))
        }
        "GET" => ok(&json!({"id": "u", "role": "admin"})),
        _ if status == 200 => ok(&json!({})),
        _ => ScriptedResponse::json(status, r#"{"success":false,"data":{"errorCode":"AB01"}}"#),
    })
}

#[tokio::test]
async fn ensure_role_updates_only_if_the_role_differs() {
    const READ: &str = "GET /v1/admin/users/u";
    const CHANGE: &str = "PUT /v1/admin/users/u";
    for (delay, status, outcome, expected) in [
        (0, 200, Some(false), &[READ][..]),
        (1, 200, Some(true), &[READ, CHANGE]),
        // The role was changed concurrently.
        (1, 400, Some(true), &[READ, CHANGE, READ]),
        (2, 400, None, &[READ, CHANGE, READ]),
    ] {
        let server = server_with_user(delay, status);
        let changed = client(&server)
            .update_user("u")
            .ensure_role(AssignableRole::Admin)
            .await;
        assert_eq!(request_lines(&server), expected);
        if expected.contains(&CHANGE) {
            assert_eq!(server.requests()[1].json(), json!({"role": "admin"}));
        }
        match outcome {
            Some(outcome) => assert_eq!(changed.unwrap(), outcome),
            None => assert_eq!(changed.unwrap_err().operation(), Some("update_user")),
        }
    }
}
