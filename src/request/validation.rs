//! Checks of requests that the constraints of an operation cannot express.
//!
//! There is one function for each operation with `check: true` in the operation manifest. It takes
//! the path arguments and the encoded body, and returns a message that names the invalid field. A
//! cleared field is `null` here, which counts neither as missing nor as invalid. A rule exists only
//! if the service was observed or documented to reject the request; any other rule could reject
//! requests that work.

use serde_json::Value;

/// `Ok`, or a message that names the invalid field.
type ValidationResult = Result<(), String>;

/// The fields that a new prompt version requires unless `patch` is true (M042, B16), and those that
/// stand for them (V405).
const FULL_VERSION_FIELDS: [&[&str]; 5] = [
    &["string"],
    &["parameters"],
    &["model", "ai_model_id", "finetune_id"],
    &["virtual_key", "provider_api_key_id"],
    &["is_raw_template"],
];

/// The fields whose change creates a new prompt version. According to the OpenAPI document, the
/// name, the collection, the description and the virtual key can be changed without the other
/// fields.
const VERSIONED_FIELDS: [&str; 10] = [
    "string",
    "parameters",
    "model",
    "ai_model_id",
    "finetune_id",
    "is_raw_template",
    "functions",
    "tools",
    "tool_choice",
    "prompt_metadata",
];

/// There are three kinds of keys: a user key belongs to a workspace. A workspace key requires its
/// workspace and a user key its user (M152).
pub(crate) fn create_api_key(arguments: &[String], body: &Value) -> ValidationResult {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    if (argument(0), argument(1)) == ("organisation", "user") {
        return Err(
            "expected `workspace` for `type` because `sub-type` is `user`, found `organisation`"
                .to_owned(),
        );
    }
    if argument(0) == "workspace" {
        require(body, "workspace_id", "a workspace key")?;
    }
    if argument(1) == "user" {
        require(body, "user_id", "a user key")?;
    }
    Ok(())
}

/// Without `patch`, a new version requires all of its fields. With it, the service copies the
/// missing fields from the latest version (M042, B16, S10).
pub(crate) fn update_prompt(_: &[String], body: &Value) -> ValidationResult {
    let has_value = |field: &&&str| !body[**field].is_null();
    let changed = VERSIONED_FIELDS.iter().find(has_value);
    let mut required = FULL_VERSION_FIELDS.iter();
    let missing = required.find(|fields| !fields.iter().any(|field| has_value(&field)));
    match (changed, missing) {
        (Some(changed), Some([missing, ..])) if body["patch"] != true => Err(format!(
            "`{missing}` is required when `{changed}` is set and `patch` is not true"
        )),
        _ => Ok(()),
    }
}

/// Requires a non-empty value. `purpose` completes the message "`field` is required for …".
fn require(body: &Value, field: &str, purpose: &str) -> ValidationResult {
    match body[field].is_null() || body[field] == "" {
        true => Err(format!("`{field}` is required for {purpose}")),
        false => Ok(()),
    }
}
