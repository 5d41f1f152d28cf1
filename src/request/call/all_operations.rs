//! Sends every operation of the OpenAPI document, to test its retries, its constraints and the
//! encoding of its path arguments.
//!
//! The tests build the calls like the generated methods do, so that no operation is omitted.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod bodies;

use std::{borrow::Cow, collections::BTreeSet};

use portkey_admin_codegen::{Sources, manifest, paths::Rules};
use portkey_admin_constraints::{Part as RequestPart, Rule, check, samples::samples};
use portkey_admin_emulator::Emulator;
use portkey_admin_testing::server::{Request, ScriptedResponse, Server};
use serde_json::{Value, json};

use super::{Call, encode_json};
use crate::{
    Client, Error, RequestOptions, RetryPolicy,
    decode::round_trip_tests::PATCHED,
    operation::{ApiVersion, Idempotency, Operation, Part, Plane, Segment},
    operations::ALL,
};
use bodies::Bodies;

fn client(base: &str, attempts: u32) -> Client {
    let policy = RetryPolicy::default().max_attempts(attempts);
    let policy = policy.backoff(std::time::Duration::ZERO, std::time::Duration::ZERO);
    let origin = base.trim_end_matches("/v1");
    Client::builder()
        .api_key("key")
        .base_url(base)
        .public_base_url(origin)
        .mcp_base_url(format!("{origin}/mcp/v0.1"))
        .prices_base_url(format!("{origin}/prices"))
        .options(RequestOptions::new().retry(policy))
        .build()
        .unwrap()
}

/// Sends an operation with its required parameters and ignores the body of the response.
async fn send(
    client: &Client,
    operation: &'static Operation,
    arguments: Vec<String>,
    body: Value,
) -> Result<(), Error> {
    let mut call = Call::new(client, operation, arguments);
    for name in operation.required {
        call.parameters.query(name, "1".to_owned());
    }
    if operation.body_required {
        call.body(encode_json(&body));
    }
    call.execute().await.map(drop)
}

/// Returns a valid value for each path parameter.
fn arguments(operation: &Operation) -> Vec<String> {
    let names = operation.segments.iter().flat_map(Segment::parameter_names);
    let value = |name| allowed_value(operation, name).unwrap_or("one");
    names.map(|name| value(name).to_owned()).collect()
}

/// Returns the last value of a path parameter with a closed list of values; those of
/// `create_api_key` may be combined.
fn allowed_value(operation: &Operation, name: &str) -> Option<&'static str> {
    let mut constraints = operation.constraints.iter();
    constraints.find_map(|constraint| match &constraint.rule {
        Rule::OneOf { values, .. }
            if constraint.part == RequestPart::Path && constraint.path == name =>
        {
            values.iter().rev().find_map(|value| match value {
                Cow::Borrowed(value) => Some(*value),
                Cow::Owned(_) => None,
            })
        }
        _ => None,
    })
}

// ---- Retries

/// Failures, and how many of three attempts follow for idempotent and for non-idempotent
/// operations.
const FAILURES: [(&str, [usize; 2]); 4] = [
    ("reset", [3, 1]),
    ("500", [3, 1]),
    ("429 with Retry-After", [3, 3]),
    ("400", [1, 1]),
];

fn failure(name: &str) -> ScriptedResponse {
    match name {
        "reset" => ScriptedResponse::empty(200).sending_nothing().then_reset(),
        "500" => ScriptedResponse::empty(500).keep_alive(),
        "429 with Retry-After" => {
            let response = ScriptedResponse::empty(429).with_header("retry-after-ms", "1");
            response.keep_alive()
        }
        _ => ScriptedResponse::empty(400).keep_alive(),
    }
}

/// A server and a client for each of the failures.
struct FailingServers(Vec<(Server, Client)>);

impl FailingServers {
    fn new() -> Self {
        let servers = FAILURES.map(|(name, _)| Server::with_response(failure(name)));
        let with_client = |server: Server| {
            let client = client(&server.url("/v1"), 3);
            (server, client)
        };
        Self(servers.map(with_client).into())
    }

    /// Sends an operation to every server and asserts the number of attempts.
    async fn assert_attempts(
        &self,
        operation: &'static Operation,
        body: &Value,
        is_non_idempotent: bool,
    ) {
        for ((server, client), (failure, expected)) in self.0.iter().zip(FAILURES) {
            let result = send(client, operation, arguments(operation), body.clone()).await;
            let error = result.unwrap_err();
            assert!(!error.is_invalid_request(), "{error}");
            let requests = server.take_requests();
            let expected = expected[usize::from(is_non_idempotent)];
            assert_eq!(requests.len(), expected, "{} after {failure}", operation.id);
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
            let first = content(&requests[0]);
            assert!(requests.iter().all(|request| content(request) == first));
            // Refills the retry budget for the other operations.
            (0..500).for_each(|_| client.budget().record_success());
        }
    }
}

#[tokio::test]
async fn every_operation_is_retried_according_to_the_manifest() {
    let servers = FailingServers::new();
    let bodies = Bodies::new(&PATCHED);
    for (key, entry) in PATCHED.manifest.iter() {
        let Some(operation) = ALL.iter().find(|operation| operation.id == entry.id) else {
            let is_partial = !cfg!(all(feature = "admin", feature = "gateway"));
            assert!(is_partial, "{key} is not generated");
            continue;
        };
        servers
            .assert_attempts(
                operation,
                &bodies.valid(operation, &arguments(operation)),
                entry.retry == manifest::Idempotency::NonIdempotent,
            )
            .await;
    }
}

#[tokio::test]
async fn body_with_a_non_idempotent_field_is_not_retried() {
    let servers = FailingServers::new();
    let bodies = Bodies::new(&PATCHED);
    let mut fields = 0;
    for operation in ALL {
        for field in operation.non_idempotent_fields {
            fields += 1;
            assert_ne!(
                operation.idempotency,
                Idempotency::NonIdempotent,
                "{}",
                operation.id
            );
            for (value, is_non_idempotent) in [
                (json!(true), true),
                (json!(false), false),
                (Value::Null, false),
            ] {
                let mut body = bodies.valid(operation, &arguments(operation));
                body[*field] = value;
                servers
                    .assert_attempts(operation, &body, is_non_idempotent)
                    .await;
            }
        }
    }
    assert!(fields >= 4 || !cfg!(feature = "admin"), "{fields}");
}

// ---- Constraints

/// Returns the path parameters of a request `{path, query, body}`, or valid values.
fn sample_arguments(operation: &Operation, request: &Value) -> Vec<String> {
    let names = operation.segments.iter().flat_map(Segment::parameter_names);
    let arguments = names.zip(arguments(operation)).map(|(name, valid)| {
        let value = request["path"][name].as_str();
        value.map_or(valid, str::to_owned)
    });
    arguments.collect()
}

/// Sends a request `{path, query, body}`.
async fn send_sample(
    client: &Client,
    operation: &'static Operation,
    request: &Value,
) -> Result<(), Error> {
    let mut call = Call::new(client, operation, sample_arguments(operation, request));
    for name in operation.required {
        call.parameters.query(name, "1".to_owned());
    }
    for (name, value) in request["query"].as_object().unwrap() {
        let name: &'static str = name.clone().leak();
        match value.as_i64() {
            Some(number) => call.parameters.query(name, number),
            None => call
                .parameters
                .query(name, value.as_str().unwrap().to_owned()),
        }
    }
    if operation.body_required || request["body"] != json!({}) {
        call.body(encode_json(&request["body"]));
    }
    call.execute().await.map(drop)
}

#[tokio::test]
async fn every_constraint_is_checked_before_a_request_is_sent() {
    let server = Server::with_response(ScriptedResponse::json(200, "{}").keep_alive());
    let client = client(&server.url("/v1"), 1);
    let mut tested = 0;
    for operation in ALL {
        for constraint in operation.constraints {
            tested += 1;
            let context = format!("{}: {constraint:?}", operation.id);
            let samples = samples(constraint);
            assert!(!samples.accepted.is_empty() && !samples.refused.is_empty());
            for request in samples.refused {
                let violation = check(operation.constraints, &request).expect_err(&context);
                let error = send_sample(&client, operation, &request).await;
                let error = error.expect_err(&context);
                assert!(error.is_invalid_request(), "{context}: {error}");
                assert_eq!(error.operation(), Some(operation.id));
                assert!(
                    error.to_string().contains(&violation.to_string()),
                    "{context}: {error}"
                );
                assert_eq!(server.take_requests().len(), 0, "{context}: {request}");
            }
            for request in samples.accepted {
                // The request may lack what other rules require.
                let is_valid = check(operation.constraints, &request).is_ok()
                    && operation.validate.is_none_or(|validate| {
                        let arguments = sample_arguments(operation, &request);
                        validate(&arguments, &request["body"]).is_ok()
                    });
                let result = send_sample(&client, operation, &request).await;
                let sent = usize::from(is_valid);
                assert_eq!(
                    server.take_requests().len(),
                    sent,
                    "{context}: {request} {result:?}"
                );
            }
        }
    }
    assert!(tested >= 200 || !cfg!(feature = "admin"), "{tested}");
}

// ---- Paths

/// Values that would change the path if they were not encoded or rejected.
fn malicious_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "", ".", "..", "a/b", "../a", "%2e%2e", "a?b", "a#b", "a\\b", "\n", "a\r\nb", "\0", "ü",
        "日本", "\u{202e}", " ", "+", "@", ":",
    ]
    .map(str::to_owned)
    .into();
    values.push("x".repeat(4096));
    values
}

/// Returns the documented paths that the service does not have.
fn removed_paths() -> BTreeSet<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = Rules::parse(&Sources::read(root).unwrap().paths).unwrap();
    let paths = rules
        .removals()
        .iter()
        .map(|rule| format!("/v1{}", rule.path()));
    paths.collect()
}

/// Returns `true` if a segment would be dropped or resolved by URL parsing.
fn is_empty_or_dots(value: &str) -> bool {
    ["", ".", ".."].contains(&value)
}

/// Returns every literal segment at `index` of the paths with this method.
fn literals(method: &http::Method, index: usize) -> BTreeSet<&'static str> {
    let same = ALL.iter().filter(|operation| operation.method == *method);
    let literals = same.filter_map(|operation| match operation.segments.get(index) {
        Some(Segment::Literal(literal)) => Some(*literal),
        _ => None,
    });
    literals.collect()
}

/// Returns the decoded segments that the server must receive.
fn expected_segments(operation: &Operation, arguments: &[String]) -> Vec<String> {
    let base: &[&str] = match (operation.plane, operation.api_version) {
        (Plane::Public, _) => &[],
        (Plane::Mcp, _) => &["mcp", "v0.1"],
        (Plane::Prices, _) => &["prices"],
        (_, ApiVersion::V1) => &["v1"],
        (_, ApiVersion::V2) => &["v2"],
    };
    let mut arguments = arguments.iter();
    let path = operation.segments.iter().map(|segment| match segment {
        Segment::Literal(literal) => (*literal).to_owned(),
        Segment::Parameter { .. } => arguments.next().unwrap().clone(),
        Segment::Template { parts, .. } => {
            let texts = parts.iter().map(|part| match part {
                Part::Literal(literal) => (*literal).to_owned(),
                Part::Parameter(_) => arguments.next().unwrap().clone(),
            });
            texts.collect()
        }
    });
    let base = base.iter().copied().map(str::to_owned);
    base.chain(path).collect()
}

/// The id of an operation and the decoded segments of its request.
type SentRequest = (&'static str, Vec<String>);

/// Sends an operation once for each of its path parameters and each malicious value; returns the
/// requests that the server must receive.
async fn send_malicious_values(
    client: &Client,
    operation: &'static Operation,
    bodies: &Bodies<'_>,
) -> Vec<SentRequest> {
    let body = bodies.valid(operation, &arguments(operation));
    let mut sent = Vec::new();
    let segments = operation.segments.iter().enumerate();
    let parameters =
        segments.flat_map(|(index, segment)| std::iter::repeat_n(index, segment.parameter_count()));
    for (argument, index) in parameters.enumerate() {
        let reserved = literals(&operation.method, index);
        let reserved_values = reserved.iter().map(|value| (*value).to_owned());
        for value in malicious_values().into_iter().chain(reserved_values) {
            let mut arguments = arguments(operation);
            arguments[argument].clone_from(&value);
            let expected = expected_segments(operation, &arguments);
            let context = format!("{} {value:?}", operation.id);
            match send(client, operation, arguments, body.clone()).await {
                Err(error) if error.is_invalid_request() => {
                    assert!(
                        error.to_string().contains("path argument `"),
                        "{context}: {error}"
                    );
                    assert!(
                        is_empty_or_dots(&value)
                            || reserved.contains(&*value)
                            || error.to_string().contains("must be one of"),
                        "{context}: {error}"
                    );
                }
                Err(error) if error.status().is_none() => panic!("{context}: {error}"),
                _ => {
                    assert!(!value.is_empty(), "{context}");
                    let mut segments = expected.iter();
                    assert!(
                        !segments.any(|segment| is_empty_or_dots(segment)),
                        "{context}"
                    );
                    sent.push((operation.id, expected));
                }
            }
        }
    }
    sent
}

#[tokio::test]
async fn every_path_argument_is_rejected_or_sent_as_one_segment_of_its_own_route() {
    let emulator = Emulator::start().await.unwrap();
    // The emulator does not know the key, so nothing is created or deleted.
    let client = client(&emulator.base_url(), 1);
    let bodies = Bodies::new(&PATCHED);
    let mut sent = Vec::new();
    for operation in ALL {
        sent.extend(send_malicious_values(&client, operation, &bodies).await);
    }
    let requests = emulator.requests();
    assert_eq!(requests.len(), sent.len());
    let removed = removed_paths();
    for (request, (id, segments)) in requests.iter().zip(&sent) {
        // A removed path has no route, even if an argument completes it.
        let expected = Some(*id).filter(|_| !removed.contains(request.path()));
        assert_eq!(request.operation.as_deref(), expected, "{}", request.target);
        assert_eq!(&request.segments, segments, "{}", request.target);
    }
}
