//! `update_and_get`: an update with an empty response, followed by a read.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use portkey_admin::{prompts, types, workspaces};
use serde_json::json;
use support::{
    client,
    server::{ScriptedResponse, Server},
};

/// Starts a server that responds to updates with `update`, and to reads with `read`.
fn server_with(update: ScriptedResponse, read: ScriptedResponse) -> Server {
    Server::start(move |request| match request.method.as_str() {
        "PUT" => update.clone(),
        _ => read.clone(),
    })
}

fn label() -> ScriptedResponse {
    ScriptedResponse::json(200, json!({"id": "one", "name": "new"}).to_string())
}

#[tokio::test]
async fn update_is_sent_first_and_the_read_has_the_same_path_argument() {
    let server = server_with(ScriptedResponse::json(200, "{}"), label());
    let body = prompts::UpdateLabelRequest::builder().name("new");
    let update = client(&server).update_label("a/b").body(body);
    let label = update.update_and_get().await.unwrap();
    assert_eq!(label.name.as_deref(), Some("new"));
    let requests = server.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| {
            (
                request.method.as_str(),
                request.path(),
                request.body.is_empty(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("PUT", "/v1/labels/a%2Fb", false),
            ("GET", "/v1/labels/a%2Fb", true)
        ]
    );
}

#[tokio::test]
async fn read_has_every_path_argument_of_the_update() {
    let server = server_with(
        ScriptedResponse::empty(204),
        ScriptedResponse::json(200, "{}"),
    );
    let body =
        workspaces::UpdateWorkspaceMemberRequest::builder().role(types::WorkspaceRole::Member);
    let update = client(&server)
        .update_workspace_member("ws", "user")
        .body(body);
    update.update_and_get().await.unwrap();
    let paths: Vec<String> = server
        .requests()
        .iter()
        .map(|r| r.path().to_owned())
        .collect();
    assert_eq!(paths, ["/v1/admin/workspaces/ws/users/user"; 2]);
}

#[tokio::test]
async fn failed_update_is_not_followed_by_a_read_and_errors_name_the_operation() {
    let refused = || ScriptedResponse::json(403, r#"{"message": "no"}"#);
    let body = || prompts::UpdateLabelRequest::builder().name("new");

    let server = server_with(refused(), label());
    let update = client(&server).update_label("one").body(body());
    let error = update.update_and_get().await.unwrap_err();
    assert_eq!(error.operation(), Some("update_label"));
    assert_eq!(server.requests().len(), 1);

    let server = server_with(ScriptedResponse::json(200, "{}"), refused());
    let update = client(&server).update_label("one").body(body());
    let error = update.update_and_get().await.unwrap_err();
    assert_eq!(error.operation(), Some("get_label"));
    assert_eq!(server.requests().len(), 2);
}
