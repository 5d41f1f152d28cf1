//! Embeddings: unit vectors that depend only on the text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::model_stub;
use super::requests::log_request;
use crate::call::Call;
use crate::error::ApiError;
use crate::http::content::{Content, seed_from_str};
use crate::response::{HandlerResult, respond};
use crate::state::State;

/// The default and the maximum number of dimensions.
const DEFAULT_DIMENSIONS: u64 = 16;
const MAX_DIMENSIONS: u64 = 3072;

/// The maximum number of components in one response.
const MAX_NUMBERS: u64 = 1_000_000;

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    embed(state, call, &call.body)
}

pub(super) fn embed(state: &mut State, call: &Call, request: &Value) -> HandlerResult {
    let inputs = inputs(&request["input"]);
    let dimensions = request["dimensions"].as_u64().unwrap_or(DEFAULT_DIMENSIONS);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        let reason = format!("must be from 1 to {MAX_DIMENSIONS}");
        return Err(ApiError::invalid_field("dimensions", &reason));
    }
    if inputs.len() as u64 * dimensions > MAX_NUMBERS {
        let reason = format!("exceeds the limit of {MAX_NUMBERS} components in all vectors");
        return Err(ApiError::invalid_field("input", &reason));
    }
    let as_base64 = request["encoding_format"] == "base64";
    let vectors = inputs.iter().enumerate().map(|(index, input)| {
        let vector = vector(input, dimensions);
        let vector = if as_base64 {
            to_base64(&vector)
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": vector})
    });
    let vectors: Vec<Value> = vectors.collect();
    let tokens: usize = inputs
        .iter()
        .map(|input| model_stub::count_words(input))
        .sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let model = &request["model"];
    log_request(
        state,
        call,
        request,
        &json!({"model": model, "usage": usage}),
    )?;
    respond(json!({
        "object": "list", "data": vectors, "model": model, "usage": usage,
    }))
}

/// Returns the inputs as strings; arrays of tokens are formatted as JSON.
fn inputs(input: &Value) -> Vec<String> {
    match input {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.iter().all(Value::is_number) => vec![input.to_string()],
        Value::Array(items) => {
            let string = |item: &Value| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            };
            items.iter().map(string).collect()
        }
        other => vec![other.to_string()],
    }
}

fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let bytes = Content::synthetic(dimensions * 2, seed_from_str(text));
    let bytes = bytes.read(0, usize::try_from(dimensions * 2).unwrap_or(usize::MAX));
    let pairs = bytes.as_chunks::<2>().0;
    // Never zero, so that the vector can be normalised.
    let numbers: Vec<f32> = pairs
        .iter()
        .map(|pair| f32::from(i16::from_le_bytes(*pair)) + 0.5)
        .collect();
    let length = numbers
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    numbers.iter().map(|number| number / length).collect()
}

/// Encodes the components in little-endian order as Base64.
fn to_base64(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    BASE64_STANDARD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::vector;

    #[test]
    fn a_vector_has_length_one_and_depends_on_the_text() {
        let one = vector("one", 100);
        let length: f32 = one.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
        assert_eq!(one, vector("one", 100));
        assert_ne!(one, vector("two", 100));
    }
}
