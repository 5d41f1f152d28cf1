//! Updates whose answer says nothing, and the read that follows them.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use portkey_admin::types;
use serde_json::json;
use support::{
    client,
    server::{Answer, Server},
};

/// Answers every update with `{}` and every read with a label, or with what `read` is.
fn labels(update: Answer, read: Answer) -> Server {
    Server::start(move |request| match request.method.as_str() {
        "PUT" => update.clone(),
        _ => read.clone(),
    })
}

fn label() -> Answer {
    Answer::json(200, json!({"id": "one", "name": "new"}).to_string())
}

#[tokio::test]
async fn the_update_goes_first_and_the_read_has_its_arguments() {
    let server = labels(Answer::json(200, "{}"), label());
    let body = types::UpdateLabelRequest::builder().name("new");
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
async fn what_is_read_has_every_argument_of_a_longer_path() {
    let server = labels(Answer::empty(204), Answer::json(200, "{}"));
    let body = types::UpdateWorkspaceMemberRequest::builder().role(types::WorkspaceRole::Member);
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
async fn nothing_is_read_where_the_update_fails_and_errors_say_which_it_was() {
    let refused = || Answer::json(403, r#"{"message": "no"}"#);
    let body = || types::UpdateLabelRequest::builder().name("new");

    let server = labels(refused(), label());
    let update = client(&server).update_label("one").body(body());
    let error = update.update_and_get().await.unwrap_err();
    assert_eq!(error.operation(), Some("update_label"));
    assert_eq!(server.requests().len(), 1);

    let server = labels(Answer::json(200, "{}"), refused());
    let update = client(&server).update_label("one").body(body());
    let error = update.update_and_get().await.unwrap_err();
    assert_eq!(error.operation(), Some("get_label"));
    assert_eq!(server.requests().len(), 2);
}
