//! What the client makes of answers: empty, broken, refused, redirected, and none at all.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::net::TcpListener;

use portkey_admin::{Client, Error, types};
use serde_json::json;
use support::{
    KEY, Sending, answered, sending,
    server::{Answer, Server},
    shown,
};

/// Sends a request that is answered with `answer`, and gives the error.
async fn error_of(answer: Answer) -> Error {
    let (server, client) = answered(answer);
    let error = sending(client.get_workspace("one").send())
        .await
        .unwrap_err();
    assert_eq!(server.requests().len(), 1, "one call is one request");
    assert_eq!(error.operation(), Some("get_workspace"));
    error
}

fn status(error: &Error) -> Option<u16> {
    error.status().map(|status| status.as_u16())
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for code in [300, 301, 302, 303, 307, 308] {
        let other = Server::answering(Answer::json(200, "{}"));
        let (server, client) =
            answered(Answer::empty(code).with_header("location", other.url("/v1/elsewhere")));
        let calls = [
            sending(client.get_workspace("one").send()),
            sending(client.delete_user("one").send()),
            sending(client.get_model_pricing("one", "two").send()),
        ];
        for call in calls {
            let error = call.await.unwrap_err();
            assert_eq!(status(&error), Some(code));
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
        assert_eq!(server.requests().len(), 3);
        assert_eq!(other.connections(), 0);
    }
}

/// Sends a request with a client.
type Send = fn(&Client) -> Sending;

/// Writes whose answer carries nothing that a caller needs.
const WRITES: &[(&str, Send)] = &[
    ("delete_user", |client| {
        sending(client.delete_user("one").send())
    }),
    ("delete_user_invite", |client| {
        sending(client.delete_user_invite("one").send())
    }),
    ("delete_api_key", |client| {
        sending(client.delete_api_key("one").send())
    }),
    ("delete_config", |client| {
        sending(client.delete_config("one").send())
    }),
    ("delete_prompt", |client| {
        sending(client.delete_prompt("one").send())
    }),
    ("delete_collection", |client| {
        sending(client.delete_collection("one").send())
    }),
    ("delete_virtual_key", |client| {
        sending(client.delete_virtual_key("one").send())
    }),
    ("remove_workspace_member", |client| {
        sending(client.remove_workspace_member("one", "two").send())
    }),
    ("delete_workspace", |client| {
        let body = types::DeleteWorkspaceRequest::builder().name("one");
        sending(client.delete_workspace("one").body(body).send())
    }),
    ("update_user", |client| {
        let body = types::UpdateUserRequest::builder().role("member");
        sending(client.update_user("one").body(body).send())
    }),
    ("update_workspace", |client| {
        let body = types::UpdateWorkspaceRequest::builder().name("one");
        sending(client.update_workspace("one").body(body).send())
    }),
    ("update_api_key", |client| {
        let body = types::UpdateApiKeyRequest::builder().name("one");
        sending(client.update_api_key("one").body(body).send())
    }),
    ("update_config", |client| {
        let body = types::UpdateConfigRequest::builder().name("one");
        sending(client.update_config("one").body(body).send())
    }),
    ("update_prompt", |client| {
        let body = types::UpdatePromptRequest::builder().name("one");
        sending(client.update_prompt("one").body(body).send())
    }),
    ("make_prompt_version_default", |client| {
        let body = types::MakePromptVersionDefaultRequest::builder().version(2);
        sending(client.make_prompt_version_default("one").body(body).send())
    }),
    ("cancel_log_export", |client| {
        sending(client.cancel_log_export("one").send())
    }),
];

#[tokio::test]
async fn nothing_is_a_success_where_nothing_is_needed() {
    let answers = [
        Answer::empty(200),
        Answer::empty(204),
        Answer::empty(202),
        Answer::json(200, "{}"),
        Answer::json(200, " \r\n"),
        Answer::json(200, r#"{"success":true,"unheard_of":[1]}"#),
    ];
    for answer in answers {
        let (server, client) = answered(answer.clone());
        for (id, send) in WRITES {
            if let Err(error) = send(&client).await {
                panic!("{id} {answer:?}: {error}");
            }
        }
        assert_eq!(server.requests().len(), WRITES.len());
    }
}

#[tokio::test]
async fn nothing_is_an_empty_list() {
    for answer in [
        Answer::empty(200),
        Answer::json(200, " \r\n"),
        Answer::json(200, "{}"),
        Answer::json(200, "[]"),
    ] {
        let (_server, client) = answered(answer.clone());
        let list = client.list_guardrail_mcp_servers("one").send().await;
        let list = list.unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        assert!(list.servers().is_empty());
    }
}

#[tokio::test]
async fn items_of_another_kind_do_not_hide_the_others() {
    let sent = json!({"total": 4, "data": [null, {"email": "a@host.example"}, 7, {"email": "b@host.example"}]});
    let (_server, client) = answered(Answer::json(200, sent.to_string()));
    let list = client.list_users().send().await.unwrap();
    assert_eq!(list.data.len(), 2);
    assert_eq!(list.extra["data"], json!({"0": null, "2": 7}));
    assert_eq!(serde_json::to_value(&list).unwrap(), sent);
}

#[tokio::test]
async fn a_workspace_is_deleted_by_id_and_name() {
    for (answer, force) in [
        (Answer::empty(200), Some(true)),
        (Answer::empty(204), Some(false)),
        (Answer::json(200, "{}"), None),
    ] {
        let (server, client) = answered(answer);
        let mut body = types::DeleteWorkspaceRequest::builder().name("Größe 1");
        let mut expected = json!({"name": "Größe 1"});
        if let Some(force) = force {
            body = body.force_delete(force);
            expected["force_delete"] = force.into();
        }
        let call = client.delete_workspace("ws-1").body(body);
        call.send().await.unwrap();
        let request = server.request();
        assert_eq!(request.method, "DELETE");
        assert_eq!(request.target, "/v1/admin/workspaces/ws-1");
        assert_eq!(request.header("content-type"), ["application/json"]);
        assert_eq!(request.json(), expected);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_decoded_is_kept() {
    for body in [
        "<!doctype html><title>hello</title>",
        "not JSON",
        "[]",
        "12",
        r#""text""#,
        r#"{"id":"one""#,
        r#"{"id":"one"} {"#,
        "{}",
        r#"{"name":"no id"}"#,
        "\u{feff}{}",
    ] {
        let answer = Answer::json(200, body).with_header("x-portkey-request-id", "request-7");
        let error = error_of(answer).await;
        assert!(error.is_decode(), "{body}: {error}");
        assert!(!error.is_invalid_request() && !error.is_timeout() && !error.is_connect());
        assert_eq!(error.body().unwrap(), body);
        assert_eq!(status(&error), Some(200));
        assert_eq!(error.request_id(), Some("request-7"));
        assert_eq!(error.headers().unwrap()["content-type"], "application/json");
        let text = error.to_string();
        assert!(text.starts_with("get_workspace: 200"), "{text}");
        assert!(text.contains("request-7"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

/// A body may hold a key, so that even the part which cannot be decoded must not show.
#[tokio::test]
async fn a_body_that_cannot_be_decoded_does_not_show() {
    for body in [
        r#""canary""#,
        r#"["canary"]"#,
        r#"{"canary":1}"#,
        r#"{"key":["canary"]}"#,
        r#"{"id":{"canary":"canary"},"key":"canary"}"#,
        r#"{"id":"canary","key":"canary"#,
        "canary",
    ] {
        let (_server, client) = answered(Answer::json(200, body));
        let calls = [
            sending(client.get_api_key("one").send()),
            sending(client.rotate_api_key("one").send()),
            sending(client.list_users().send()),
        ];
        for error in futures(calls).await.into_iter().filter_map(Result::err) {
            assert!(error.is_decode(), "{body}: {error}");
            let shown = shown(&error);
            assert!(!shown.contains("canary"), "{body}: {shown}");
        }
    }
}

async fn futures<const N: usize>(calls: [Sending; N]) -> Vec<Result<(), Error>> {
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await);
    }
    results
}

#[tokio::test]
async fn every_envelope_gives_its_code_and_message() {
    for (body, code, message) in [
        (
            r#"{"success":false,"data":{"message":"why","errorCode":"AB01"}}"#,
            Some("AB01"),
            Some("why"),
        ),
        (
            r#"{"success":false,"data":{"message":"why"}}"#,
            None,
            Some("why"),
        ),
        (
            r#"{"status_code":400,"success":false,"error":{"message":"why","slug":"s","code":"c"}}"#,
            Some("c"),
            Some("why"),
        ),
        (
            r#"{"error":{"message":"why","code":null,"param":null,"type":"t"}}"#,
            None,
            Some("why"),
        ),
        (r#"{"message":"why","code":"c"}"#, Some("c"), Some("why")),
        (
            r#"{"errorCode":"AB08","message":"why"}"#,
            Some("AB08"),
            Some("why"),
        ),
        (r#"{"error":"why"}"#, None, Some("why")),
        (r#"{"error":null,"data":[]}"#, None, None),
        (r#"{"message":{"not":"text"}}"#, None, None),
        ("<html>", None, None),
        ("null", None, None),
        ("[]", None, None),
        ("\"text\"", None, None),
        ("", None, None),
    ] {
        let error = error_of(Answer::json(400, body)).await;
        assert_eq!((error.code(), error.message()), (code, message), "{body}");
        assert_eq!(error.body().unwrap(), body);
        assert_eq!(status(&error), Some(400));
        assert!(!error.is_decode() && !error.is_invalid_request());
        let text = error.to_string();
        let both = code.into_iter().chain(message);
        for part in both.chain(["get_workspace", "400"]) {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[tokio::test]
async fn a_message_is_shown_on_one_line() {
    let error = error_of(Answer::json(400, r#"{"message":"one\n two\r\n\tthree"}"#)).await;
    assert!(error.to_string().contains(": one two three"), "{error}");
    assert_eq!(error.message(), Some("one\n two\r\n\tthree"));
}

#[tokio::test]
async fn every_status_has_its_predicate() {
    for code in [400, 401, 403, 404, 405, 409, 418, 422, 429, 500, 502, 503] {
        let error = error_of(Answer::json(code, "{}")).await;
        let predicates = [
            (401, error.is_unauthorized()),
            (403, error.is_forbidden()),
            (404, error.is_not_found()),
            (409, error.is_conflict()),
            (429, error.is_rate_limited()),
        ];
        for (own, answer) in predicates {
            assert_eq!(answer, own == code, "{code} as {own}");
        }
        assert_eq!(status(&error), Some(code));
    }
}

#[tokio::test]
async fn a_403_says_which_scope_is_needed() {
    let (_server, client) = answered(Answer::json(403, r#"{"data":{"errorCode":"AB03"}}"#));
    let calls: [(Sending, &str); 2] = [
        (
            sending(client.list_users().send()),
            "organisation_users.list",
        ),
        (
            sending(client.delete_user("one").send()),
            "organisation_users.delete",
        ),
    ];
    for (call, scope) in calls {
        let error = call.await.unwrap_err();
        assert!(error.is_forbidden());
        let text = error.to_string();
        assert!(text.contains("AB03") && text.contains(scope), "{text}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_apart() {
    // The port was free a moment ago and nobody listens on it now.
    let address = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::builder()
        .api_key(KEY)
        .base_url(format!("http://{address}/v1"))
        .build()
        .unwrap();
    let call = client.list_users().email("canary@host.example");
    let error = sending(call.send()).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!(!error.is_timeout() && !error.is_decode() && !error.is_invalid_request());
    assert_eq!(error.operation(), Some("list_users"));
    assert!(error.status().is_none() && error.body().is_none() && error.headers().is_none());
    let shown = shown(&error);
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn an_answer_that_stops_early_is_an_error() {
    let workspace = r#"{"id":"one","name":"one"}"#;
    let whole = || Answer::json(200, workspace);
    let length = workspace.len();
    let refused = Answer::json(400, r#"{"message":"why"}"#);
    for (answer, arrived, says) in [
        (whole().closing_early(1), Some(200), "broke off"),
        (whole().closing_early(length), Some(200), "broke off"),
        (whole().closing_early(length + 10), None, "no answer"),
        (refused.closing_early(1), Some(400), "400"),
        (Answer::empty(200).hanging_up(), None, "no answer"),
    ] {
        let error = error_of(answer.clone()).await;
        assert!(!error.is_connect(), "{answer:?}: something was sent");
        assert!(!error.is_decode() && !error.is_invalid_request());
        assert_eq!(status(&error), arrived, "{answer:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_page_of_html_is_a_refusal_like_any_other() {
    let page = "<html>\n<h1>502 Bad Gateway</h1>\n</html>";
    let answer = Answer::empty(502)
        .with_header("content-type", "text/html")
        .with_body(page);
    let error = error_of(answer).await;
    assert_eq!(status(&error), Some(502));
    assert_eq!((error.code(), error.message()), (None, None));
    assert_eq!(error.body().unwrap(), page);
    assert_eq!(error.headers().unwrap()["content-type"], "text/html");
    assert!(!shown(&error).contains('<'), "{error:?}");
}

#[tokio::test]
async fn a_refusal_names_the_request() {
    for (headers, id) in [
        (
            vec![("x-portkey-request-id", "request-7")],
            Some("request-7"),
        ),
        (vec![("x-portkey-trace-id", "trace-7")], None),
        (
            vec![
                ("x-portkey-trace-id", "trace-7"),
                ("x-portkey-request-id", "request-7"),
            ],
            Some("request-7"),
        ),
        (vec![], None),
    ] {
        let answer = headers
            .iter()
            .fold(Answer::json(500, "{}"), |answer, (name, value)| {
                answer.with_header(name, *value)
            });
        let error = error_of(answer).await;
        assert_eq!(error.request_id(), id);
        let shows = |part: &str| error.to_string().contains(part);
        assert_eq!(shows("[request "), id.is_some(), "{error}");
        assert!(id.is_none_or(shows), "{error}");
    }
}

#[tokio::test]
async fn a_success_gives_its_status_headers_and_body() {
    let body = r#"{"total": 1, "data": [{"email": "canary@host.example", "new_field": 1}]}"#;
    let answer = Answer::json(200, body)
        .with_header("x-portkey-request-id", "request-7")
        .with_header("retry-after", "canary");
    let (_server, client) = answered(answer);
    let response = client.list_users().send_with_response().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["x-portkey-request-id"], "request-7");
    assert_eq!(response.body(), body);
    assert_eq!(response.value().data.len(), 1);
    assert!(!format!("{response:?}").contains("retry-after"));
    assert_eq!(response.into_inner().data.len(), 1);

    let (_server, client) = answered(Answer::empty(204).with_header("x-seen", "1"));
    let response = client.delete_user("one").send_with_response().await;
    let response = response.unwrap();
    assert_eq!(response.status().as_u16(), 204);
    assert_eq!(response.headers()["x-seen"], "1");
    assert!(response.body().is_empty());
}
