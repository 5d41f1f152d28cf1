//! Property tests of [`crate::decode`] for every response in the OpenAPI document.
//!
//! Responses are generated from their schemas and altered in every way that was observed from the
//! service. Each must decode, each value must have the type of its schema, and encoding must return
//! everything. Generation depends only on a seed, which is printed on failure.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests may panic

mod samples;
mod schema;

use std::fmt::{self, Debug};

use fastrand::Rng;
use portkey_admin_codegen::{Patched, Sources, document, patch};
use portkey_admin_testing::canonical_json::{self, Conversions};
use serde::Serialize;
use serde_json::{Value, json};

use super::LenientDecode;
use samples::Samples;

/// Maps operation ids to response types; implemented by the generator.
pub(crate) struct Responses;

/// Decodes a response as the client does, and encodes it again. Its debug output must not contain a
/// secret.
pub(crate) fn round_trip<T: LenientDecode + Serialize + Debug>(
    body: &[u8],
) -> Result<Value, String> {
    let response: T = super::from_slice(body).map_err(|error| error.to_string())?;
    let printed = format!("{response:?}");
    assert!(!printed.contains(samples::SECRET), "{printed}");
    Ok(serde_json::to_value(response).expect("every response can be encoded"))
}

/// An operation whose types are generated.
struct Operation<'a> {
    id: &'a str,
    /// The schema of its JSON response.
    response: Option<&'a Value>,
}

fn patched() -> Patched {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    patch(&Sources::read(root).unwrap()).unwrap()
}

/// Returns every operation that is generated with the enabled features.
fn operations(patched: &Patched) -> Vec<Operation<'_>> {
    let all: Vec<_> = document::operations(&patched.document)
        .filter_map(|(path, method, operation)| {
            let entry = patched.manifest.get(method, path)?;
            Some(Operation {
                id: &entry.id,
                response: schema::of_response(&patched.document, operation),
            })
        })
        .collect();
    let total = all.len();
    let enabled: Vec<_> = all
        .into_iter()
        .filter(|operation| Responses::round_trip(operation.id, b"null").is_some())
        .collect();
    if cfg!(all(feature = "admin", feature = "gateway")) {
        assert_eq!(
            enabled.len(),
            total,
            "all features must enable every operation"
        );
    }
    enabled
}

/// One generated response. Prints the operation and the seed when the test panics.
struct TestCase<'a> {
    operation: &'a str,
    seed: u64,
}

impl fmt::Display for TestCase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation `{}`, seed {}", self.operation, self.seed)
    }
}

impl Drop for TestCase<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed for {self}");
        }
    }
}

/// Returns test cases with the seeds from 0 to `count`, the same in every run.
fn test_cases<'a>(operation: &'a Operation<'_>, count: u64) -> impl Iterator<Item = TestCase<'a>> {
    (0..count).map(|seed| TestCase {
        operation: operation.id,
        seed,
    })
}

#[test]
fn every_response_decodes_without_loss() {
    let patched = patched();
    let mut decoded = 0;
    for operation in operations(&patched) {
        let Some(schema) = operation.response else {
            assert_eq!(
                Responses::round_trip(operation.id, b""),
                Some(Ok(Value::Null))
            );
            continue;
        };
        for case in test_cases(&operation, 60) {
            let mut random = Rng::with_seed(case.seed);
            let sample = Samples::new(&patched.document, &mut random).response(schema);
            let body = sample.sent.to_string();
            let encoded = match Responses::round_trip(operation.id, body.as_bytes()) {
                Some(Ok(Value::Null)) => {
                    assert!(schema::is_free_form(&patched.document, schema), "{case}");
                    break;
                }
                Some(Ok(encoded)) => encoded,
                other => panic!("{other:?}: {body}"),
            };
            decoded += 1;
            if let Some(problem) =
                canonical_json::difference(&sample.expected, &encoded, Conversions::Refused)
            {
                panic!(
                    "{problem}\nsent:     {body}\nexpected: {}\nencoded:  {encoded}",
                    sample.expected
                );
            }
        }
    }
    assert!(decoded > 0 || !cfg!(feature = "admin"));
}

/// Asserts that a body that decodes is encoded without loss.
fn assert_lossless(operation: &Operation<'_>, body: &[u8]) {
    let Some(Ok(encoded)) = Responses::round_trip(operation.id, body) else {
        return;
    };
    if encoded.is_null() {
        return;
    }
    let sent = crate::json::parse_value(body).expect("a body that decodes is JSON");
    if let Some(problem) = canonical_json::difference(&sent, &encoded, Conversions::Allowed) {
        panic!("{problem}\nsent:    {sent}\nencoded: {encoded}");
    }
}

#[test]
fn arbitrary_json_never_panics() {
    let patched = patched();
    for operation in operations(&patched) {
        for case in test_cases(&operation, 40) {
            let mut random = Rng::with_seed(case.seed);
            let json = samples::arbitrary_json(&mut random, 6);
            assert_lossless(&operation, json.to_string().as_bytes());
        }
    }
}

/// Replaces values of valid responses with arbitrary JSON.
#[test]
fn known_fields_with_arbitrary_values_never_panic() {
    let patched = patched();
    for operation in operations(&patched) {
        let Some(schema) = operation.response else {
            continue;
        };
        for case in test_cases(&operation, 40) {
            let mut random = Rng::with_seed(case.seed);
            let mut sent = Samples::new(&patched.document, &mut random)
                .response(schema)
                .sent;
            for _ in 0..4 {
                samples::replace_random_value(&mut random, &mut sent);
            }
            assert_lossless(&operation, sent.to_string().as_bytes());
        }
    }
}

#[test]
fn truncated_and_corrupted_bodies_never_panic() {
    let patched = patched();
    for operation in operations(&patched) {
        let Some(schema) = operation.response else {
            continue;
        };
        for case in test_cases(&operation, 10) {
            let mut random = Rng::with_seed(case.seed);
            let sent = Samples::new(&patched.document, &mut random)
                .response(schema)
                .sent;
            let body = sent.to_string().into_bytes();
            let cut = random.usize(..body.len());
            let outcome = Responses::round_trip(operation.id, &body[..cut]);
            let ignores_body = schema::is_free_form(&patched.document, schema);
            assert!(
                ignores_body || outcome.is_some_and(|outcome| outcome.is_err()),
                "{case}: truncated at {cut}"
            );
            let mut changed = body;
            for _ in 0..4 {
                let index = random.usize(..changed.len());
                changed[index] = random.u8(..);
            }
            assert_lossless(&operation, &changed);
        }
    }
}

#[test]
fn deep_nesting_never_overflows_the_stack() {
    let patched = patched();
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    };
    for operation in operations(&patched) {
        for (open, close) in [("[", "]"), (r#"{"data":"#, "}"), (r#"{"data":["#, "]}")] {
            for depth in [127, 128] {
                assert_lossless(&operation, nested(open, close, depth).as_bytes());
            }
            // Not compared, which would take most of the time of all tests.
            let _ = Responses::round_trip(operation.id, nested(open, close, 5000).as_bytes());
        }
    }
}

/// Guards the comparison on which the tests above depend.
#[test]
fn the_comparison_detects_every_loss() {
    for (sent, encoded) in [
        (json!({"a": 1}), json!({})),
        (json!({"a": [{"b": 1}]}), json!({"a": [{}]})),
        (json!({"a": "x"}), json!({"a": "y"})),
        (
            json!({"a": 9_007_199_254_740_993_i64}),
            json!({"a": 9_007_199_254_740_992.0}),
        ),
        (
            json!({"a": "2026-01-02T03:04:05Z"}),
            json!({"a": "2026-01-02T03:04:06Z"}),
        ),
        (json!({"a": 0}), json!({"a": true})),
        (json!({"a": [1, null]}), json!({"a": [1]})),
        (json!({}), json!({"a": 1})),
    ] {
        for conversions in [Conversions::Allowed, Conversions::Refused] {
            assert!(
                canonical_json::difference(&sent, &encoded, conversions).is_some(),
                "{sent} {encoded}"
            );
        }
    }
    for (sent, encoded) in [
        (json!({"a": 1}), json!({"a": true})),
        (json!({"a": "12"}), json!({"a": 12})),
        (json!({"a": "text"}), json!({"a": "[redacted]"})),
    ] {
        assert!(canonical_json::difference(&sent, &encoded, Conversions::Refused).is_some());
        assert_eq!(
            canonical_json::difference(&sent, &encoded, Conversions::Allowed),
            None
        );
    }
}
