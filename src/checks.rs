//! What must hold of a request beyond its types, each with the fact that it rests on.
//!
//! One function for each operation whose ledger entry says `check: true`. It sees the path arguments
//! and the body as it would be sent, and says what is wrong, naming the field.

#![allow(dead_code, reason = "not every set of features has every operation")]

use serde_json::Value;

type Checked = Result<(), String>;

/// The service forgets the old key after the transition; less than half an hour was refused (M161, S25).
const SHORTEST_TRANSITION_MS: i64 = 1_800_000;

/// A workspace key needs its workspace and a user key its user (M152); without scopes the service
/// fails with 502 (M153, B18).
pub(crate) fn create_api_key(arguments: &[String], body: &Value) -> Checked {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    if argument(0) == "workspace" {
        given(body, "workspace_id", "a workspace key")?;
    }
    if argument(1) == "user" {
        given(body, "user_id", "a user key")?;
    }
    not_empty(body, "scopes")?;
    rotation_policy(body)
}

/// The same rules over what an update sets.
pub(crate) fn update_api_key(_: &[String], body: &Value) -> Checked {
    not_empty(body, "scopes")?;
    rotation_policy(body)
}

/// The transition has a minimum (S25).
pub(crate) fn rotate_api_key(_: &[String], body: &Value) -> Checked {
    transition(body, "key_transition_period_ms")
}

/// A period and a date exclude each other (M161).
fn rotation_policy(body: &Value) -> Checked {
    let policy = &body["rotation_policy"];
    if is_given(policy, "rotation_period") && is_given(policy, "next_rotation_at") {
        return Err(
            "`rotation_policy` takes `rotation_period` or `next_rotation_at`, not both".to_owned(),
        );
    }
    transition(policy, "rotation_policy.key_transition_period_ms")
}

/// `field` is the whole name for the message; its last part is looked up.
fn transition(holder: &Value, field: &str) -> Checked {
    let name = field.rsplit('.').next().unwrap_or(field);
    match holder[name].as_i64() {
        Some(milliseconds) if milliseconds < SHORTEST_TRANSITION_MS => Err(format!(
            "`{field}` is {milliseconds}; the shortest transition is {SHORTEST_TRANSITION_MS} ms"
        )),
        _ => Ok(()),
    }
}

fn is_given(holder: &Value, field: &str) -> bool {
    match &holder[field] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn given(body: &Value, field: &str, who: &str) -> Checked {
    if is_given(body, field) {
        Ok(())
    } else {
        Err(format!("`{field}` is required for {who}"))
    }
}

/// A list that is sent must have an item.
fn not_empty(body: &Value, field: &str) -> Checked {
    match body[field].as_array() {
        Some(items) if items.is_empty() => Err(format!("`{field}` must not be empty")),
        _ => Ok(()),
    }
}
