//! Secrets do not show: canaries are put wherever one can be, and looked for in whatever is printed.
//!
//! `tests/sockets.rs` and `tests/options.rs` look for them in every error that they cause.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::fmt::Debug;

use http::Method;
use portkey_admin::{Client, ClientBuilder, JsonObject, RequestOptions, Secret, types};
use serde_json::{Value, json};
use support::{
    KEY, answered, attempts, sending,
    server::{Answer, Server},
    shown,
    spans::Recorder,
};

/// Fails if a value shows a canary when it is printed.
#[track_caller]
fn check(value: &impl Debug) {
    let printed = format!("{value:?} {value:#?}");
    assert!(!printed.contains("canary"), "{printed}");
}

/// A configuration with a canary in everything that may be secret.
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
fn a_configuration_shows_no_secret() {
    let server = Server::answering(Answer::empty(200));
    let builder = builder(&server)
        .proxy("http://canary:canary@127.0.0.1:1")
        .user_agent("canary");
    check(&builder);
    check(&builder.build().unwrap());
    check(&attempts(2).header("x-tenant", "canary"));
    check(&attempts(2).header("x-tenant", "canary\n"));
    check(&Secret::new("canary"));
    assert_eq!(Secret::new("canary").to_string(), "[redacted]");
}

#[test]
fn a_call_that_is_not_sent_yet_shows_no_value() {
    let server = Server::answering(Answer::empty(200));
    let client = client(&server);
    check(&client.get_user("canary"));
    check(&client.list_users().email("canary").page_size(7));
    check(&client.list_configs().workspace_id("canary"));
    check(&client.list_users().email("canary").pages());
    check(&client.list_users().email("canary").stream());
    let body = types::CreateApiKeyRequest::builder()
        .name("canary")
        .scopes(["canary"]);
    check(&client.create_api_key("canary", "canary").body(body));
    let request = client.request(Method::POST, "/things").query("q", "canary");
    check(
        &request
            .header("x-a", "canary")
            .json(&json!({"canary": "canary"})),
    );
}

#[test]
fn a_body_shows_none_of_its_secrets() {
    let credentials = JsonObject::from_iter([("password", "canary")]);
    check(&credentials);
    let body = types::CreateVirtualKeyRequest::builder()
        .name("one")
        .provider("openai")
        .key("canary");
    check(&body);
    let built = body.build().unwrap();
    check(&built);
    assert!(
        serde_json::to_string(&built).unwrap().contains("canary"),
        "it is sent, all the same"
    );
}

/// Sends a call that is answered with `body`; gives the answer and all that came with it.
macro_rules! answer {
    ($body:expr, $client:ident => $call:expr) => {{
        let answer = Answer::json(200, $body.to_string()).with_header("x-secret", "canary");
        let server = Server::answering(answer);
        let $client = client(&server);
        $call.send_with_response().await.unwrap()
    }};
}

#[tokio::test]
async fn an_answer_shows_none_of_its_secrets() {
    let key = json!({"id": "one", "key": "canary", "object": "api-key", "new_field": "canary"});
    let body = types::CreateApiKeyRequest::builder()
        .name("ci")
        .scopes(["logs.list"]);
    let answer =
        answer!(key, client => client.create_api_key("organisation", "service").body(body.clone()));
    check(&answer);
    check(answer.value());
    assert!(
        !serde_json::to_string(answer.value())
            .unwrap()
            .contains(r#""key":"canary""#)
    );
    assert_eq!(answer.value().extra["new_field"], "canary");
    check(&answer.into_inner());

    let link = json!({"signed_url": "https://host.example/?signature=canary"});
    let answer = answer!(link, client => client.download_log_export("one"));
    check(&answer);
    assert!(
        !serde_json::to_string(answer.value())
            .unwrap()
            .contains("canary")
    );

    let answer = answer!(json!({"id": "one", "invite_link": "canary"}), client => {
        client.create_user_invite().body(types::CreateUserInviteRequest::builder().email("a@host.example").role("member"))
    });
    check(&answer);

    // In the place of a secret stands something else.
    let odd = json!({"id": "one", "invite_link": {"url": ["canary"]}});
    let answer = answer!(odd, client => {
        client.create_user_invite().body(types::CreateUserInviteRequest::builder().email("a@host.example").role("member"))
    });
    check(&answer);

    let raw =
        answer!(json!({"id": "canary"}), client => Raw(client.request(Method::GET, "/things")));
    check(&raw);
}

#[tokio::test]
async fn a_list_that_is_read_shows_none_of_its_secrets() {
    // The fields that every recording has, and one that nobody knows.
    let key = json!({
        "id": "one", "name": "ci", "object": "api-key", "new_field": "canary",
        "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z",
        "organisation_id": "two", "type": "organisation-service", "status": "active",
    });
    let list = json!({"object": "list", "total": 1, "data": [key], "new_field": "canary"});
    let server = Server::answering(Answer::json(200, list.to_string()));
    let client = client(&server);
    let mut pages = client.list_api_keys().pages();
    let page = pages.next().await.unwrap().unwrap();
    check(&page);
    check(&pages.cursor());
    check(&pages);
    let mut items = client.list_api_keys().stream();
    check(&items.next().await.unwrap().unwrap());
    check(&items);
}

#[tokio::test]
async fn waiting_in_vain_shows_none_of_what_was_read() {
    let (_server, client) = answered(echo(404));
    let wait = portkey_admin::Waiter::new("a user")
        .allow_not_found()
        .timeout(std::time::Duration::ZERO);
    let read = || client.get_user("one").send();
    let error = wait.until(read, |_| true).await.unwrap_err();
    assert!(
        error.is_timeout() && !shown(&error).contains("canary"),
        "{error}"
    );
}

/// A raw request, called like the generated ones.
struct Raw(portkey_admin::Request);

impl Raw {
    async fn send_with_response(self) -> Result<portkey_admin::Response<()>, portkey_admin::Error> {
        self.0.send_raw().await
    }
}

/// A service that echoes what it was told, as some do with a wrong key.
fn echo(status: u16) -> Answer {
    let echo =
        json!({"success": false, "data": {"message": format!("no {KEY}"), "errorCode": KEY}});
    Answer::json(status, echo.to_string()).with_header("x-echo", KEY)
}

#[tokio::test]
async fn an_error_shows_no_key_whichever_way_it_is_echoed() {
    for answer in [
        echo(401),
        echo(500),
        echo(302),
        Answer::json(400, format!(r#"{{"error":"{KEY}"}}"#)),
        Answer::json(
            400,
            format!(r#"{{"status_code":400,"error":{{"message":"{KEY}","code":"{KEY}"}}}}"#),
        ),
        Answer::json(400, format!("\"{KEY}\"")),
        Answer::empty(403).with_body(format!("<html>{KEY}</html>")),
        Answer::json(200, format!(r#"["{KEY}"]"#)),
        Answer::json(200, format!(r#"{{"data":[{{"id":7,"email":"{KEY}""#)),
        Answer::json(200, format!(r#"{{"data":[]}} {KEY}"#)),
    ] {
        let (_server, client) = answered(answer.clone());
        let error = sending(client.list_users().send()).await.unwrap_err();
        assert!(
            !shown(&error).contains("canary"),
            "{answer:?}: {}",
            shown(&error)
        );
        let request = client.request(Method::GET, "/things");
        let error = request.send::<types::UserList>().await.unwrap_err();
        assert!(
            !shown(&error).contains("canary"),
            "{answer:?}: {}",
            shown(&error)
        );
    }
}

/// A service that calls the request, or its trace, by the key.
fn called_by_the_key(status: u16, header: &str) -> Answer {
    let body = json!({"data": [], "message": "no"});
    Answer::json(status, body.to_string()).with_header(header, format!("request-{KEY}-1"))
}

#[tokio::test]
async fn a_key_in_the_id_of_a_request_does_not_show() {
    let recorder = Recorder::start();
    for header in ["x-portkey-request-id", "x-portkey-trace-id"] {
        for status in [401, 503] {
            let (_server, client) = answered(called_by_the_key(status, header));
            let error = sending(client.list_users().send()).await.unwrap_err();
            assert!(!shown(&error).contains("canary"), "{}", shown(&error));
            let ids = [error.request_id(), error.trace_id()];
            assert!(ids.contains(&Some("[redacted]")), "{ids:?}");
        }
        let (_server, client) = answered(called_by_the_key(200, header));
        let answer = client.list_users().send_with_response().await.unwrap();
        let ids = [answer.request_id(), answer.trace_id()];
        assert!(ids.contains(&Some("[redacted]")), "{ids:?}");
    }
    assert!(recorder.text().contains("[redacted]"), "ids are recorded");
    assert!(!recorder.text().contains("canary"), "{}", recorder.text());
}

#[tokio::test]
async fn what_is_refused_before_it_is_sent_is_not_quoted() {
    let (server, client) = answered(Answer::empty(200));
    let limits = types::UsageLimitsInput::builder().credit_limit(f64::NAN);
    let body = types::UpdateApiKeyRequest::builder()
        .name("canary")
        .usage_limits(limits);
    let create = types::CreateApiKeyRequest::builder().name("canary");
    let wrong = RequestOptions::new().header("x-a", "canary\n");
    for error in [
        sending(client.update_api_key("canary").body(body).send()).await,
        sending(
            client
                .create_api_key("canary", "canary")
                .body(create)
                .send(),
        )
        .await,
        sending(client.get_prompt_version("..", "canary").send()).await,
        sending(client.with_options(wrong).list_users().send()).await,
    ] {
        let error = error.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn no_span_and_no_event_shows_a_secret() {
    let recorder = Recorder::start();
    for answer in [
        Answer::json(200, json!({"data": [], "object": "canary"}).to_string())
            .with_header("x-secret", "canary"),
        Answer::json(200, "canary"),
        echo(401),
        echo(503),
        Answer::empty(302).with_header("location", "http://127.0.0.1:1/canary"),
        Answer::empty(200).hanging_up(),
    ] {
        let server = Server::answering(answer);
        let client = client(&server);
        let _ = sending(client.list_users().email("canary").send()).await;
        let _ = sending(client.get_user("canary").send()).await;
        let request = client
            .request(Method::POST, "/things/canary")
            .query("q", "canary");
        let _ = request.json(&json!({"a": "canary"})).send::<Value>().await;
        let body = types::CreateVirtualKeyRequest::builder();
        let body = body.name("canary").provider("canary").key("canary");
        let _ = sending(client.create_virtual_key().body(body).send()).await;
    }
    assert!(recorder.spans("portkey.call").len() >= 24);
    assert!(recorder.spans("portkey.attempt").len() >= 24);
    assert!(!recorder.text().contains("canary"), "{}", recorder.text());
}
