//! The model stub, which echoes its input or calls the first tool.

use std::iter;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::call::ScriptedReply;

/// The maximum size of an echoed text.
const MAX_ECHO_SIZE: usize = 4096;

/// The size of streamed chunks of a tool call's arguments, in bytes.
const ARGUMENTS_CHUNK_SIZE: usize = 12;

/// The output of the model.
#[derive(Debug, Clone)]
pub(crate) enum ModelOutput {
    Text(Arc<str>),
    ToolCalls(Vec<ToolCall>),
}

/// A tool call.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The arguments as JSON.
    pub(crate) arguments: Arc<str>,
}

/// The last input of the model.
pub(crate) enum ModelInput {
    /// A message of the user.
    UserMessage(String),
    /// The result of a tool call.
    ToolResult(String),
}

/// Generates the output for a request; a script takes precedence.
pub(crate) fn generate(call: &Call, input: &ModelInput, request: &Value) -> ModelOutput {
    let tool_call = |name: &str, arguments: &str| ToolCall {
        id: format!("call_{}", call.ids.uuid().replace('-', "")),
        name: name.to_owned(),
        arguments: arguments.into(),
    };
    match &call.scripted_reply {
        Some(ScriptedReply::Text(text)) => return ModelOutput::Text(text.as_str().into()),
        Some(ScriptedReply::ToolCalls(calls)) => {
            let calls = calls
                .iter()
                .map(|(name, arguments)| tool_call(name, arguments));
            return ModelOutput::ToolCalls(calls.collect());
        }
        None => {}
    }
    match input {
        ModelInput::ToolResult(text) => {
            ModelOutput::Text(format!("The tool said: {}", truncate(text)).into())
        }
        ModelInput::UserMessage(text) => match choose_tool(request) {
            Some((name, parameters)) => {
                let arguments = arguments(parameters, text).to_string();
                ModelOutput::ToolCalls(vec![tool_call(name, &arguments)])
            }
            None if text.is_empty() => ModelOutput::Text("You said nothing.".into()),
            None => ModelOutput::Text(format!("You said: {}", truncate(text)).into()),
        },
    }
}

/// Returns the text of a message's or item's content, which may consist of parts.
pub(crate) fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

fn truncate(text: &str) -> &str {
    let end = (0..=MAX_ECHO_SIZE.min(text.len())).rfind(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Chooses the tool named in the request, or else the first function.
fn choose_tool(request: &Value) -> Option<(&str, &Value)> {
    let choice = &request["tool_choice"];
    if choice == "none" {
        return None;
    }
    let requested = choice["function"]["name"].as_str();
    let requested = requested.or_else(|| choice["name"].as_str());
    let tools = request["tools"].as_array()?;
    let functions = tools.iter().filter_map(|tool| {
        // Chat completions nest the function in a field `function`.
        let function = tool.get("function").unwrap_or(tool);
        Some((function["name"].as_str()?, &function["parameters"]))
    });
    let mut functions =
        functions.filter(|(name, _)| requested.is_none_or(|requested| requested == *name));
    functions.next()
}

/// Generates arguments of the declared types; strings are the input text.
fn arguments(parameters: &Value, text: &str) -> Value {
    let properties = parameters["properties"].as_object();
    let arguments = properties.into_iter().flatten().map(|(name, schema)| {
        let first = schema["enum"].as_array().and_then(|values| values.first());
        let value = match (first, schema["type"].as_str()) {
            (Some(first), _) => first.clone(),
            (None, Some("integer" | "number")) => json!(count_words(text)),
            (None, Some("boolean")) => json!(true),
            (None, Some("array")) => json!([]),
            (None, Some("object")) => json!({}),
            (None, Some("null")) => Value::Null,
            (None, _) => json!(truncate(text)),
        };
        (name.clone(), value)
    });
    Value::Object(arguments.collect::<Map<_, _>>())
}

/// Counts the words of a text, which the stub uses as tokens.
pub(crate) fn count_words(text: &str) -> usize {
    text.split_whitespace().count()
}

impl ModelOutput {
    /// Counts the tokens.
    pub(crate) fn tokens(&self) -> usize {
        match self {
            Self::Text(text) => count_words(text),
            Self::ToolCalls(calls) => calls.iter().map(|call| count_words(&call.arguments)).sum(),
        }
    }
}

/// Splits a text into words, each with the whitespace before it.
pub(crate) fn word_chunks(text: &Arc<str>) -> impl Iterator<Item = String> + Send + use<> {
    chunks(text, |rest| {
        let word = rest
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(rest.len());
        let end_of_word = rest[word..].find(char::is_whitespace);
        end_of_word.map_or(rest.len(), |length| word + length)
    })
}

/// Splits arguments into chunks of fixed size, regardless of the JSON syntax.
pub(crate) fn argument_chunks(text: &Arc<str>) -> impl Iterator<Item = String> + Send + use<> {
    chunks(text, |rest| {
        let ends = ARGUMENTS_CHUNK_SIZE..rest.len();
        let mut ends = ends.filter(|end| rest.is_char_boundary(*end));
        ends.next().unwrap_or(rest.len())
    })
}

fn chunks(
    text: &Arc<str>,
    length: fn(&str) -> usize,
) -> impl Iterator<Item = String> + Send + use<> {
    let (text, mut at) = (Arc::clone(text), 0);
    iter::from_fn(move || {
        let rest = &text[at..];
        let chunk = &rest[..length(rest)];
        at += chunk.len();
        (!chunk.is_empty()).then(|| chunk.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{argument_chunks, arguments, choose_tool, truncate, word_chunks};

    #[test]
    fn chunks_concatenate_to_the_input() {
        for text in [
            "",
            " ",
            "one",
            " one  two\n",
            "größe über alles",
            "ééééééééééééé",
        ] {
            let by_word: Vec<String> = word_chunks(&text.into()).collect();
            assert_eq!(by_word.concat(), text);
            let chunks: Vec<String> = argument_chunks(&text.into()).collect();
            assert_eq!(chunks.concat(), text);
        }
        assert_eq!(word_chunks(&"a b c".into()).count(), 3);
    }

    #[test]
    fn long_strings_are_truncated_at_char_boundaries() {
        assert_eq!(truncate(&"é".repeat(5000)).len(), 4096);
        assert_eq!(truncate(&format!("x{}", "é".repeat(5000))).len(), 4095);
    }

    #[test]
    fn arguments_have_the_declared_types() {
        let parameters = json!({"properties": {
            "place": {"type": "string"}, "days": {"type": "integer"},
            "unit": {"type": "string", "enum": ["C", "F"]},
        }});
        let expected = json!({"place": "to Oslo", "days": 2, "unit": "C"});
        assert_eq!(arguments(&parameters, "to Oslo"), expected);
    }

    #[test]
    fn tool_choice_selects_the_tool() {
        let tools = json!([{"function": {"name": "a"}}, {"type": "function", "name": "b"}]);
        let name = |choice| {
            let request = json!({"tools": tools, "tool_choice": choice});
            choose_tool(&request).map(|(name, _)| name.to_owned())
        };
        assert_eq!(name(json!("auto")).as_deref(), Some("a"));
        assert_eq!(name(json!({"name": "b"})).as_deref(), Some("b"));
        assert_eq!(name(json!("none")), None);
    }
}
