//! What an operator sees: the spans, events and fields that the guide lists, and nothing else.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use http::Method;
use portkey_admin::Client;
use serde_json::Value;
use support::{
    KEY, attempts, builder, sending,
    server::{Answer, Closed, Server},
    spans::{Entry, Recorder},
};
use tracing::Level;

fn client(server: &Server) -> Client {
    builder(server).options(attempts(3)).build().unwrap()
}

fn done() -> Answer {
    Answer::json(200, r#"{"data":[]}"#).with_header("x-portkey-request-id", "request-one")
}

/// The value of each field, in the order of `names`.
fn fields<'a, const N: usize>(entry: &'a Entry, names: [&str; N]) -> [Option<&'a str>; N] {
    names.map(|name| entry.field(name))
}

#[tokio::test]
async fn a_call_is_a_span_with_one_span_for_each_attempt() {
    let recorder = Recorder::start();
    let server = Server::playing([Answer::empty(500), Answer::empty(200).hanging_up(), done()]);
    sending(client(&server).get_api_key("one").send())
        .await
        .unwrap_err();
    let ours = recorder.ours();
    let names: Vec<_> = ours.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "portkey.call",
            "portkey.attempt",
            "trying again",
            "portkey.attempt",
            "trying again",
            "portkey.attempt",
            "the answer could not be decoded",
        ]
    );
    assert!(
        ours.iter()
            .filter(|entry| entry.is_span)
            .all(Entry::is_over)
    );
    for entry in &ours[1..6] {
        assert!(entry.is_inside(&ours[0]), "{entry:?}");
        assert_eq!(entry.level, Level::DEBUG);
    }
    assert!(ours[0].level == Level::INFO && ours[0].is_outermost());

    let address = server.url("");
    let port = address.rsplit(':').next();
    assert_eq!(
        fields(
            &ours[0],
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
    assert_eq!(ours[0].names().len(), 10);

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
    assert_eq!(attempt(&ours[1]), [Some("0"), Some("500"), Some("500")]);
    assert_eq!(attempt(&ours[3]), [Some("1"), None, Some("transport")]);
    assert_eq!(attempt(&ours[5]), [Some("2"), Some("200"), None]);
    assert_eq!(ours[5].field("portkey.request_id"), Some("request-one"));
    assert_eq!(
        fields(&ours[2], ["error.type", "wait_ms"]),
        [Some("500"), Some("0")]
    );
    assert_eq!(ours[4].field("error.type"), Some("transport"));
    assert_eq!(
        fields(&ours[6], ["portkey.operation", "error.type"]),
        [Some("get_api_key"), Some("decode")]
    );
}

#[tokio::test]
async fn a_success_at_once_records_no_error_and_no_resending() {
    let recorder = Recorder::start();
    let server = Server::answering(done());
    sending(client(&server).list_users().send()).await.unwrap();
    let [span] = &recorder.spans("portkey.call")[..] else {
        panic!("{}", recorder.text());
    };
    let names = [
        "error.type",
        "http.request.resend_count",
        "http.response.status_code",
    ];
    assert_eq!(fields(span, names), [None, Some("0"), Some("200")]);
    assert_eq!(recorder.spans("portkey.attempt").len(), 1);
    assert_eq!(recorder.ours().len(), 2);
}

#[tokio::test]
async fn a_repeated_deletion_that_finds_nothing_is_no_error() {
    let recorder = Recorder::start();
    let server = Server::playing([Answer::empty(500), Answer::empty(404)]);
    sending(client(&server).delete_user("one").send())
        .await
        .unwrap();
    let names = ["error.type", "http.response.status_code"];
    let call = &recorder.spans("portkey.call")[0];
    assert_eq!(fields(call, names), [None, Some("404")]);
    let attempt = &recorder.spans("portkey.attempt")[1];
    assert_eq!(fields(attempt, names), [Some("404"), Some("404")]);
}

#[tokio::test]
async fn an_error_has_a_type() {
    let stalled = Answer::empty(200).hanging_up().then_stall();
    for (answer, expected) in [
        (Answer::empty(404), "404"),
        (Answer::empty(302), "302"),
        (Answer::empty(200).hanging_up(), "transport"),
        (done().closing_early(1), "transport"),
        (stalled, "timeout"),
    ] {
        let recorder = Recorder::start();
        let server = Server::answering(answer);
        let options = attempts(1).timeout(std::time::Duration::from_millis(500));
        let client = client(&server).with_options(options);
        sending(client.list_users().send()).await.unwrap_err();
        for name in ["portkey.call", "portkey.attempt"] {
            let spans = recorder.spans(name);
            assert_eq!(spans[0].field("error.type"), Some(expected), "{name}");
        }
    }
    let (recorder, closed) = (Recorder::start(), Closed::new());
    let client = Client::builder().api_key(KEY).base_url(closed.url("/v1"));
    let client = client.options(attempts(1)).build().unwrap();
    sending(client.list_users().send()).await.unwrap_err();
    assert_eq!(
        recorder.spans("portkey.call")[0].field("error.type"),
        Some("connect")
    );
}

#[tokio::test]
async fn what_is_never_sent_is_no_span() {
    let recorder = Recorder::start();
    let server = Server::answering(done());
    sending(client(&server).get_user("..").send())
        .await
        .unwrap_err();
    assert!(recorder.ours().is_empty(), "{}", recorder.text());
}

#[tokio::test]
async fn a_raw_request_names_its_method_and_no_path() {
    let recorder = Recorder::start();
    let server = Server::answering(done());
    let request = client(&server).request(Method::GET, "/things/secret-id");
    let _: Value = request.query("q", "secret-query").send().await.unwrap();
    let [span] = &recorder.spans("portkey.call")[..] else {
        panic!("{}", recorder.text());
    };
    let names = [
        "otel.name",
        "http.request.method",
        "url.template",
        "portkey.operation",
    ];
    assert_eq!(fields(span, names), [Some("GET"), Some("GET"), None, None]);
    assert!(!format!("{:?}", recorder.ours()).contains("secret"));
}

/// The caller's own span is around the call, also where the call runs as a task.
#[tokio::test]
async fn a_call_belongs_to_the_span_of_its_caller() {
    use tracing::Instrument;

    let recorder = Recorder::start();
    let server = Server::answering(done());
    let call = sending(client(&server).list_users().send());
    let span = tracing::info_span!(target: "portkey_admin::test", "caller");
    tokio::spawn(call.instrument(span)).await.unwrap().unwrap();
    let caller = &recorder.spans("caller")[0];
    assert!(recorder.spans("portkey.call")[0].is_inside(caller));
}

/// The table of docs/guide/tracing.md is the promise.
#[tokio::test]
async fn every_field_is_documented() {
    let guide = include_str!("../docs/guide/tracing.md");
    let recorder = Recorder::start();
    let server = Server::playing([Answer::empty(500), done()]);
    sending(client(&server).get_api_key("one").send())
        .await
        .unwrap_err();
    for entry in recorder.ours() {
        let what = if entry.is_span { "span" } else { "event" };
        let start = format!(
            "| {what} `{}` | {} |",
            entry.name,
            entry.level.as_str().to_lowercase()
        );
        let row = guide.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row: {start}"));
        for name in entry.names() {
            assert!(row.contains(&format!("`{name}`")), "{name}: {row}");
        }
    }
}
