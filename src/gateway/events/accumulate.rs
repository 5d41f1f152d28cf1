//! Chunks of an answer put together, as JSON, so that what no document knows is kept as well.

use serde_json::{Map, Value};

/// JsonObject of a piece that are whole each time they come; other text comes bit by bit.
const WHOLE: [&str; 4] = ["role", "id", "type", "name"];

/// What has come of an answer that is a list of choices.
#[derive(Default)]
pub(super) struct Accumulator(Map<String, Value>);

impl Accumulator {
    /// Adds a chunk.
    pub(super) fn add(&mut self, chunk: Value) {
        let Value::Object(chunk) = chunk else {
            return;
        };
        for (name, value) in chunk {
            match (name.as_str(), value) {
                ("choices", Value::Array(choices)) => self.add_choices(choices),
                ("object", Value::String(kind)) => {
                    let kind = kind.strip_suffix(".chunk").unwrap_or(&kind);
                    self.0.insert(name, kind.into());
                }
                (_, value) => replace(self.0.entry(name).or_insert(Value::Null), value),
            }
        }
    }

    /// Whether every choice says why it ends.
    pub(super) fn is_complete(&self) -> bool {
        let choices = self.0.get("choices").and_then(Value::as_array);
        choices.is_some_and(|choices| {
            choices
                .iter()
                .all(|choice| !choice["finish_reason"].is_null())
        })
    }

    /// All of it, in the order of the indices; those of a message's pieces are no part of an answer.
    pub(super) fn finish(mut self) -> Value {
        if let Some(Value::Array(choices)) = self.0.get_mut("choices") {
            choices.sort_by_key(index);
            for message in choices
                .iter_mut()
                .filter_map(|choice| choice.get_mut("message"))
            {
                let members = message.as_object_mut().into_iter().flatten();
                members.for_each(|(_, member)| without_indices(member));
            }
        }
        Value::Object(self.0)
    }

    fn add_choices(&mut self, pieces: Vec<Value>) {
        let choices = self
            .0
            .entry("choices")
            .or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(choices) = choices else {
            return;
        };
        for piece in pieces {
            let Value::Object(piece) = piece else {
                continue;
            };
            let choice = at_index(choices, piece.get("index"));
            for (name, value) in piece {
                match name.as_str() {
                    "delta" => append(member(choice, "message"), value),
                    "text" | "logprobs" => append(member(choice, &name), value),
                    _ => replace(member(choice, &name), value),
                }
            }
        }
    }
}

fn member<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    if object.get(name).is_none() {
        object[name] = Value::Null;
    }
    &mut object[name]
}

/// What comes later counts, but for `null`; of objects, member by member.
fn replace(old: &mut Value, new: Value) {
    match (old, new) {
        (_, Value::Null) => {}
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                replace(old.entry(name).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new,
    }
}

/// What comes later is behind what came before.
fn append(old: &mut Value, new: Value) {
    match (old, new) {
        (_, Value::Null) => {}
        (Value::String(old), Value::String(new)) => old.push_str(&new),
        (Value::Array(old), Value::Array(new)) => {
            for item in new {
                append_item(old, item);
            }
        }
        (old @ Value::Null, Value::Array(new)) => {
            *old = Value::Array(Vec::new());
            append(old, Value::Array(new));
        }
        (Value::Object(old), Value::Object(new)) => append_members(old, new),
        (old @ Value::Null, Value::Object(new)) => {
            *old = Value::Object(Map::new());
            append(old, Value::Object(new));
        }
        (old, new) => *old = new,
    }
}

fn append_members(old: &mut Map<String, Value>, new: Map<String, Value>) {
    for (name, value) in new {
        let is_whole = WHOLE.contains(&name.as_str());
        let old = old.entry(name).or_insert(Value::Null);
        match is_whole {
            true if value == "" && !old.is_null() => {}
            true => replace(old, value),
            false => append(old, value),
        }
    }
}

/// An item with an `index` is a piece of the item there; any other is one of its own.
fn append_item(items: &mut Vec<Value>, mut item: Value) {
    if item.get("index").is_none() {
        return items.push(item);
    }
    let old = at_index(items, item.get("index"));
    // A content block has its piece in a `delta` of its own.
    let delta = item.as_object_mut().and_then(|item| item.remove("delta"));
    append(old, item);
    append(old, delta.unwrap_or_default());
}

/// The item of that index, which may be a new one.
fn at_index<'a>(items: &'a mut Vec<Value>, index: Option<&Value>) -> &'a mut Value {
    let index = index.cloned().unwrap_or_else(|| 0.into());
    let position = items.iter().position(|item| item["index"] == index);
    let position = position.unwrap_or_else(|| {
        let mut item = Map::new();
        item.insert("index".to_owned(), index);
        items.push(Value::Object(item));
        items.len() - 1
    });
    &mut items[position]
}

fn index(item: &Value) -> i64 {
    item["index"].as_i64().unwrap_or_default()
}

/// Sorts pieces by their indices, and takes these away.
fn without_indices(items: &mut Value) {
    let Value::Array(items) = items else {
        return;
    };
    items.sort_by_key(index);
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.remove("index");
    }
}
