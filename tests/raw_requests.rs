//! `Client::request`, and what comes with an answer or an error: status, headers, body, ids.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use http::{Method, StatusCode};
use portkey_admin::{ApiVersion, Client, Error, Plane, RequestOptions};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{
    KEY, answered, attempts,
    server::{Answer, Server},
    shown,
};

#[derive(Debug, PartialEq, Deserialize)]
struct Thing {
    id: String,
    size: u32,
}

#[tokio::test]
async fn everything_arrives_and_the_answer_is_typed() {
    let (server, client) = answered(Answer::json(200, r#"{"id":"one","size":7}"#));
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
async fn a_request_without_a_body_has_none() {
    let (server, client) = answered(Answer::json(200, "null"));
    let answer: Value = client.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(answer, Value::Null);
    let request = server.request();
    assert_eq!((&*request.target, request.body.len()), ("/v1/", 0));
    assert_eq!(request.header("content-type"), [""; 0]);
}

#[tokio::test]
async fn each_plane_and_version_has_its_base() {
    let [control, gateway, public] = [(); 3].map(|()| Server::answering(Answer::empty(200)));
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
    // Public facts are nobody's business but the service's.
    for name in ["x-portkey-api-key", "x-tenant"] {
        assert_eq!(public.header(name), [""; 0]);
        assert_eq!(gateway.request().header(name).len(), 1);
    }
}

/// Sends a request that must not leave; gives the error.
async fn unsent(change: impl FnOnce(&Client) -> portkey_admin::Request) -> Error {
    let (server, client) = answered(Answer::empty(200));
    let error = change(&client).send_raw().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!((error.attempts(), error.may_have_executed()), (0, false));
    assert_eq!(server.connections(), 0);
    error
}

#[tokio::test]
async fn what_cannot_be_sent_as_it_is_does_not_leave() {
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
        let error = unsent(|client| client.request(Method::GET, path)).await;
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
        let error = unsent(|client| client.request(Method::GET, "/").header(name, "canary")).await;
        assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
        assert!(!shown(&error).contains("canary"));
    }
    let error = unsent(|client| {
        client
            .request(Method::GET, "/")
            .header("x-a", "canary\r\nx-b: c")
    });
    assert!(!shown(&error.await).contains("canary"));
    let keys_are_no_text = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = unsent(|client| client.request(Method::POST, "/").json(&keys_are_no_text)).await;
    assert!(
        error.to_string().contains("the body cannot be encoded"),
        "{error}"
    );
}

/// A request that was changed after it went wrong is still wrong.
#[tokio::test]
async fn a_body_that_cannot_be_encoded_takes_no_other_with_it() {
    let keys_are_no_text = std::collections::BTreeMap::from([((1, 2), 3)]);
    unsent(|client| {
        client
            .request(Method::POST, "/")
            .json(&keys_are_no_text)
            .json(&json!({}))
    })
    .await;
}

#[tokio::test]
async fn an_answer_has_everything_around_its_value() {
    let answer = Answer::json(201, r#"{"id":"one","size":7}"#)
        .with_header("x-portkey-request-id", "request-one")
        .with_header("x-portkey-trace-id", "trace-one")
        .with_header("x-other", "two");
    let server = Server::playing([Answer::empty(500), answer]);
    let client = support::builder(&server)
        .options(attempts(2))
        .build()
        .unwrap();
    let request = client.request(Method::GET, "/things/one");
    let answer = request.send_with_response::<Thing>().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["x-other"], "two");
    assert_eq!(answer.body(), r#"{"id":"one","size":7}"#);
    assert_eq!(answer.request_id(), Some("request-one"));
    assert_eq!(answer.trace_id(), Some("trace-one"));
    assert_eq!((answer.attempts(), answer.value().size), (2, 7));
    assert_eq!(answer.into_inner().id, "one");
}

#[tokio::test]
async fn a_generated_call_has_it_too() {
    let answer = Answer::json(200, r#"{"data":[]}"#).with_header("x-portkey-trace-id", "trace-one");
    let (_server, client) = answered(answer);
    let answer = client.list_users().send_with_response().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.body(), r#"{"data":[]}"#);
    assert_eq!(
        (answer.request_id(), answer.trace_id()),
        (None, Some("trace-one"))
    );
    assert_eq!(answer.attempts(), 1);
}

#[tokio::test]
async fn an_error_has_it_too_and_names_an_id_to_quote() {
    let body = r#"{"success":false,"data":{"message":"no way","errorCode":"AB01"}}"#;
    for (names, quoted) in [
        (
            &["x-portkey-request-id", "x-portkey-trace-id"][..],
            "[request one]",
        ),
        (&["x-portkey-request-id"], "[request one]"),
        (&["x-portkey-trace-id"], "[trace one]"),
    ] {
        let answer = names.iter().fold(Answer::json(400, body), |answer, name| {
            answer.with_header(name, "one")
        });
        let (_server, client) = answered(answer);
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
async fn an_error_of_an_operation_has_its_facts() {
    let (_server, client) = answered(Answer::empty(403));
    let error = client.list_users().send().await.unwrap_err();
    let facts = error.operation_metadata().unwrap();
    assert_eq!((facts.id, facts.path), ("list_users", "/admin/users"));
    let line = error.to_string();
    assert!(line.contains("scope organisation_users.list"), "{line}");
    assert!(line.contains("a key of kind organisation"), "{line}");
}

#[tokio::test]
async fn a_value_of_another_type_is_named_by_its_path_and_not_shown() {
    for (body, path) in [
        (r#"{"id":"one","size":"canary"}"#, "size: "),
        (r#"{"id":{"canary":1},"size":1}"#, "id: "),
        (r#""canary""#, ""),
        (r#"{"size":1}"#, "missing field `id`"),
        ("canary", "expected value"),
    ] {
        let (_server, client) = answered(Answer::json(200, body));
        let request = client.request(Method::GET, "/things/one");
        let error = request.send::<Thing>().await.unwrap_err();
        assert!(error.is_decode() && error.may_have_executed(), "{error}");
        let line = error.to_string();
        let start = "GET /things/one: 200 OK could not be decoded: ";
        assert!(line.starts_with(start) && line.contains(path), "{line}");
        assert!(!shown(&error).contains("canary"), "{}", shown(&error));
        assert_eq!(error.body().unwrap(), body);
    }
}

#[tokio::test]
async fn text_after_the_document_is_an_error() {
    let (_server, client) = answered(Answer::json(200, r#"{"id":"one","size":7} {}"#));
    let request = client.request(Method::GET, "/things/one");
    let error = request.send::<Thing>().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
}

#[tokio::test]
async fn any_success_will_do_for_whoever_wants_it_raw() {
    for (status, body) in [(200, "<html>"), (202, ""), (204, "")] {
        let (_server, client) = answered(Answer::empty(status).with_body(body));
        let answer = client
            .request(Method::POST, "/things")
            .send_raw()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.body(), body);
    }
}

#[tokio::test]
async fn an_empty_answer_is_null() {
    for answer in [
        Answer::empty(204),
        Answer::empty(200),
        Answer::json(200, " \n"),
    ] {
        let (_server, client) = answered(answer);
        let request = || client.request(Method::PUT, "/things/one");
        request().send::<()>().await.unwrap();
        assert_eq!(request().send::<Option<Thing>>().await.unwrap(), None);
        assert_eq!(request().send::<Value>().await.unwrap(), Value::Null);
        let error = request().send::<Thing>().await.unwrap_err();
        assert!(error.is_decode() && error.may_have_executed(), "{error}");
    }
}

#[tokio::test]
async fn a_repeated_deletion_that_finds_nothing_is_null_too() {
    let server = Server::playing([Answer::empty(500), Answer::json(404, r#"{"message":"m"}"#)]);
    let client = support::builder(&server).options(attempts(2));
    let request = client
        .build()
        .unwrap()
        .request(Method::DELETE, "/things/one");
    request.send::<()>().await.unwrap();
}

#[tokio::test]
async fn no_workspace_is_put_into_what_nobody_knows() {
    let (server, client) = answered(Answer::empty(200));
    let client = client.with_options(RequestOptions::new().workspace_id("one"));
    client
        .request(Method::GET, "/configs")
        .send_raw()
        .await
        .unwrap();
    assert_eq!(server.request().target, "/v1/configs");
}
