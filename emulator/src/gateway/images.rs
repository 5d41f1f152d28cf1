//! Images: a PNG of one pixel, as a link or in Base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::call::Call;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;

/// A PNG of one pixel.
const PIXEL_PNG: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b,
    0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x68, 0x00, 0x00, 0x00,
    0x82, 0x00, 0x81, 0xda, 0x45, 0x08, 0x3b, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
    0x42, 0x60, 0x82,
];

/// Handles creation, edits and variations.
pub(super) fn create(state: &State, call: &Call) -> HandlerResult {
    let count = call.body_value("n").as_u64().unwrap_or(1).clamp(1, 10);
    let as_base64 = call.body_str("response_format") == Some("b64_json");
    let image = |_| match as_base64 {
        true => json!({"b64_json": BASE64_STANDARD.encode(PIXEL_PNG)}),
        false => {
            let (organisation, id) = (&state.organisation.id, call.ids.uuid());
            json!({"url": format!("{}/emulator/{organisation}/images/{id}", call.origin)})
        }
    };
    let images: Vec<Value> = (0..count).map(image).collect();
    respond(json!({"created": call.now.timestamp(), "data": images}))
}

/// Serves the link of an image; all images are the same.
pub(super) fn serve(_: &State, _: &Call) -> HandlerResult {
    Ok(ResponseBody::bytes("image/png", PIXEL_PNG.to_vec()))
}
