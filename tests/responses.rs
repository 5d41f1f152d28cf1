//! Responses: empty, undecodable, truncated, refused, redirected, or missing.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::net::TcpListener;

use portkey_admin::{Client, Error, api_keys, configs, logs, prompts, users, workspaces};
use serde_json::json;
use support::{
    BoxedCall, KEY, boxed_call, render_error,
    server::{ScriptedResponse, Server},
    server_and_client, values_that_serde_json_rejects,
};

/// Sends a request to a server that responds with `response`; returns the error.
async fn error_of(response: ScriptedResponse) -> Error {
    let (server, client) = server_and_client(response);
    let error = boxed_call(client.get_workspace("one").send())
        .await
        .unwrap_err();
    assert_eq!(server.requests().len(), 1, "expected exactly one request");
    assert_eq!(error.operation(), Some("get_workspace"));
    error
}

fn status(error: &Error) -> Option<u16> {
    error.status().map(|status| status.as_u16())
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for code in [300, 301, 302, 303, 307, 308] {
        let other = Server::with_response(ScriptedResponse::json(200, "{}"));
        let (server, client) = server_and_client(
            ScriptedResponse::empty(code).with_header("location", other.url("/v1/elsewhere")),
        );
        let calls = [
            boxed_call(client.get_workspace("one").send()),
            boxed_call(client.delete_user("one").send()),
            boxed_call(client.get_model_pricing("one", "two").send()),
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
type Send = fn(&Client) -> BoxedCall;

/// Writes whose response contains nothing that the caller needs.
const WRITES: &[(&str, Send)] = &[
    ("delete_user", |client| {
        boxed_call(client.delete_user("one").send())
    }),
    ("delete_user_invite", |client| {
        boxed_call(client.delete_user_invite("one").send())
    }),
    ("delete_api_key", |client| {
        boxed_call(client.delete_api_key("one").send())
    }),
    ("delete_config", |client| {
        boxed_call(client.delete_config("one").send())
    }),
    ("delete_prompt", |client| {
        boxed_call(client.delete_prompt("one").send())
    }),
    ("delete_collection", |client| {
        boxed_call(client.delete_collection("one").send())
    }),
    ("delete_virtual_key", |client| {
        boxed_call(client.delete_virtual_key("one").send())
    }),
    ("remove_workspace_member", |client| {
        boxed_call(client.remove_workspace_member("one", "two").send())
    }),
    ("delete_workspace", |client| {
        let body = workspaces::DeleteWorkspaceRequest::builder().name("one");
        boxed_call(client.delete_workspace("one").body(body).send())
    }),
    ("update_user", |client| {
        let body = users::UpdateUserRequest::builder().role("member");
        boxed_call(client.update_user("one").body(body).send())
    }),
    ("update_workspace", |client| {
        let body = workspaces::UpdateWorkspaceRequest::builder().name("one");
        boxed_call(client.update_workspace("one").body(body).send())
    }),
    ("update_api_key", |client| {
        let body = api_keys::UpdateApiKeyRequest::builder().name("one");
        boxed_call(client.update_api_key("one").body(body).send())
    }),
    ("update_config", |client| {
        let body = configs::UpdateConfigRequest::builder().name("one");
        boxed_call(client.update_config("one").body(body).send())
    }),
    ("update_prompt", |client| {
        let body = prompts::UpdatePromptRequest::builder().name("one");
        boxed_call(client.update_prompt("one").body(body).send())
    }),
    ("make_prompt_version_default", |client| {
        let body = prompts::MakePromptVersionDefaultRequest::builder().version(2);
        boxed_call(client.make_prompt_version_default("one").body(body).send())
    }),
    ("cancel_log_export", |client| {
        boxed_call(client.cancel_log_export("one").send())
    }),
];

#[tokio::test]
async fn empty_response_is_a_success_for_writes() {
    let responses = [
        ScriptedResponse::empty(200),
        ScriptedResponse::empty(204),
        ScriptedResponse::empty(202),
        ScriptedResponse::json(200, "{}"),
        ScriptedResponse::json(200, " \r\n"),
        ScriptedResponse::json(200, r#"{"success":true,"unheard_of":[1]}"#),
    ];
    for response in responses {
        let (server, client) = server_and_client(response.clone());
        for (id, send) in WRITES {
            if let Err(error) = send(&client).await {
                panic!("{id} {response:?}: {error}");
            }
        }
        assert_eq!(server.requests().len(), WRITES.len());
    }
}

/// `POST /logs` responds with the value `ok`; whether it is quoted is not known (M271).
#[tokio::test]
async fn log_is_inserted_if_the_response_is_not_an_object() {
    for scripted in [
        ScriptedResponse::json(200, "ok"),
        ScriptedResponse::json(200, r#""ok""#),
        ScriptedResponse::empty(200)
            .with_header("content-type", "text/plain")
            .with_body("ok"),
    ] {
        let (server, client) = server_and_client(scripted.clone());
        let (request, response) = (
            logs::LogEntryRequest::builder()
                .url("https://host.example")
                .body(json!({"model": "m"})),
            logs::LogEntryResponse::builder()
                .status(200)
                .body(json!({"id": "one"})),
        );
        let entry = logs::LogEntry::builder()
            .request(request)
            .response(response);
        if let Err(error) = client.insert_log().body(entry).send().await {
            panic!("{scripted:?}: {error}");
        }
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn empty_response_is_an_empty_list() {
    for response in [
        ScriptedResponse::empty(200),
        ScriptedResponse::json(200, " \r\n"),
        ScriptedResponse::json(200, "{}"),
        ScriptedResponse::json(200, "[]"),
    ] {
        let (_server, client) = server_and_client(response.clone());
        let list = client.list_guardrail_mcp_servers("one").send().await;
        let list = list.unwrap_or_else(|error| panic!("{response:?}: {error}"));
        assert!(list.servers().is_empty());
    }
}

#[tokio::test]
async fn items_of_a_wrong_type_are_kept_apart_from_the_others() {
    let sent = json!({"total": 4, "data": [null, {"email": "a@host.example"}, 7, {"email": "b@host.example"}]});
    let (_server, client) = server_and_client(ScriptedResponse::json(200, sent.to_string()));
    let list = client.list_users().send().await.unwrap();
    assert_eq!(list.data.len(), 2);
    assert_eq!(list.extra["data"], json!({"0": null, "2": 7}));
    assert_eq!(serde_json::to_value(&list).unwrap(), sent);
}

#[tokio::test]
async fn timestamps_without_a_zone_are_in_utc() {
    let key = json!({"id": "one", "name": "one", "type": "t", "status": "s", "organisation_id": "o",
        "created_at": "2026-01-02T03:04:05", "last_updated_at": "2026-01-02T03:04:05.5"});
    let (_server, client) = server_and_client(ScriptedResponse::json(200, key.to_string()));
    let key = client.get_api_key("one").send().await.unwrap();
    assert_eq!(key.created_at.to_rfc3339(), "2026-01-02T03:04:05+00:00");
    assert_eq!(key.last_updated_at.timestamp_subsec_millis(), 500);
}

#[tokio::test]
async fn a_mismatched_timestamp_is_named_in_the_error() {
    for (value, found) in [(json!("soon"), "a string"), (json!(7), "a number")] {
        let workspace = json!({"id": "one", "slug": "one", "name": "one", "last_updated_at": "2026-01-02 03:04:05",
            "created_at": value});
        let error = error_of(ScriptedResponse::json(200, workspace.to_string())).await;
        let expected = format!("expected a timestamp for `created_at`, found {found}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[tokio::test]
async fn a_response_decodes_if_it_is_valid_json() {
    for value in values_that_serde_json_rejects() {
        let body = format!(
            "\u{feff}{{\"id\":\"one\",\"slug\":\"one\",\"name\":\"\\udead\",\"created_at\":\"2026-01-02 03:04:05\",\
             \"last_updated_at\":\"2026-01-02 03:04:05\",\"new\":{value}}}"
        );
        let (_server, client) = server_and_client(ScriptedResponse::json(200, body.clone()));
        let response = client
            .get_workspace("one")
            .send_with_response()
            .await
            .unwrap();
        assert_eq!(response.value().name, "\u{fffd}");
        assert!(response.value().extra.contains_key("new"));
        assert_eq!(response.body(), body.as_bytes());
    }
}

#[tokio::test]
async fn a_workspace_is_deleted_by_id_and_name() {
    for (response, force) in [
        (ScriptedResponse::empty(200), Some(true)),
        (ScriptedResponse::empty(204), Some(false)),
        (ScriptedResponse::json(200, "{}"), None),
    ] {
        let (server, client) = server_and_client(response);
        let mut body = workspaces::DeleteWorkspaceRequest::builder().name("Größe 1");
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
async fn undecodable_body_is_kept_in_the_error() {
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
        let response =
            ScriptedResponse::json(200, body).with_header("x-portkey-request-id", "request-7");
        let error = error_of(response).await;
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

/// A body may contain a key, so the undecodable part must not occur in an error either.
#[tokio::test]
async fn undecodable_body_is_not_in_the_error_message() {
    for body in [
        r#""canary""#,
        r#"["canary"]"#,
        r#"{"canary":1}"#,
        r#"{"key":["canary"]}"#,
        r#"{"id":{"canary":"canary"},"key":"canary"}"#,
        r#"{"id":"canary","key":"canary"#,
        "canary",
    ] {
        let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
        let calls = [
            boxed_call(client.get_api_key("one").send()),
            boxed_call(client.rotate_api_key("one").send()),
            boxed_call(client.list_users().send()),
        ];
        for error in results_of(calls).await.into_iter().filter_map(Result::err) {
            assert!(error.is_decode(), "{body}: {error}");
            let rendered = render_error(&error);
            assert!(!rendered.contains("canary"), "{body}: {rendered}");
        }
    }
}

async fn results_of<const N: usize>(calls: [BoxedCall; N]) -> Vec<Result<(), Error>> {
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await);
    }
    results
}

#[tokio::test]
async fn code_and_message_are_read_from_every_error_envelope() {
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
        (r#"{"errors":[{"message":"why"}]}"#, None, Some("why")),
        (
            r#"{"status":"failure","error":{"code":"c","message":"why","field":"f"},"message":"m"}"#,
            Some("c"),
            Some("why"),
        ),
        (r#"{"status":"failure","message":"why"}"#, None, Some("why")),
        (
            r#"{"error":"invalid_client","error_description":"why"}"#,
            Some("invalid_client"),
            Some("why"),
        ),
        (
            r#"{"error":{"message":"why","type":"t","param":{"a":1},"code":null},"provider":"p"}"#,
            None,
            Some("why"),
        ),
        ("\u{feff}{\"message\":\"why\"}", None, Some("why")),
        (r#"{"message":"why","value":1e400}"#, None, Some("why")),
        (r#"{"error":null,"data":[]}"#, None, None),
        (r#"{"message":{"not":"text"}}"#, None, None),
        ("<html>", None, None),
        ("null", None, None),
        ("[]", None, None),
        ("\"text\"", None, None),
        ("", None, None),
    ] {
        let error = error_of(ScriptedResponse::json(400, body)).await;
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
async fn the_beginning_of_a_long_message_is_shown() {
    for length in [2_000, 900_000] {
        let body = json!({"message": "m".repeat(length), "code": "c"}).to_string();
        let error = error_of(ScriptedResponse::json(400, body.clone())).await;
        let rendered = error.to_string();
        assert!(rendered.len() < 1200, "{}", rendered.len());
        let rest = format!("… ({} more characters)", length - 1000);
        assert!(rendered.contains(&rest), "{rendered}");
        assert_eq!(error.message().map(str::len), Some(length));
        assert_eq!(error.body().unwrap(), &body);
    }
}

/// Bodies that report a failure although the status is a success.
const FAILURES: &[(&str, Option<&str>, Option<&str>)] = &[
    (
        r#"{"success":false,"data":{"message":"no access","errorCode":"AB03"}}"#,
        Some("AB03"),
        Some("no access"),
    ),
    (
        r#"{"success": 0, "data": {"message": "no access"}}"#,
        None,
        Some("no access"),
    ),
    (
        r#"{"status_code":500,"success":false,"error":{"message":"no access","code":"c"}}"#,
        Some("c"),
        Some("no access"),
    ),
    (r#"{"success":"false","error":{}}"#, None, None),
];

#[tokio::test]
async fn a_success_that_reports_a_failure_is_an_error() {
    for (body, code, message) in FAILURES {
        let (server, client) = server_and_client(ScriptedResponse::json(200, *body));
        let mut labels = client.list_labels().stream();
        let calls = [
            boxed_call(client.list_api_keys().send()),
            boxed_call(client.list_api_keys().send_with_response()),
            boxed_call(client.get_workspace("one").send()),
            boxed_call(client.delete_user("one").send()),
            boxed_call(client.delete_user("one").send_with_response()),
            boxed_call(async move { labels.next().await.unwrap() }),
            boxed_call(client.list_users().pages().try_collect()),
            boxed_call(client.get_model_pricing("one", "two").send()),
        ];
        let count = calls.len();
        for error in results_of(calls).await.into_iter().map(Result::unwrap_err) {
            assert!(error.is_reported_failure() && !error.is_decode(), "{error}");
            assert_eq!((error.code(), error.message()), (*code, *message), "{body}");
            assert_eq!((status(&error), error.attempts()), (Some(200), 1));
            assert!(error.may_have_executed() && error.operation().is_some());
            assert_eq!(error.body().unwrap(), body);
            let text = error.to_string();
            assert!(
                text.contains("200 OK, but the service reports a failure"),
                "{text}"
            );
            for part in code.iter().chain(message) {
                assert!(text.contains(part), "{text}");
            }
        }
        assert_eq!(server.requests().len(), count);
    }
}

#[tokio::test]
async fn success_without_an_error_is_not_a_failure() {
    for body in [
        r#"{"success":false}"#,
        r#"{"success":false,"data":[]}"#,
        r#"{"success":true,"data":{"message":"m"}}"#,
        r#"{"success":false,"message":"m"}"#,
        r#"{"data":[{"success":false,"error":{"message":"m"}}]}"#,
    ] {
        let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
        client.delete_user("one").send().await.unwrap();
    }
}

#[tokio::test]
async fn success_that_is_the_result_of_an_operation_is_decoded() {
    let (_server, client) = server_and_client(ScriptedResponse::json(200, FAILURES[0].0));
    let result = client.test_mcp_server("one").send().await.unwrap();
    assert_eq!(result.success, Some(false));
    let result = client.test_mcp_integration("one").send().await.unwrap();
    assert_eq!(result.success, Some(false));
    let body = portkey_admin::mcp::SyncMcpIntegrationRequest::builder();
    let call = client.sync_mcp_integration("one").body(body);
    assert_eq!(call.send().await.unwrap().success, Some(false));
}

#[tokio::test]
async fn a_key_in_a_reported_failure_is_redacted() {
    let body = json!({"success": false, "data": {"message": KEY, "errorCode": KEY}}).to_string();
    let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
    let error = client.delete_user("one").send().await.unwrap_err();
    assert!(error.is_reported_failure());
    let rendered = render_error(&error);
    assert!(!rendered.contains(KEY), "{rendered}");
}

#[tokio::test]
async fn a_message_is_shown_on_one_line() {
    let error = error_of(ScriptedResponse::json(
        400,
        r#"{"message":"one\n two\r\n\tthree"}"#,
    ))
    .await;
    assert!(error.to_string().contains(": one two three"), "{error}");
    assert_eq!(error.message(), Some("one\n two\r\n\tthree"));
}

#[tokio::test]
async fn every_status_has_its_predicate() {
    for code in [400, 401, 403, 404, 405, 409, 418, 422, 429, 500, 502, 503] {
        let error = error_of(ScriptedResponse::json(code, "{}")).await;
        let predicates = [
            (401, error.is_unauthorized()),
            (403, error.is_forbidden()),
            (404, error.is_not_found()),
            (409, error.is_conflict()),
            (429, error.is_rate_limited()),
        ];
        for (own, holds) in predicates {
            assert_eq!(holds, own == code, "{code} as {own}");
        }
        assert_eq!(status(&error), Some(code));
    }
}

#[tokio::test]
async fn error_for_403_names_the_required_scope() {
    let (_server, client) = server_and_client(ScriptedResponse::json(
        403,
        r#"{"data":{"errorCode":"AB03"}}"#,
    ));
    let calls: [(BoxedCall, &str); 2] = [
        (
            boxed_call(client.list_users().send()),
            "organisation_users.list",
        ),
        (
            boxed_call(client.delete_user("one").send()),
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
async fn refused_connection_is_a_connect_error() {
    // The port was free a moment ago, and nothing listens on it.
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
    let error = boxed_call(call.send()).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!(!error.is_timeout() && !error.is_decode() && !error.is_invalid_request());
    assert_eq!(error.operation(), Some("list_users"));
    assert!(error.status().is_none() && error.body().is_none() && error.headers().is_none());
    let rendered = render_error(&error);
    assert!(!rendered.contains("canary"), "{rendered}");
}

#[tokio::test]
async fn truncated_response_is_an_error() {
    let workspace = r#"{"id":"one","name":"one"}"#;
    let complete = || ScriptedResponse::json(200, workspace);
    let length = workspace.len();
    let refused = ScriptedResponse::json(400, r#"{"message":"why"}"#);
    for (response, expected_status, message_part) in [
        (complete().truncated_by(1), Some(200), "interrupted"),
        (complete().truncated_by(length), Some(200), "interrupted"),
        (complete().truncated_by(length + 10), None, "no response"),
        (refused.truncated_by(1), Some(400), "400"),
        (
            ScriptedResponse::empty(200).sending_nothing(),
            None,
            "no response",
        ),
    ] {
        let error = error_of(response.clone()).await;
        assert!(!error.is_connect(), "{response:?}: the request was sent");
        assert!(!error.is_decode() && !error.is_invalid_request());
        assert_eq!(status(&error), expected_status, "{response:?}");
        assert!(error.to_string().contains(message_part), "{error}");
    }
}

#[tokio::test]
async fn html_error_page_is_an_error_with_its_status() {
    let page = "<html>\n<h1>502 Bad Gateway</h1>\n</html>";
    let response = ScriptedResponse::empty(502)
        .with_header("content-type", "text/html")
        .with_body(page);
    let error = error_of(response).await;
    assert_eq!(status(&error), Some(502));
    assert_eq!((error.code(), error.message()), (None, None));
    assert_eq!(error.body().unwrap(), page);
    assert_eq!(error.headers().unwrap()["content-type"], "text/html");
    assert!(!render_error(&error).contains('<'), "{error:?}");
}

#[tokio::test]
async fn error_contains_the_request_id() {
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
        let response = headers.iter().fold(
            ScriptedResponse::json(500, "{}"),
            |response, (name, value)| response.with_header(name, *value),
        );
        let error = error_of(response).await;
        assert_eq!(error.request_id(), id);
        let has_part = |part: &str| error.to_string().contains(part);
        assert_eq!(has_part("[request "), id.is_some(), "{error}");
        assert!(id.is_none_or(has_part), "{error}");
    }
}

#[tokio::test]
async fn response_has_status_headers_and_body() {
    let body = r#"{"total": 1, "data": [{"email": "canary@host.example", "new_field": 1}]}"#;
    let response = ScriptedResponse::json(200, body)
        .with_header("x-portkey-request-id", "request-7")
        .with_header("retry-after", "canary");
    let (_server, client) = server_and_client(response);
    let response = client.list_users().send_with_response().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["x-portkey-request-id"], "request-7");
    assert_eq!(response.body(), body);
    assert_eq!(response.value().data.len(), 1);
    assert!(!format!("{response:?}").contains("retry-after"));
    assert_eq!(response.into_inner().data.len(), 1);

    let (_server, client) =
        server_and_client(ScriptedResponse::empty(204).with_header("x-seen", "1"));
    let response = client.delete_user("one").send_with_response().await;
    let response = response.unwrap();
    assert_eq!(response.status().as_u16(), 204);
    assert_eq!(response.headers()["x-seen"], "1");
    assert!(response.body().is_empty());
}
