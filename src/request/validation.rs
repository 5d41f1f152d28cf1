//! Checks of requests that the constraints of an operation cannot express.
//!
//! There is one function for each operation with `check: true` in the operation manifest. It takes
//! the path arguments and the encoded body, and returns a message that names the invalid field. A
//! cleared field is `null` here, which counts neither as missing nor as invalid. A rule exists only
//! if the service was observed or documented to reject the request; any other rule could reject
//! requests that work.

use std::net::IpAddr;

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

/// The id of a subject of an access policy that stands for every user or every agent.
const ANY: &str = "ANY";

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

/// A policy that allows needs a subject that is not `ANY`, and a group must be named (V146).
pub(crate) fn create_access_policy(_: &[String], body: &Value) -> ValidationResult {
    access_policy(body)
}

/// The same rules as for a new policy (V146).
pub(crate) fn update_access_policy(_: &[String], body: &Value) -> ValidationResult {
    access_policy(body)
}

fn access_policy(body: &Value) -> ValidationResult {
    let subjects = body["subjects"].as_array().map_or(&[][..], Vec::as_slice);
    let is_any = |subject: &Value| subject["id"] == ANY;
    let is_any_group = |subject: &Value| subject["type"] == "group" && is_any(subject);
    if let Some(index) = subjects.iter().position(is_any_group) {
        return Err(format!(
            "expected a group for `subjects/{index}/id`, found `{ANY}`"
        ));
    }
    match body["effect"] == "allow" && subjects.iter().all(is_any) {
        true => Err(format!(
            "expected a subject other than `{ANY}` in `subjects` because `effect` is `allow`"
        )),
        false => Ok(()),
    }
}

/// The entry is a host, without a scheme, path, user or port (V149).
pub(crate) fn create_egress_allowlist_entry(_: &[String], body: &Value) -> ValidationResult {
    host(body, "domain")
}

/// The same rules as for a new entry (V149).
pub(crate) fn update_egress_allowlist_entry(_: &[String], body: &Value) -> ValidationResult {
    host(body, "domain")
}

/// Requires a host name, an IP address, or `*.` followed by a host name, if the field has a value.
/// The service trims it.
fn host(body: &Value, field: &str) -> ValidationResult {
    let Some(value) = body[field].as_str() else {
        return Ok(());
    };
    let host = value.trim();
    let unbracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_address = unbracketed.unwrap_or(host).parse::<IpAddr>().is_ok();
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_separator =
        |character: char| ":/?#@*[]\\".contains(character) || character.is_whitespace();
    match is_address || !(name.is_empty() || name.contains(is_separator)) {
        true => Ok(()),
        false => Err(format!(
            "expected a host name, an IP address or `*.` followed by a host name for `{field}`, \
             found {value:?}"
        )),
    }
}

/// The URL of an agent is an `http` or `https` address without a fragment (V301).
pub(crate) fn create_agent_integration(_: &[String], body: &Value) -> ValidationResult {
    agent_url(body)
}

/// The same rule as for a new agent integration (V301).
pub(crate) fn update_agent_integration(_: &[String], body: &Value) -> ValidationResult {
    agent_url(body)
}

fn agent_url(body: &Value) -> ValidationResult {
    let Some(value) = body["url"].as_str() else {
        return Ok(());
    };
    let scheme = value.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_http = ["http", "https"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name));
    match is_http && !value.contains('#') {
        true => Ok(()),
        // The URL may contain credentials.
        false => {
            Err("expected an `http` or `https` address without a fragment for `url`".to_owned())
        }
    }
}

/// Requires a non-empty value. `purpose` completes the message "`field` is required for …".
fn require(body: &Value, field: &str, purpose: &str) -> ValidationResult {
    match body[field].is_null() || body[field] == "" {
        true => Err(format!("`{field}` is required for {purpose}")),
        false => Ok(()),
    }
}
