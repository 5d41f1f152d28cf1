//! Speech, which is noise of the right kind, and recordings, of which only the checksum is understood.

use serde_json::{Value, json};

use super::content::{Content, seed_of};
use super::voice;
use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::rooms::State;

/// How many bytes a word takes to be spoken.
const WORD: u64 = 1024;

/// Reads a text aloud: so many bytes for each word, which the text decides. They are not audio.
pub(super) fn speak(_: &State, call: &Call) -> Answer {
    let input = call.text("input").unwrap_or_default();
    let words = voice::words(input).max(1) as u64;
    let content_type = match call.text("response_format") {
        Some("opus") => "audio/opus",
        Some("aac") => "audio/aac",
        Some("flac") => "audio/flac",
        Some("wav") => "audio/wav",
        Some("pcm") => "audio/pcm",
        _ => "audio/mpeg",
    };
    let content = Content::synthetic(words * WORD, seed_of(input));
    Ok(Reply::Content(content_type, content))
}

/// Writes down a recording, for both languages: what has come of it.
pub(super) fn write_down(_: &State, call: &Call) -> Answer {
    let facts = &call.file("file")?.facts;
    let kind = facts.content_type.as_deref().unwrap_or("something");
    let text = format!("{} bytes of {kind}, {}", facts.size, facts.sha256);
    let plain = |content_type, text: String| Ok(Reply::bytes(content_type, text.into_bytes()));
    match call.text("response_format") {
        Some("text") => plain("text/plain; charset=utf-8", format!("{text}\n")),
        Some("srt") => plain(
            "application/x-subrip",
            format!("1\n00:00:00,000 --> 00:00:01,000\n{text}\n\n"),
        ),
        Some("vtt") => plain(
            "text/vtt",
            format!("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n\n"),
        ),
        Some("verbose_json") => Ok(Reply::json(verbose(call, &text))),
        _ => Ok(Reply::json(json!({"text": text}))),
    }
}

fn verbose(call: &Call, text: &str) -> Value {
    let task = match call.operation.as_str() {
        "create_translation" => "translate",
        _ => "transcribe",
    };
    json!({
        "task": task,
        "language": call.text("language").unwrap_or("english"),
        "duration": "1.0",
        "text": text,
        "segments": [{
            "id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": text, "tokens": [],
            "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0,
        }],
    })
}
