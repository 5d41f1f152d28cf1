//! Spans, events and fields: exactly those that the guide lists.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use http::Method;
use portkey_admin::Client;
use serde_json::Value;
use support::{
    KEY, attempts, boxed_call, builder,
    server::{ClosedPort, ScriptedResponse, Server},
    spans::{Entry, Recorder},
};
use tracing::Level;

fn client(server: &Server) -> Client {
    builder(server).options(attempts(3)).build().unwrap()
}

fn success() -> ScriptedResponse {
    ScriptedResponse::json(200, r#"{"data":[]}"#).with_header("x-portkey-request-id", "request-one")
}

/// Returns the value of each field, in the order of `names`.
fn fields<'a, const N: usize>(entry: &'a Entry, names: [&str; N]) -> [Option<&'a str>; N] {
    names.map(|name| entry.field(name))
}

#[tokio::test]
async fn a_call_is_a_span_with_one_span_for_each_attempt() {
    let recorder = Recorder::start();
    let server = Server::with_responses([
        ScriptedResponse::empty(500),
        ScriptedResponse::empty(200).sending_nothing(),
        success(),
    ]);
    boxed_call(client(&server).get_api_key("one").send())
        .await
        .unwrap_err();
    let entries = recorder.client_entries();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "portkey.call",
            "portkey.attempt",
            "trying again",
            "portkey.attempt",
            "trying again",
            "portkey.attempt",
            "response could not be decoded",
        ]
    );
    assert!(
        entries
            .iter()
            .filter(|entry| entry.is_span)
            .all(Entry::is_closed)
    );
    for entry in &entries[1..6] {
        assert!(entry.is_child_of(&entries[0]), "{entry:?}");
        assert_eq!(entry.level, Level::DEBUG);
    }
    assert!(entries[0].level == Level::INFO && entries[0].is_root());

    let address = server.url("");
    let port = address.rsplit(':').next();
    assert_eq!(
        fields(
            &entries[0],
            [
                "otel.name",
                "otel.kind",
                "portkey.operation",
                "http.request.method",
                "url.template",
                "server.address",
                "server.port",
                "http.response.status_code",
                "http.request.resend_count",
                "portkey.request_id",
                "error.type",
            ]
        ),
        [
            Some("GET /api-keys/{id}"),
            Some("client"),
            Some("get_api_key"),
            Some("GET"),
            Some("/api-keys/{id}"),
            Some("127.0.0.1"),
            port,
            Some("200"),
            Some("2"),
            Some("request-one"),
            None,
        ]
    );
    assert_eq!(entries[0].field_names().len(), 10);

    let attempt = |entry| {
        fields(
            entry,
            [
                "http.request.resend_count",
                "http.response.status_code",
                "error.type",
            ],
        )
    };
    assert_eq!(attempt(&entries[1]), [Some("0"), Some("500"), Some("500")]);
    assert_eq!(attempt(&entries[3]), [Some("1"), None, Some("transport")]);
    assert_eq!(attempt(&entries[5]), [Some("2"), Some("200"), None]);
    assert_eq!(entries[5].field("portkey.request_id"), Some("request-one"));
    assert_eq!(
        fields(&entries[2], ["error.type", "wait_ms"]),
        [Some("500"), Some("0")]
    );
    assert_eq!(entries[4].field("error.type"), Some("transport"));
    assert_eq!(
        fields(&entries[6], ["portkey.operation", "error.type"]),
        [Some("get_api_key"), Some("decode")]
    );
}

#[tokio::test]
async fn success_at_the_first_attempt_records_no_error_and_no_retry() {
    let recorder = Recorder::start();
    let server = Server::with_response(success());
    boxed_call(client(&server).list_users().send())
        .await
        .unwrap();
    let [span] = &recorder.spans("portkey.call")[..] else {
        panic!("{}", recorder.debug_output());
    };
    let names = [
        "error.type",
        "http.request.resend_count",
        "http.response.status_code",
    ];
    assert_eq!(fields(span, names), [None, Some("0"), Some("200")]);
    assert_eq!(recorder.spans("portkey.attempt").len(), 1);
    assert_eq!(recorder.client_entries().len(), 2);
}

#[tokio::test]
async fn retried_delete_that_finds_404_is_not_recorded_as_an_error() {
    let recorder = Recorder::start();
    let server =
        Server::with_responses([ScriptedResponse::empty(500), ScriptedResponse::empty(404)]);
    boxed_call(client(&server).delete_user("one").send())
        .await
        .unwrap();
    let names = ["error.type", "http.response.status_code"];
    let call = &recorder.spans("portkey.call")[0];
    assert_eq!(fields(call, names), [None, Some("404")]);
    let attempt = &recorder.spans("portkey.attempt")[1];
    assert_eq!(fields(attempt, names), [Some("404"), Some("404")]);
}

#[tokio::test]
async fn error_type_is_recorded() {
    let stalled = ScriptedResponse::empty(200).sending_nothing().then_stall();
    for (response, expected) in [
        (ScriptedResponse::empty(404), "404"),
        (ScriptedResponse::empty(302), "302"),
        (ScriptedResponse::empty(200).sending_nothing(), "transport"),
        (success().truncated_by(1), "transport"),
        (stalled, "timeout"),
    ] {
        let recorder = Recorder::start();
        let server = Server::with_response(response);
        let options = attempts(1).timeout(std::time::Duration::from_millis(500));
        let client = client(&server).with_options(options);
        boxed_call(client.list_users().send()).await.unwrap_err();
        for name in ["portkey.call", "portkey.attempt"] {
            let spans = recorder.spans(name);
            assert_eq!(spans[0].field("error.type"), Some(expected), "{name}");
        }
    }
    let (recorder, closed) = (Recorder::start(), ClosedPort::new());
    let client = Client::builder().api_key(KEY).base_url(closed.url("/v1"));
    let client = client.options(attempts(1)).build().unwrap();
    boxed_call(client.list_users().send()).await.unwrap_err();
    assert_eq!(
        recorder.spans("portkey.call")[0].field("error.type"),
        Some("connect")
    );
}

#[tokio::test]
async fn call_that_is_not_sent_has_no_span() {
    let recorder = Recorder::start();
    let server = Server::with_response(success());
    boxed_call(client(&server).get_user("..").send())
        .await
        .unwrap_err();
    assert!(
        recorder.client_entries().is_empty(),
        "{}",
        recorder.debug_output()
    );
}

#[tokio::test]
async fn span_of_a_raw_request_has_the_method_but_no_path() {
    let recorder = Recorder::start();
    let server = Server::with_response(success());
    let request = client(&server).request(Method::GET, "/things/secret-id");
    let _: Value = request.query("q", "secret-query").send().await.unwrap();
    let [span] = &recorder.spans("portkey.call")[..] else {
        panic!("{}", recorder.debug_output());
    };
    let names = [
        "otel.name",
        "http.request.method",
        "url.template",
        "portkey.operation",
    ];
    assert_eq!(fields(span, names), [Some("GET"), Some("GET"), None, None]);
    assert!(!format!("{:?}", recorder.client_entries()).contains("secret"));
}

/// The span of the caller is the parent of the call, also if the call runs in another task.
#[tokio::test]
async fn call_span_is_a_child_of_the_span_of_its_caller() {
    use tracing::Instrument;

    let recorder = Recorder::start();
    let server = Server::with_response(success());
    let call = boxed_call(client(&server).list_users().send());
    let span = tracing::info_span!(target: "portkey_admin::test", "caller");
    tokio::spawn(call.instrument(span)).await.unwrap().unwrap();
    let caller = &recorder.spans("caller")[0];
    assert!(recorder.spans("portkey.call")[0].is_child_of(caller));
}

/// The table in docs/guide/tracing.md is complete.
#[tokio::test]
async fn every_field_is_documented() {
    let guide = include_str!("../docs/guide/tracing.md");
    let recorder = Recorder::start();
    let server = Server::with_responses([ScriptedResponse::empty(500), success()]);
    boxed_call(client(&server).get_api_key("one").send())
        .await
        .unwrap_err();
    for entry in recorder.client_entries() {
        let kind = if entry.is_span { "span" } else { "event" };
        let start = format!(
            "| {kind} `{}` | {} |",
            entry.name,
            entry.level.as_str().to_lowercase()
        );
        let row = guide.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row in the guide starts with: {start}"));
        for name in entry.field_names() {
            assert!(row.contains(&format!("`{name}`")), "{name}: {row}");
        }
    }
}
