//! Assembles the chunks of a response, as JSON, so that unknown fields are retained.

use serde_json::{Map, Value};

/// The string fields of a delta that are complete in each delta; all other strings are appended.
const REPLACED_FIELDS: [&str; 4] = ["role", "id", "type", "name"];

/// A partial response with a list of choices.
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

    /// Whether every choice has a finish reason.
    pub(super) fn is_complete(&self) -> bool {
        let choices = self.0.get("choices").and_then(Value::as_array);
        choices.is_some_and(|choices| {
            choices
                .iter()
                .all(|choice| !choice["finish_reason"].is_null())
        })
    }

    /// Returns the response with its choices in the order of their indices. Removes the indices
    /// within messages, which occur only in deltas.
    pub(super) fn finish(mut self) -> Value {
        if let Some(Value::Array(choices)) = self.0.get_mut("choices") {
            choices.sort_by_key(index);
            for message in choices
                .iter_mut()
                .filter_map(|choice| choice.get_mut("message"))
            {
                let fields = message.as_object_mut().into_iter().flatten();
                fields.for_each(|(_, field)| sort_and_remove_indices(field));
            }
        }
        Value::Object(self.0)
    }

    fn add_choices(&mut self, deltas: Vec<Value>) {
        let choices = self
            .0
            .entry("choices")
            .or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(choices) = choices else {
            return;
        };
        for delta in deltas {
            let Value::Object(delta) = delta else {
                continue;
            };
            let choice = item_with_index(choices, delta.get("index"));
            for (name, value) in delta {
                match name.as_str() {
                    "delta" => append(field(choice, "message"), value),
                    "text" | "logprobs" => append(field(choice, &name), value),
                    _ => replace(field(choice, &name), value),
                }
            }
        }
    }
}

fn field<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    if object.get(name).is_none() {
        object[name] = Value::Null;
    }
    &mut object[name]
}

/// Replaces the old value unless the new one is `null`; merges objects.
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

/// Appends to strings and lists; merges objects.
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
        (Value::Object(old), Value::Object(new)) => append_fields(old, new),
        (old @ Value::Null, Value::Object(new)) => {
            *old = Value::Object(Map::new());
            append(old, Value::Object(new));
        }
        (old, new) => *old = new,
    }
}

fn append_fields(old: &mut Map<String, Value>, new: Map<String, Value>) {
    for (name, value) in new {
        let is_replaced = REPLACED_FIELDS.contains(&name.as_str());
        let old = old.entry(name).or_insert(Value::Null);
        match is_replaced {
            true if value == "" && !old.is_null() => {}
            true => replace(old, value),
            false => append(old, value),
        }
    }
}

/// Appends an item. If it has an `index`, it is a delta of the last item with that index, unless it
/// has another `id`: some providers give all tool calls the index 0.
fn append_item(items: &mut Vec<Value>, mut item: Value) {
    let Some(index) = item.get("index") else {
        return items.push(item);
    };
    let old = match position(items, index) {
        Some(position) if has_other_id(&items[position], &item) => add_item(items, index.clone()),
        _ => item_with_index(items, Some(index)),
    };
    // The delta of a content block is in a nested field `delta`.
    let nested = item.as_object_mut().and_then(|item| item.remove("delta"));
    append(old, item);
    append(old, nested.unwrap_or_default());
}

/// Returns whether two items have ids that differ.
fn has_other_id(old: &Value, new: &Value) -> bool {
    let id = |item: &Value| {
        item["id"]
            .as_str()
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
    };
    id(old).zip(id(new)).is_some_and(|(old, new)| old != new)
}

/// Returns the last item with the given index, which is added if it does not exist.
fn item_with_index<'a>(items: &'a mut Vec<Value>, index: Option<&Value>) -> &'a mut Value {
    let index = index.cloned().unwrap_or_else(|| 0.into());
    match position(items, &index) {
        Some(position) => &mut items[position],
        None => add_item(items, index),
    }
}

/// Returns the position of the last item with the given index.
fn position(items: &[Value], index: &Value) -> Option<usize> {
    items.iter().rposition(|item| item["index"] == *index)
}

/// Adds an item with the given index.
fn add_item(items: &mut Vec<Value>, index: Value) -> &mut Value {
    let position = items.len();
    items.push(Value::Object(Map::from_iter([("index".to_owned(), index)])));
    &mut items[position]
}

fn index(item: &Value) -> i64 {
    item["index"].as_i64().unwrap_or_default()
}

/// Sorts items by their indices, and removes the indices.
fn sort_and_remove_indices(items: &mut Value) {
    let Value::Array(items) = items else {
        return;
    };
    items.sort_by_key(index);
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.remove("index");
    }
}
