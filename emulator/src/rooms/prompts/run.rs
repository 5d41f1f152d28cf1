//! Running a prompt. There is no model here, so that the answer is the text that it would be asked.

use serde_json::{Value, json};

use super::rendered;
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::State;

pub(super) fn run(state: &State, call: &Call) -> Answer {
    let request = Value::Object(rendered(state, call)?);
    if request["stream"] == true {
        let problem = "cannot be true: the emulator has no model to stream from";
        return Err(Refusal::invalid_field("stream", problem));
    }
    let (object, choice) = match request["messages"].as_array() {
        Some(messages) => {
            let content = messages.last().map(|message| text(&message["content"]));
            let message = json!({"role": "assistant", "content": content});
            ("chat.completion", json!({"message": message}))
        }
        None => ("text_completion", json!({"text": request["prompt"]})),
    };
    let mut choice = choice;
    choice["index"] = json!(0);
    choice["finish_reason"] = json!("stop");
    Ok(Reply::json(json!({
        "id": call.ids.uuid(),
        "object": object,
        "created": call.now.timestamp(),
        "model": request["model"],
        "choices": [choice],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    })))
}

/// The text of a message, whose content may be in parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}
