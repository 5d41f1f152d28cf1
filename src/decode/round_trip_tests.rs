//! Property tests of [`crate::decode`] for every response in the OpenAPI document.
//!
//! Responses are generated from their schemas and altered in every way that was observed from the
//! service. Each must decode, each value must have the type of its schema, and encoding must return
//! everything.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests may panic

mod samples;
mod schema;

use std::{
    cell::Cell,
    fmt::{self, Debug},
    sync::LazyLock,
};

use portkey_admin_codegen::{Patched, Sources, document, patch};
use portkey_admin_testing::{
    canonical_json::{self, Conversions},
    property,
};
use proptest::{
    array::uniform4,
    prelude::*,
    sample::Index,
    test_runner::{TestCaseError, TestCaseResult},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::LenientDecode;
use samples::Sample;

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

/// The patched OpenAPI document and the manifest.
pub(crate) static PATCHED: LazyLock<Patched> = LazyLock::new(|| {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    patch(&Sources::read(root).unwrap()).unwrap()
});

/// An operation whose types are generated.
struct Operation {
    id: &'static str,
    /// The schema of its JSON response.
    response: Option<&'static Value>,
}

/// Returns every operation that is generated with the enabled features.
fn operations() -> Vec<Operation> {
    let all: Vec<_> = document::operations(&PATCHED.document)
        .filter_map(|(path, method, operation)| {
            let entry = PATCHED.manifest.get(method, path)?;
            Some(Operation {
                id: &entry.id,
                response: schema::of_response(&PATCHED.document, operation),
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

impl Operation {
    /// Generates responses, if the operation has one.
    fn samples(&self) -> Option<impl Strategy<Value = Sample> + use<>> {
        self.response
            .map(|schema| samples::response(&PATCHED.document, schema))
    }

    /// Whether the response is decoded without regard to its content.
    fn ignores_body(&self) -> bool {
        self.response
            .is_some_and(|schema| schema::is_free_form(&PATCHED.document, schema))
    }
}

#[test]
fn every_response_decodes_without_loss() {
    let decoded = Cell::new(0);
    for operation in operations() {
        let Some(samples) = operation.samples() else {
            assert_eq!(
                Responses::round_trip(operation.id, b""),
                Some(Ok(Value::Null))
            );
            continue;
        };
        property::check(operation.id, 60, &samples, |sample| {
            let body = sample.sent.to_string();
            match Responses::round_trip(operation.id, body.as_bytes()) {
                Some(Ok(Value::Null)) => prop_assert!(operation.ignores_body()),
                Some(Ok(encoded)) => {
                    decoded.set(decoded.get() + 1);
                    assert_equal(&sample.expected, &encoded, Conversions::Refused)?;
                }
                Some(Err(error)) => return Err(TestCaseError::fail(error)),
                None => unreachable!("the operation is enabled"),
            }
            Ok(())
        });
    }
    assert!(decoded.get() > 0 || !cfg!(feature = "admin"));
}

fn assert_equal(expected: &Value, encoded: &Value, conversions: Conversions) -> TestCaseResult {
    match canonical_json::difference(expected, encoded, conversions) {
        Some(problem) => Err(TestCaseError::fail(format!("{problem}, in {encoded}"))),
        None => Ok(()),
    }
}

/// A response body. Its debug output is readable.
struct Body(Vec<u8>);

impl Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl From<Value> for Body {
    fn from(json: Value) -> Self {
        Self(json.to_string().into_bytes())
    }
}

/// Asserts that a body that decodes is encoded without loss.
fn assert_lossless(operation: &Operation, body: &[u8]) -> TestCaseResult {
    let Some(Ok(encoded)) = Responses::round_trip(operation.id, body) else {
        return Ok(());
    };
    if encoded.is_null() {
        return Ok(());
    }
    let sent = crate::json::parse_value(body).expect("a body that decodes is JSON");
    assert_equal(&sent, &encoded, Conversions::Allowed)
}

#[test]
fn arbitrary_json_never_panics() {
    let bodies = prop_oneof![samples::arbitrary_json(6), samples::arbitrary_object(6)];
    let bodies = bodies.prop_map(Body::from);
    for operation in operations() {
        property::check(operation.id, 40, &bodies, |body| {
            assert_lossless(&operation, &body.0)
        });
    }
}

/// Replaces values of valid responses with arbitrary JSON.
#[test]
fn known_fields_with_arbitrary_values_never_panic() {
    for operation in operations() {
        let Some(samples) = operation.samples() else {
            continue;
        };
        let replacements = uniform4(samples::replacement());
        let bodies = (samples, replacements).prop_map(|(sample, replacements)| {
            let mut body = sample.sent;
            for replacement in replacements {
                replacement.apply(&mut body);
            }
            Body::from(body)
        });
        property::check(operation.id, 40, &bodies, |body| {
            assert_lossless(&operation, &body.0)
        });
    }
}

#[test]
fn truncated_bodies_are_errors() {
    for operation in operations() {
        let Some(samples) = operation.samples() else {
            continue;
        };
        let bodies = (samples, any::<Index>()).prop_map(|(sample, cut)| {
            let mut body = Body::from(sample.sent);
            body.0.truncate(cut.index(body.0.len()));
            body
        });
        property::check(operation.id, 10, &bodies, |body| {
            let outcome = Responses::round_trip(operation.id, &body.0);
            prop_assert!(
                operation.ignores_body() || outcome.is_some_and(|outcome| outcome.is_err())
            );
            Ok(())
        });
    }
}

#[test]
fn corrupted_bodies_never_panic() {
    for operation in operations() {
        let Some(samples) = operation.samples() else {
            continue;
        };
        let changes = uniform4(any::<(Index, u8)>());
        let bodies = (samples, changes).prop_map(|(sample, changes)| {
            let mut body = Body::from(sample.sent);
            for (index, byte) in changes {
                let index = index.index(body.0.len());
                body.0[index] = byte;
            }
            body
        });
        property::check(operation.id, 10, &bodies, |body| {
            assert_lossless(&operation, &body.0)
        });
    }
}

#[test]
fn deep_nesting_never_overflows_the_stack() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    };
    for operation in operations() {
        for (open, close) in [("[", "]"), (r#"{"data":"#, "}"), (r#"{"data":["#, "]}")] {
            for depth in [127, 128] {
                assert_lossless(&operation, nested(open, close, depth).as_bytes()).unwrap();
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
