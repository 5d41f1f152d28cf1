//! The formatting of `json!`, which prettyplease does not format: code is formatted with placeholders,
//! and the JSON is inserted afterwards.

use serde_json::Value;

/// The length up to which JSON stays on its line.
const MAX_WIDTH: usize = 90;

const MAX_PLACEHOLDER_WIDTH: usize = 40;

/// Replaces each placeholder by its JSON, on one line if it is short.
pub fn insert(line: String, json: &[Value]) -> String {
    let indent = line.len() - line.trim_start().len();
    json.iter().enumerate().fold(line, |line, (number, value)| {
        let placeholder = format!("json!({})", placeholder(number, value));
        let short = line.replace(&placeholder, &format!("json!({})", on_line(value)));
        if short.len() <= MAX_WIDTH {
            return short;
        }
        line.replace(&placeholder, &format!("json!({})", on_lines(value, indent)))
    })
}

/// Returns the name that stands for JSON; a long one, so that what follows goes on its own line.
pub fn placeholder(number: usize, value: &Value) -> String {
    let width = on_line(value).len().min(MAX_PLACEHOLDER_WIDTH);
    format!("{:_<width$}", format!("json_{number}_"))
}

/// Writes JSON on several lines, the first without indent.
fn on_lines(value: &Value, indent: usize) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = pretty.lines().enumerate().map(|(number, line)| {
        let text = line.trim_start();
        // `to_string_pretty` indents by two.
        let indent = match number {
            0 => 0,
            _ => indent + 2 * (line.len() - text.len()),
        };
        format!("{:indent$}{text}", "")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes JSON on one line, with spaces as in Rust.
fn on_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(on_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}: {}", on_line(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
