//! Speech as synthetic bytes, and transcriptions that describe the uploaded recording.

use serde_json::{Value, json};

use super::model_stub;
use crate::call::Call;
use crate::http::content::{Content, seed_from_str};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;

/// The size of the speech for one word.
const BYTES_PER_WORD: u64 = 1024;

/// Returns synthetic bytes derived from the input, with a size by its number of words. They are not
/// valid audio.
pub(super) fn create_speech(_: &State, call: &Call) -> HandlerResult {
    let input = call.body_str("input").unwrap_or_default();
    let words = model_stub::count_words(input).max(1) as u64;
    let content_type = match call.body_str("response_format") {
        Some("opus") => "audio/opus",
        Some("aac") => "audio/aac",
        Some("flac") => "audio/flac",
        Some("wav") => "audio/wav",
        Some("pcm") => "audio/pcm",
        _ => "audio/mpeg",
    };
    let content = Content::synthetic(words * BYTES_PER_WORD, seed_from_str(input));
    Ok(ResponseBody::Content(content_type, content))
}

/// Handles transcriptions and translations: the text is the size, content type and SHA-256 of the
/// recording.
pub(super) fn transcribe(_: &State, call: &Call) -> HandlerResult {
    let info = &call.form_file("file")?.info;
    let kind = info.content_type.as_deref().unwrap_or("unknown type");
    let text = format!("{} bytes of {kind}, {}", info.size, info.sha256);
    let text_response =
        |content_type, text: String| Ok(ResponseBody::bytes(content_type, text.into_bytes()));
    match call.body_str("response_format") {
        Some("text") => text_response("text/plain; charset=utf-8", format!("{text}\n")),
        Some("srt") => text_response(
            "application/x-subrip",
            format!("1\n00:00:00,000 --> 00:00:01,000\n{text}\n\n"),
        ),
        Some("vtt") => text_response(
            "text/vtt",
            format!("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n\n"),
        ),
        Some("verbose_json") => respond(verbose_json(call, &text)),
        _ => respond(json!({"text": text})),
    }
}

fn verbose_json(call: &Call, text: &str) -> Value {
    let task = match call.operation.as_str() {
        "create_translation" => "translate",
        _ => "transcribe",
    };
    json!({
        "task": task,
        "language": call.body_str("language").unwrap_or("english"),
        "duration": "1.0",
        "text": text,
        "segments": [{
            "id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": text, "tokens": [],
            "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0,
        }],
    })
}
