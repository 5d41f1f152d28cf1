//! The promise of [`crate::decode`], held against every answer that the document describes.
//!
//! Responses are made up from their schemas and damaged in every way that the service was seen to
//! damage them; each must decode, each value must have become what its schema says, and encoding
//! must give everything back. What is made up depends on a seed only, which a failure states.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod canonical_json;
mod random;
mod samples;
mod schema;

use std::fmt;

use portkey_admin_codegen::{Patched, Sources, document, patch};
use serde::Serialize;
use serde_json::{Value, json};

use super::LenientDecode;
use canonical_json::Conversions;
use random::Random;
use samples::Samples;

/// The way from the id of an operation to the type of its answer, which the generator writes.
pub(crate) struct Responses;

/// Decodes a whole answer as the client does, and encodes it again.
pub(crate) fn round_trip<T: LenientDecode + Serialize>(body: &[u8]) -> Result<Value, String> {
    let answer: T = super::from_slice(body).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(answer).expect("every answer can be encoded"))
}

/// An operation of the document whose types are generated.
struct Operation<'a> {
    id: &'a str,
    /// The schema of its JSON answer.
    answer: Option<&'a Value>,
}

fn patched() -> Patched {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    patch(&Sources::read(root).unwrap()).unwrap()
}

/// Every operation that is generated with the features that are on.
fn operations(patched: &Patched) -> Vec<Operation<'_>> {
    let all: Vec<_> = document::operations(&patched.document)
        .filter_map(|(path, method, operation)| {
            let entry = patched.manifest.get(method, path)?;
            Some(Operation {
                id: &entry.id,
                answer: schema::of_answer(&patched.document, operation),
            })
        })
        .collect();
    let total = all.len();
    let current: Vec<_> = all
        .into_iter()
        .filter(|operation| Responses::round_trip(operation.id, b"null").is_some())
        .collect();
    if cfg!(all(feature = "admin", feature = "gateway")) {
        assert_eq!(
            current.len(),
            total,
            "with every feature on, nothing is left out"
        );
    }
    current
}

/// Says what was being decoded when a test fails, be it by an assertion or by a panic of ours.
struct Trial<'a> {
    operation: &'a str,
    seed: u64,
}

impl fmt::Display for Trial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation `{}`, seed {}", self.operation, self.seed)
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed at {self}");
        }
    }
}

/// Each operation with that many seeds, the same ones in every run.
fn trials<'a>(operation: &'a Operation<'_>, count: u64) -> impl Iterator<Item = Trial<'a>> {
    (0..count).map(|seed| Trial {
        operation: operation.id,
        seed,
    })
}

#[test]
fn every_answer_decodes_and_nothing_is_lost() {
    let patched = patched();
    let mut structured = 0;
    for operation in operations(&patched) {
        let Some(schema) = operation.answer else {
            assert_eq!(
                Responses::round_trip(operation.id, b""),
                Some(Ok(Value::Null))
            );
            continue;
        };
        for trial in trials(&operation, 60) {
            let mut random = Random::new(trial.seed);
            let sample = Samples::new(&patched.document, &mut random).answer(schema);
            let body = sample.sent.to_string();
            let encoded = match Responses::round_trip(operation.id, body.as_bytes()) {
                Some(Ok(Value::Null)) => {
                    assert!(schema::says_nothing(&patched.document, schema), "{trial}");
                    break;
                }
                Some(Ok(encoded)) => encoded,
                other => panic!("{other:?}: {body}"),
            };
            structured += 1;
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
    assert!(structured > 0 || !cfg!(feature = "admin"));
}

/// What decodes at all must come back, whatever it is.
fn check_any(operation: &Operation<'_>, body: &[u8]) {
    let Some(Ok(encoded)) = Responses::round_trip(operation.id, body) else {
        return;
    };
    if encoded.is_null() {
        return;
    }
    let sent: Value = serde_json::from_slice(body).expect("what decodes is JSON");
    if let Some(problem) = canonical_json::difference(&sent, &encoded, Conversions::Allowed) {
        panic!("{problem}\nsent:    {sent}\nencoded: {encoded}");
    }
}

#[test]
fn arbitrary_json_never_panics() {
    let patched = patched();
    for operation in operations(&patched) {
        for trial in trials(&operation, 40) {
            let mut random = Random::new(trial.seed);
            let tree = samples::tree(&mut random, 6);
            check_any(&operation, tree.to_string().as_bytes());
        }
    }
}

/// Schemas with their values shuffled: right names, wrong kinds.
#[test]
fn right_names_with_wrong_values_never_panic() {
    let patched = patched();
    for operation in operations(&patched) {
        let Some(schema) = operation.answer else {
            continue;
        };
        for trial in trials(&operation, 40) {
            let mut random = Random::new(trial.seed);
            let mut sent = Samples::new(&patched.document, &mut random)
                .answer(schema)
                .sent;
            for _ in 0..4 {
                samples::spoil(&mut random, &mut sent);
            }
            check_any(&operation, sent.to_string().as_bytes());
        }
    }
}

#[test]
fn broken_texts_never_panic() {
    let patched = patched();
    for operation in operations(&patched) {
        let Some(schema) = operation.answer else {
            continue;
        };
        for trial in trials(&operation, 10) {
            let mut random = Random::new(trial.seed);
            let sent = Samples::new(&patched.document, &mut random)
                .answer(schema)
                .sent;
            let text = sent.to_string().into_bytes();
            let cut = random.below(text.len());
            let whole = Responses::round_trip(operation.id, &text[..cut]);
            let carries = schema::says_nothing(&patched.document, schema);
            assert!(
                carries || whole.is_some_and(|whole| whole.is_err()),
                "{trial}: cut at {cut}"
            );
            let mut changed = text;
            for _ in 0..4 {
                let at = random.below(changed.len());
                changed[at] = random.next() as u8;
            }
            check_any(&operation, &changed);
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_never_overflows() {
    let patched = patched();
    let deep = |open: &str, close: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    };
    for operation in operations(&patched) {
        for depth in [100, 127, 128, 5000] {
            for (open, close) in [("[", "]"), (r#"{"data":"#, "}"), (r#"{"data":["#, "]}")] {
                check_any(&operation, deep(open, close, depth).as_bytes());
            }
        }
    }
}

/// The tests above are worth no more than the comparison that they share.
#[test]
fn the_comparison_notices_what_is_lost() {
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
