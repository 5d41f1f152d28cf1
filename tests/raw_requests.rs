//! `Client::request`, and the status, headers, body and ids of responses and errors.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use http::{Method, StatusCode};
use portkey_admin::{
    ApiVersion, Client, Error, Paged, Plane, RequestOptions,
    logs::{LogEntry, LogEntryRequest, LogEntryResponse},
};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{
    KEY, attempts, render_error,
    server::{ScriptedResponse, Server},
    server_and_client,
};

#[derive(Debug, PartialEq, Deserialize)]
struct Thing {
    id: String,
    size: u32,
}

#[tokio::test]
async fn request_is_sent_as_built_and_the_response_is_typed() {
    let (server, client) =
        server_and_client(ScriptedResponse::json(200, r#"{"id":"one","size":7}"#));
    let request = client
        .request(Method::PATCH, "/brand-new/things/a%2Fb")
        .query("tag", "a b&c=ü")
        .query("tag", "+")
        .header("x-tenant", "one")
        .header("X-Tenant", "two")
        .json(&json!({"name": "one"}));
    let thing: Thing = request.send().await.unwrap();
    assert_eq!(
        thing,
        Thing {
            id: "one".to_owned(),
            size: 7
        }
    );

    let request = server.request();
    assert_eq!(request.method, "PATCH");
    assert_eq!(request.path(), "/v1/brand-new/things/a%2Fb");
    assert_eq!(request.segments(), ["v1", "brand-new", "things", "a/b"]);
    let pair = |value: &str| ("tag".to_owned(), value.to_owned());
    assert_eq!(request.query(), [pair("a b&c=ü"), pair("+")]);
    assert_eq!(request.header("x-tenant"), ["two"]);
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("accept"), ["application/json"]);
    assert_eq!(request.json(), json!({"name": "one"}));
}

#[tokio::test]
async fn request_without_a_body_has_no_content_type() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "null"));
    let response: Value = client.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(response, Value::Null);
    let request = server.request();
    assert_eq!((&*request.target, request.body.len()), ("/v1/", 0));
    assert_eq!(request.header("content-type"), [""; 0]);
}

#[tokio::test]
async fn each_plane_and_version_has_its_base_url() {
    let [control, gateway, public] =
        [(); 3].map(|()| Server::with_response(ScriptedResponse::empty(200)));
    let client = Client::builder()
        .api_key(KEY)
        .base_url(control.url("/v1"))
        .gateway_base_url(gateway.url("/v1"))
        .public_base_url(public.url(""))
        .options(RequestOptions::new().header("x-tenant", "one"))
        .build()
        .unwrap();
    let request = || client.request(Method::GET, "/things");
    request()
        .api_version(ApiVersion::V2)
        .send_raw()
        .await
        .unwrap();
    request().plane(Plane::Gateway).send_raw().await.unwrap();
    request().plane(Plane::Public).send_raw().await.unwrap();
    assert_eq!(control.request().target, "/v2/things");
    assert_eq!(gateway.request().target, "/v1/things");
    let public = public.request();
    assert_eq!(public.target, "/things");
    // Requests of the public plane are anonymous.
    for name in ["x-portkey-api-key", "x-tenant"] {
        assert_eq!(public.header(name), [""; 0]);
        assert_eq!(gateway.request().header(name).len(), 1);
    }
}

/// Sends a request that must be refused before it is sent; returns the error.
async fn refused(build: impl FnOnce(&Client) -> portkey_admin::Request) -> Error {
    let (server, client) = server_and_client(ScriptedResponse::empty(200));
    let error = build(&client).send_raw().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!((error.attempts(), error.may_have_executed()), (0, false));
    assert_eq!(server.connections(), 0);
    error
}

#[tokio::test]
async fn invalid_path_header_or_body_is_not_sent() {
    for path in [
        "",
        "things",
        "//host.example/",
        "/a/../b",
        "/%2e%2e/b",
        "/a?b",
        "/a#b",
        "/a b",
        "/a\\b",
        "/a\nb",
        "/ü",
        "https://host.example/",
    ] {
        let error = refused(|client| client.request(Method::GET, path)).await;
        assert_eq!(error.operation(), Some(&*format!("GET {path}")));
        assert!(error.to_string().contains("not sent: the path "), "{error}");
    }
    for name in [
        "x-portkey-api-key",
        "Host",
        "content-type",
        "user-agent",
        "no name",
    ] {
        let error = refused(|client| client.request(Method::GET, "/").header(name, "canary")).await;
        assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
        assert!(!render_error(&error).contains("canary"));
    }
    let error = refused(|client| {
        client
            .request(Method::GET, "/")
            .header("x-a", "canary\r\nx-b: c")
    });
    assert!(!render_error(&error.await).contains("canary"));
    let map_with_tuple_keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error =
        refused(|client| client.request(Method::POST, "/").json(&map_with_tuple_keys)).await;
    assert!(
        error
            .to_string()
            .contains("the body cannot be encoded as JSON"),
        "{error}"
    );
}

/// A valid body set later does not remove the error of an invalid one.
#[tokio::test]
async fn unencodable_body_stays_an_error_after_a_valid_body() {
    let map_with_tuple_keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    refused(|client| {
        client
            .request(Method::POST, "/")
            .json(&map_with_tuple_keys)
            .json(&json!({}))
    })
    .await;
}

#[tokio::test]
async fn raw_response_has_status_headers_body_and_ids() {
    let response = ScriptedResponse::json(201, r#"{"id":"one","size":7}"#)
        .with_header("x-portkey-request-id", "request-one")
        .with_header("x-portkey-trace-id", "trace-one")
        .with_header("x-other", "two");
    let server = Server::with_responses([ScriptedResponse::empty(500), response]);
    let client = support::builder(&server)
        .options(attempts(2))
        .build()
        .unwrap();
    let request = client.request(Method::GET, "/things/one");
    let response = request.send_with_response::<Thing>().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["x-other"], "two");
    assert_eq!(response.body(), r#"{"id":"one","size":7}"#);
    assert_eq!(response.request_id(), Some("request-one"));
    assert_eq!(response.trace_id(), Some("trace-one"));
    assert_eq!((response.attempts(), response.value().size), (2, 7));
    assert_eq!(response.into_inner().id, "one");
}

#[tokio::test]
async fn generated_call_has_status_body_and_ids() {
    let response = ScriptedResponse::json(200, r#"{"data":[]}"#)
        .with_header("x-portkey-trace-id", "trace-one");
    let (_server, client) = server_and_client(response);
    let response = client.list_users().send_with_response().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), r#"{"data":[]}"#);
    assert_eq!(
        (response.request_id(), response.trace_id()),
        (None, Some("trace-one"))
    );
    assert_eq!(response.attempts(), 1);
}

#[tokio::test]
async fn error_has_status_headers_body_and_ids() {
    let body = r#"{"success":false,"data":{"message":"no way","errorCode":"AB01"}}"#;
    for (names, quoted) in [
        (
            &["x-portkey-request-id", "x-portkey-trace-id"][..],
            "[request one]",
        ),
        (&["x-portkey-request-id"], "[request one]"),
        (&["x-portkey-trace-id"], "[trace one]"),
    ] {
        let response = names
            .iter()
            .fold(ScriptedResponse::json(400, body), |response, name| {
                response.with_header(name, "one")
            });
        let (_server, client) = server_and_client(response);
        let error = client
            .request(Method::GET, "/things")
            .send_raw()
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("GET /things: 400 Bad Request AB01: no way {quoted}")
        );
        let expected = |name| names.contains(&name).then_some("one");
        assert_eq!(error.request_id(), expected("x-portkey-request-id"));
        assert_eq!(error.trace_id(), expected("x-portkey-trace-id"));
        assert_eq!(
            (error.code(), error.message()),
            (Some("AB01"), Some("no way"))
        );
        assert_eq!(error.headers().unwrap()["content-type"], "application/json");
        assert_eq!(error.body().unwrap(), body);
        assert_eq!(error.operation(), Some("GET /things"));
        assert!(error.operation_metadata().is_none());
    }
}

#[tokio::test]
async fn error_of_an_operation_has_its_metadata() {
    let (_server, client) = server_and_client(ScriptedResponse::empty(403));
    let error = client.list_users().send().await.unwrap_err();
    let metadata = error.operation_metadata().unwrap();
    assert_eq!((metadata.id, metadata.path), ("list_users", "/admin/users"));
    assert_eq!(
        error.to_string(),
        "list_users: 403 Forbidden (requires scope organisation_users.list, a key of kind \
         organisation, the enterprise plan, for a user the role organisation owner or organisation \
         admin)"
    );
}

#[tokio::test]
async fn hint_of_403_names_alternative_scopes_or_all_needed_scopes() {
    let (_server, client) = server_and_client(ScriptedResponse::empty(403));
    let error = client.list_guardrails().send().await.unwrap_err();
    let line = error.to_string();
    let expected = "requires scope guardrails.list or organisation_guardrails.list, a key";
    assert!(line.contains(expected), "{line}");
    let log = LogEntry::builder()
        .request(
            LogEntryRequest::builder()
                .url("https://host.example")
                .body(json!({})),
        )
        .response(LogEntryResponse::builder().status(200).body(json!({})));
    let error = client.insert_log().body(log).send().await.unwrap_err();
    let line = error.to_string();
    let expected = "requires scopes completions.write and logs.write, a key of kind workspace";
    assert!(line.contains(expected), "{line}");
}

#[tokio::test]
async fn decode_error_contains_the_path_but_not_the_value() {
    for (body, path) in [
        (r#"{"id":"one","size":"canary"}"#, "size: "),
        (r#"{"id":{"canary":1},"size":1}"#, "id: "),
        (r#""canary""#, ""),
        (r#"{"size":1}"#, "missing field `id`"),
        ("canary", "expected value"),
    ] {
        let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
        let request = client.request(Method::GET, "/things/one");
        let error = request.send::<Thing>().await.unwrap_err();
        assert!(error.is_decode() && error.may_have_executed(), "{error}");
        let line = error.to_string();
        let start = "GET /things/one: 200 OK, but the response could not be decoded: ";
        assert!(line.starts_with(start) && line.contains(path), "{line}");
        assert!(
            !render_error(&error).contains("canary"),
            "{}",
            render_error(&error)
        );
        assert_eq!(error.body().unwrap(), body);
    }
}

#[tokio::test]
async fn trailing_data_after_the_json_is_an_error() {
    let (_server, client) =
        server_and_client(ScriptedResponse::json(200, r#"{"id":"one","size":7} {}"#));
    let request = client.request(Method::GET, "/things/one");
    let error = request.send::<Thing>().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
}

#[tokio::test]
async fn send_raw_accepts_any_successful_response() {
    for (status, body) in [(200, "<html>"), (202, ""), (204, "")] {
        let (_server, client) = server_and_client(ScriptedResponse::empty(status).with_body(body));
        let response = client
            .request(Method::POST, "/things")
            .send_raw()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.body(), body);
    }
}

#[tokio::test]
async fn send_reports_a_failure_and_send_raw_returns_its_body() {
    for body in [
        r#"{"success":false,"data":{"message":"no way","errorCode":"AB03"}}"#,
        r#"{"success":false,"error":{"message":"no way","code":"AB03"}}"#,
    ] {
        let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
        let request = || client.request(Method::POST, "/things");
        let errors = [
            request().send::<Value>().await.map(drop),
            request().send_with_response::<Value>().await.map(drop),
        ];
        for error in errors.map(Result::unwrap_err) {
            assert!(error.is_reported_failure() && error.may_have_executed());
            assert_eq!(
                error.to_string(),
                "POST /things: 200 OK, but the service reports a failure AB03: no way"
            );
        }
        assert_eq!(request().send_raw().await.unwrap().body(), body);
    }
}

#[tokio::test]
async fn valid_json_that_serde_json_rejects_is_decoded() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Large {
        id: String,
        size: f64,
        count: u128,
    }

    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (value, expected) in [
        (r#""half \ud83d""#, json!("half \u{fffd}")),
        ("1e400", json!("1e400")),
        (
            "123456789012345678901234567890",
            json!("123456789012345678901234567890"),
        ),
        (deep.as_str(), Value::Null),
    ] {
        let body = format!("\u{feff}{{\"id\":\"\\udead\",\"size\":7,\"new\":{value}}}");
        let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
        let request = || client.request(Method::GET, "/things/one");
        let thing: Thing = request().send().await.unwrap();
        assert_eq!((thing.id.as_str(), thing.size), ("\u{fffd}", 7));
        let json: Value = request().send().await.unwrap();
        assert!(expected.is_null() || json["new"] == expected, "{json}");
    }
    // A type that holds the number receives the number.
    let body = r#"{"id":"one","size":123456789012345678901234567890,"count":123456789012345678901234567890}"#;
    let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
    let large: Large = client.request(Method::GET, "/large").send().await.unwrap();
    assert_eq!(large.count, 123_456_789_012_345_678_901_234_567_890);
}

#[tokio::test]
async fn an_odd_item_of_a_typed_list_is_skipped() {
    let body = r#"{"total":2,"data":[{"email":"a@host.example"},7]}"#;
    let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
    let request = client.request(Method::GET, "/admin/users");
    let list: portkey_admin::users::UserList = request.send().await.unwrap();
    assert_eq!((list.data.len(), list.skipped()), (1, 1));
    let body = r#"{"data":[{"id":"one"},{"id":"two","key":"canary"}]}"#;
    let (_server, client) = server_and_client(ScriptedResponse::json(200, body));
    let request = client.request(Method::GET, "/api-keys");
    let list: portkey_admin::api_keys::ApiKeyList = request.send().await.unwrap();
    assert_eq!((list.data.len(), list.skipped()), (0, 2));
}

#[tokio::test]
async fn empty_response_is_decoded_as_null() {
    for response in [
        ScriptedResponse::empty(204),
        ScriptedResponse::empty(200),
        ScriptedResponse::json(200, " \n"),
    ] {
        let (_server, client) = server_and_client(response);
        let request = || client.request(Method::PUT, "/things/one");
        request().send::<()>().await.unwrap();
        assert_eq!(request().send::<Option<Thing>>().await.unwrap(), None);
        assert_eq!(request().send::<Value>().await.unwrap(), Value::Null);
        let error = request().send::<Thing>().await.unwrap_err();
        assert!(error.is_decode() && error.may_have_executed(), "{error}");
    }
}

#[tokio::test]
async fn retried_delete_that_finds_404_is_decoded_as_null() {
    let server = Server::with_responses([
        ScriptedResponse::empty(500),
        ScriptedResponse::json(404, r#"{"message":"m"}"#),
    ]);
    let client = support::builder(&server).options(attempts(2));
    let request = client
        .build()
        .unwrap()
        .request(Method::DELETE, "/things/one");
    request.send::<()>().await.unwrap();
}

#[tokio::test]
async fn default_workspace_is_not_added_to_raw_requests() {
    let (server, client) = server_and_client(ScriptedResponse::empty(200));
    let client = client.with_options(RequestOptions::new().workspace_id("one"));
    client
        .request(Method::GET, "/configs")
        .send_raw()
        .await
        .unwrap();
    assert_eq!(server.request().target, "/v1/configs");
}
