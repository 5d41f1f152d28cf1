//! Every operation of the document, sent: how often after which failure, and where its arguments
//! arrive.
//!
//! The calls are put together as the generated methods do it, so that none can be forgotten.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

#[allow(dead_code)] // it is made for the files in `tests/`, which need more of it
#[path = "../../tests/support/server.rs"]
mod server;

use std::collections::BTreeSet;

use portkey_admin_codegen::{Patched, Sources, manifest, patch, paths::Rules};
use portkey_admin_emulator::Emulator;
use serde_json::{Value, json};

use super::Call;
use crate::{
    Client, Error, RequestOptions, RetryPolicy,
    operation::{ApiVersion, Idempotency, Operation, Plane, Segment},
    operations::ALL,
};
use server::{Answer, Request, Server};

fn client(base: &str, attempts: u32) -> Client {
    let policy = RetryPolicy::default().max_attempts(attempts);
    let policy = policy.backoff(std::time::Duration::ZERO, std::time::Duration::ZERO);
    Client::builder()
        .api_key("key")
        .base_url(base)
        .public_base_url(base.trim_end_matches("/v1"))
        .options(RequestOptions::new().retry(policy))
        .build()
        .unwrap()
}

/// What every check is content with, and some members more.
fn body() -> Value {
    json!({
        "name": "one", "workspace_id": "one", "user_id": "one", "scim_group_id": "one",
        "scopes": ["one"], "checks": [{}], "actions": {}, "conditions": [{}], "group_by": [{}],
    })
}

/// Sends an operation with everything that it needs; whatever answers will do.
async fn send(
    client: &Client,
    operation: &'static Operation,
    arguments: Vec<String>,
    body: Value,
) -> Result<(), Error> {
    let mut call = Call::new(client, operation, arguments);
    for name in operation.required {
        call.query(name, "1".to_owned());
    }
    if operation.body_required {
        call.body(Ok::<_, Error>(body));
    }
    call.send_unit().await
}

/// A harmless value for each path parameter.
fn arguments(operation: &Operation) -> Vec<String> {
    let parameters = operation.segments.iter();
    parameters
        .filter(|segment| matches!(segment, Segment::Parameter { .. }))
        .map(|_| "one".to_owned())
        .collect()
}

// ---- Retries

/// Ways to fail, and how many of three attempts each class makes then: safe or idempotent, never.
const FAILURES: [(&str, [usize; 2]); 4] = [
    ("a reset", [3, 1]),
    ("500", [3, 1]),
    ("429 with Retry-After", [3, 3]),
    ("400", [1, 1]),
];

fn failure(name: &str) -> Answer {
    match name {
        "a reset" => Answer::empty(200).hanging_up().then_reset(),
        "500" => Answer::empty(500).keeping_alive(),
        "429 with Retry-After" => {
            let refusal = Answer::empty(429).with_header("retry-after-ms", "1");
            refusal.keeping_alive()
        }
        _ => Answer::empty(400).keeping_alive(),
    }
}

fn patched() -> Patched {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    patch(&Sources::read(root).unwrap()).unwrap()
}

/// How many requests arrive, by the ways to fail.
struct Trial(Vec<(Server, Client)>);

impl Trial {
    fn new() -> Self {
        let servers = FAILURES.map(|(name, _)| Server::answering(failure(name)));
        let with_client = |server: Server| {
            let client = client(&server.url("/v1"), 3);
            (server, client)
        };
        Self(servers.map(with_client).into())
    }

    /// Sends an operation to every server, and compares what arrives with what its class promises.
    async fn check(&self, operation: &'static Operation, body: &Value, never: bool) {
        for ((server, client), (failure, expected)) in self.0.iter().zip(FAILURES) {
            let sent = send(client, operation, arguments(operation), body.clone()).await;
            let error = sent.unwrap_err();
            assert!(!error.is_invalid_request(), "{error}");
            let arrived = server.take();
            let expected = expected[usize::from(never)];
            assert_eq!(arrived.len(), expected, "{} after {failure}", operation.id);
            assert_eq!(error.attempts() as usize, expected, "{error}");
            let content = |request: &Request| {
                let Request {
                    method,
                    target,
                    headers,
                    body,
                    ..
                } = request.clone();
                (method, target, headers, body)
            };
            let first = content(&arrived[0]);
            assert!(arrived.iter().all(|request| content(request) == first));
            // The storm would use up what is left for the other operations.
            (0..500).for_each(|_| client.budget().success());
        }
    }
}

#[tokio::test]
async fn every_operation_is_repeated_as_the_ledger_says() {
    let (patched, trial) = (patched(), Trial::new());
    for (key, entry) in patched.manifest.iter() {
        let Some(operation) = ALL.iter().find(|operation| operation.id == entry.id) else {
            let off = !cfg!(all(feature = "admin", feature = "gateway"));
            assert!(off, "{key} is not generated");
            continue;
        };
        trial
            .check(
                operation,
                &body(),
                entry.retry == manifest::Idempotency::NonIdempotent,
            )
            .await;
    }
}

#[tokio::test]
async fn a_trigger_in_the_body_is_not_repeated() {
    let trial = Trial::new();
    let mut triggers = 0;
    for operation in ALL {
        for trigger in operation.non_idempotent_fields {
            triggers += 1;
            assert_ne!(
                operation.idempotency,
                Idempotency::NonIdempotent,
                "{}",
                operation.id
            );
            for (value, pulled) in [
                (json!(true), true),
                (json!(false), false),
                (Value::Null, false),
            ] {
                let mut body = body();
                body[*trigger] = value;
                trial.check(operation, &body, pulled).await;
            }
        }
    }
    assert!(triggers >= 4 || !cfg!(feature = "admin"), "{triggers}");
}

// ---- Paths

/// Values that would change the path, were they not encoded or refused.
fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "", ".", "..", "a/b", "../a", "%2e%2e", "a?b", "a#b", "a\\b", "\n", "a\r\nb", "\0", "ü",
        "日本", "\u{202e}", " ", "+", "@", ":",
    ]
    .map(str::to_owned)
    .into();
    values.push("x".repeat(4096));
    values
}

/// The paths that the service has not.
fn gone() -> BTreeSet<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = Rules::parse(&Sources::read(root).unwrap().paths).unwrap();
    let paths = rules
        .removals()
        .iter()
        .map(|rule| format!("/v1{}", rule.path()));
    paths.collect()
}

/// Whether it would name another place in the path, or none.
fn is_dots(value: &str) -> bool {
    ["", ".", ".."].contains(&value)
}

/// Every fixed segment at that place of any path with that method.
fn literals(method: &http::Method, index: usize) -> BTreeSet<&'static str> {
    let same = ALL.iter().filter(|operation| operation.method == *method);
    let literals = same.filter_map(|operation| match operation.segments.get(index) {
        Some(Segment::Literal(text)) => Some(*text),
        _ => None,
    });
    literals.collect()
}

/// The decoded segments with which a path must arrive.
fn expected(operation: &Operation, arguments: &[String]) -> Vec<String> {
    let version = match (operation.plane, operation.api_version) {
        (Plane::Public, _) => None,
        (_, ApiVersion::V1) => Some("v1"),
        (_, ApiVersion::V2) => Some("v2"),
    };
    let mut arguments = arguments.iter();
    let path = operation.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => (*text).to_owned(),
        Segment::Parameter { .. } => arguments.next().unwrap().clone(),
    });
    version.map(str::to_owned).into_iter().chain(path).collect()
}

/// What arrived, or should: the operation and its decoded segments.
type Arrival = (&'static str, Vec<String>);

/// Sends an operation once for each of its path parameters and each hostile value; gives what must
/// have arrived.
async fn attack(client: &Client, operation: &'static Operation) -> Vec<Arrival> {
    let mut sent = Vec::new();
    let places = operation.segments.iter().enumerate();
    let open = places.filter(|(_, segment)| matches!(segment, Segment::Parameter { .. }));
    for (argument, (index, _)) in open.enumerate() {
        let siblings = literals(&operation.method, index);
        let more = siblings.iter().map(|sibling| (*sibling).to_owned());
        for value in hostile().into_iter().chain(more) {
            let mut arguments = arguments(operation);
            arguments[argument].clone_from(&value);
            let expected = expected(operation, &arguments);
            let place = format!("{} {value:?}", operation.id);
            match send(client, operation, arguments, body()).await {
                Err(error) if error.is_invalid_request() => {
                    assert!(
                        error.to_string().contains("path argument `"),
                        "{place}: {error}"
                    );
                    assert!(
                        is_dots(&value) || siblings.contains(&*value),
                        "{place}: {error}"
                    );
                }
                Err(error) if error.status().is_none() => panic!("{place}: {error}"),
                _ => {
                    assert!(!is_dots(&value), "{place}");
                    sent.push((operation.id, expected));
                }
            }
        }
    }
    sent
}

#[tokio::test]
async fn every_argument_is_refused_or_arrives_as_one_segment_of_its_own_route() {
    let emulator = Emulator::start().await.unwrap();
    // A key that it does not know, so that nothing is created or deleted.
    let client = client(&emulator.base_url(), 1);
    let mut sent = Vec::new();
    for operation in ALL {
        sent.extend(attack(&client, operation).await);
    }
    let arrived = emulator.requests();
    assert_eq!(arrived.len(), sent.len());
    let gone = gone();
    for (request, (id, segments)) in arrived.iter().zip(&sent) {
        // What the service has not is nobody's route, also where an argument makes it.
        let expected = Some(*id).filter(|_| !gone.contains(request.path()));
        assert_eq!(request.operation.as_deref(), expected, "{}", request.target);
        assert_eq!(&request.segments, segments, "{}", request.target);
    }
}
