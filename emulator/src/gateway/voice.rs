//! What the model says. There is none here: it repeats what it was told, or calls the first tool.

use std::iter;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::script::Say;
use crate::call::Call;

/// How much of a text is repeated.
const LONGEST_ECHO: usize = 4096;

/// How many bytes of a tool call's arguments come at a time.
const ARGUMENTS_PIECE: usize = 12;

/// What the model does.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Text(Arc<str>),
    Tools(Vec<ToolCall>),
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON.
    pub(crate) arguments: Arc<str>,
}

/// What the model was told last.
pub(crate) enum Told {
    /// By the user.
    Question(String),
    /// By a tool that it has called.
    ToolOutput(String),
}

/// What the model says to a request whose `tools` are objects with `name` and `parameters`.
pub(crate) fn said(call: &Call, told: &Told, request: &Value) -> Said {
    let tool_call = |name: &str, arguments: &str| ToolCall {
        id: format!("call_{}", call.ids.uuid().replace('-', "")),
        name: name.to_owned(),
        arguments: arguments.into(),
    };
    match &call.say {
        Some(Say::Text(text)) => return Said::Text(text.as_str().into()),
        Some(Say::Tools(calls)) => {
            let calls = calls.iter().map(|(name, given)| tool_call(name, given));
            return Said::Tools(calls.collect());
        }
        None => {}
    }
    match told {
        Told::ToolOutput(text) => Said::Text(format!("The tool said: {}", cut(text)).into()),
        Told::Question(text) => match tool(request) {
            Some((name, parameters)) => {
                let arguments = arguments(parameters, text).to_string();
                Said::Tools(vec![tool_call(name, &arguments)])
            }
            None if text.is_empty() => Said::Text("You said nothing.".into()),
            None => Said::Text(format!("You said: {}", cut(text)).into()),
        },
    }
}

/// The text of a message or an item, whose content may be in parts.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=LONGEST_ECHO.min(text.len())).rfind(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// The tool that is called: the one that the request names, or else the first function.
fn tool(request: &Value) -> Option<(&str, &Value)> {
    let choice = &request["tool_choice"];
    if choice == "none" {
        return None;
    }
    let wanted = choice["function"]["name"].as_str();
    let wanted = wanted.or_else(|| choice["name"].as_str());
    let tools = request["tools"].as_array()?;
    let functions = tools.iter().filter_map(|tool| {
        // A chat has the function in a member of its own.
        let function = tool.get("function").unwrap_or(tool);
        Some((function["name"].as_str()?, &function["parameters"]))
    });
    let mut functions = functions.filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
    functions.next()
}

/// Arguments of the kinds that the parameters ask for; texts are what was said.
fn arguments(parameters: &Value, said: &str) -> Value {
    let properties = parameters["properties"].as_object();
    let arguments = properties.into_iter().flatten().map(|(name, schema)| {
        let first = schema["enum"].as_array().and_then(|values| values.first());
        let value = match (first, schema["type"].as_str()) {
            (Some(first), _) => first.clone(),
            (None, Some("integer" | "number")) => json!(words(said)),
            (None, Some("boolean")) => json!(true),
            (None, Some("array")) => json!([]),
            (None, Some("object")) => json!({}),
            (None, Some("null")) => Value::Null,
            (None, _) => json!(cut(said)),
        };
        (name.clone(), value)
    });
    Value::Object(arguments.collect::<Map<_, _>>())
}

/// How many words a text has; here that is how many tokens.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

impl Said {
    /// How many tokens that is.
    pub(crate) fn tokens(&self) -> usize {
        match self {
            Self::Text(text) => words(text),
            Self::Tools(calls) => calls.iter().map(|call| words(&call.arguments)).sum(),
        }
    }
}

/// A text word by word: each piece is a word with what stands before it.
pub(crate) fn word_by_word(text: &Arc<str>) -> impl Iterator<Item = String> + Send + use<> {
    pieces(text, |rest| {
        let word = rest
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(rest.len());
        let behind = rest[word..].find(char::is_whitespace);
        behind.map_or(rest.len(), |length| word + length)
    })
}

/// Arguments in pieces that know nothing of JSON.
pub(crate) fn bit_by_bit(text: &Arc<str>) -> impl Iterator<Item = String> + Send + use<> {
    pieces(text, |rest| {
        let ends = ARGUMENTS_PIECE..rest.len();
        let mut ends = ends.filter(|end| rest.is_char_boundary(*end));
        ends.next().unwrap_or(rest.len())
    })
}

fn pieces(
    text: &Arc<str>,
    length: fn(&str) -> usize,
) -> impl Iterator<Item = String> + Send + use<> {
    let (text, mut at) = (Arc::clone(text), 0);
    iter::from_fn(move || {
        let rest = &text[at..];
        let piece = &rest[..length(rest)];
        at += piece.len();
        (!piece.is_empty()).then(|| piece.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{arguments, bit_by_bit, cut, tool, word_by_word};

    #[test]
    fn pieces_make_the_whole() {
        for text in [
            "",
            " ",
            "one",
            " one  two\n",
            "größe über alles",
            "ééééééééééééé",
        ] {
            let words: Vec<String> = word_by_word(&text.into()).collect();
            assert_eq!(words.concat(), text);
            let bits: Vec<String> = bit_by_bit(&text.into()).collect();
            assert_eq!(bits.concat(), text);
        }
        assert_eq!(word_by_word(&"a b c".into()).count(), 3);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(5000)).len(), 4096);
        assert_eq!(cut(&format!("x{}", "é".repeat(5000))).len(), 4095);
    }

    #[test]
    fn arguments_are_of_the_kinds_that_are_asked_for() {
        let parameters = json!({"properties": {
            "place": {"type": "string"}, "days": {"type": "integer"},
            "unit": {"type": "string", "enum": ["C", "F"]},
        }});
        let expected = json!({"place": "to Oslo", "days": 2, "unit": "C"});
        assert_eq!(arguments(&parameters, "to Oslo"), expected);
    }

    #[test]
    fn the_choice_decides_on_the_tool() {
        let tools = json!([{"function": {"name": "a"}}, {"type": "function", "name": "b"}]);
        let name = |choice| {
            let request = json!({"tools": tools, "tool_choice": choice});
            tool(&request).map(|(name, _)| name.to_owned())
        };
        assert_eq!(name(json!("auto")).as_deref(), Some("a"));
        assert_eq!(name(json!({"name": "b"})).as_deref(), Some("b"));
        assert_eq!(name(json!("none")), None);
    }
}
