//! Validation of requests beyond their types, with the evidence for each rule.
//!
//! There is one function for each operation with `check: true` in the operation manifest. It takes
//! the path arguments and the encoded body, and returns a message that names the invalid field. A
//! cleared field is `null` here, which counts neither as missing nor as invalid. A rule exists only
//! if the service was observed or documented to reject the request; any other rule could reject
//! requests that work.

mod fields;
mod limits;

use serde_json::Value;

use fields::{ValidationResult, has_non_empty_value, has_value, require, require_non_empty_list};
use limits::{check_usage_limits, check_usage_limits_list};

/// The shortest time for which the old key remains valid; less than half an hour was rejected
/// (M161, S25).
const MIN_TRANSITION_PERIOD_MS: i64 = 1_800_000;

/// The fields that a new prompt version requires unless `patch` is true (M042, B16).
const FULL_VERSION_FIELDS: [&str; 5] = [
    "string",
    "parameters",
    "model",
    "virtual_key",
    "is_raw_template",
];

/// The fields whose change creates a new prompt version. According to the OpenAPI document, the
/// name, the collection, the description and the virtual key can be changed without the other
/// fields.
const VERSIONED_FIELDS: [&str; 8] = [
    "string",
    "parameters",
    "model",
    "is_raw_template",
    "functions",
    "tools",
    "tool_choice",
    "prompt_metadata",
];

// ---- API keys

/// There are three kinds of keys: a user key belongs to a workspace. A workspace key requires its
/// workspace and a user key its user (M152). Empty scopes cause a 502 (M153, B18, S26).
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
    check_api_key(body)
}

/// Applies the same rules to the fields that the update sets.
pub(crate) fn update_api_key(_: &[String], body: &Value) -> ValidationResult {
    check_api_key(body)
}

/// The transition period has a minimum (S25).
pub(crate) fn rotate_api_key(_: &[String], body: &Value) -> ValidationResult {
    check_transition_period(body, "key_transition_period_ms")
}

/// A rotation policy may have both a period and a date (M161, V075).
fn check_api_key(body: &Value) -> ValidationResult {
    require_non_empty_list(body, "scopes")?;
    check_transition_period(
        &body["rotation_policy"],
        "rotation_policy.key_transition_period_ms",
    )?;
    check_usage_limits(&body["usage_limits"], "usage_limits.")
}

/// Checks the transition period in `parent`. `field` is the full path for the message, whose last
/// segment is the name of the field.
fn check_transition_period(parent: &Value, field: &str) -> ValidationResult {
    let name = field.rsplit('.').next().unwrap_or(field);
    match parent[name].as_i64() {
        Some(milliseconds) if milliseconds < MIN_TRANSITION_PERIOD_MS => Err(format!(
            "`{field}` must be at least {MIN_TRANSITION_PERIOD_MS} ms, got {milliseconds}"
        )),
        _ => Ok(()),
    }
}

// ---- Workspaces

/// Checks each of the usage limits (M007, M010).
pub(crate) fn create_workspace(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits_list(body, "")
}

/// Checks each of the usage limits (M007, M010).
pub(crate) fn update_workspace(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits_list(body, "")
}

/// The service requires the name of the workspace as a confirmation (M192, B09).
pub(crate) fn delete_workspace(_: &[String], body: &Value) -> ValidationResult {
    require(body, "name", "deleting a workspace")
}

/// A mapping requires exactly one of the two references to its group (M212).
pub(crate) fn create_scim_workspace_mapping(_: &[String], body: &Value) -> ValidationResult {
    match ["scim_group_id", "scim_group_name"].map(|field| has_non_empty_value(body, field)) {
        [false, false] => Err("either `scim_group_id` or `scim_group_name` is required".to_owned()),
        [true, true] => {
            Err("`scim_group_id` and `scim_group_name` are mutually exclusive".to_owned())
        }
        _ => Ok(()),
    }
}

// ---- Prompts

/// Without `patch`, a new version requires all of its fields. With it, the service copies the
/// missing fields from the latest version (M042, B16, S10).
pub(crate) fn update_prompt(_: &[String], body: &Value) -> ValidationResult {
    let changed = VERSIONED_FIELDS.iter().find(|field| has_value(body, field));
    let missing = FULL_VERSION_FIELDS
        .iter()
        .find(|field| !has_value(body, field));
    match (changed, missing) {
        (Some(changed), Some(missing)) if body["patch"] != true => Err(format!(
            "`{missing}` is required when `{changed}` is set and `patch` is not true"
        )),
        _ => Ok(()),
    }
}

// ---- Integrations and providers

/// Checks the usage limits of each listed workspace and the global ones (M007, M010, M116).
pub(crate) fn update_integration_workspaces(_: &[String], body: &Value) -> ValidationResult {
    for (index, workspace) in fields::items(body, "workspaces") {
        check_usage_limits_list(workspace, &format!("workspaces[{index}]."))?;
    }
    check_usage_limits_list(&body["global_workspace_access"], "global_workspace_access.")
}

/// A guardrail with the target `llm`, which is the default, requires `checks` and `actions`: the
/// OpenAPI document of 2026-06-12 requires both, and the targets that were added later do not.
pub(crate) fn create_guardrail(_: &[String], body: &Value) -> ValidationResult {
    if has_value(body, "target") && body["target"] != "llm" {
        return Ok(());
    }
    require(body, "checks", "a guardrail with the target `llm`")?;
    require_non_empty_list(body, "checks")?;
    require(body, "actions", "a guardrail with the target `llm`")
}

/// Checks the usage limits (M007, M010).
pub(crate) fn create_provider(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits(&body["usage_limits"], "usage_limits.")
}

/// Checks the usage limits (M007, M010).
pub(crate) fn update_provider(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits(&body["usage_limits"], "usage_limits.")
}

/// Checks the usage limits: virtual keys are providers under another path (M007, M010, M120).
pub(crate) fn create_virtual_key(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits(&body["usage_limits"], "usage_limits.")
}

/// Checks the usage limits: virtual keys are providers under another path (M007, M010, M120).
pub(crate) fn update_virtual_key(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits(&body["usage_limits"], "usage_limits.")
}

// ---- Policies

/// A policy requires at least one condition and one group; without a condition it was rejected with
/// 400 (M261, E16, S28).
pub(crate) fn create_usage_limits_policy(_: &[String], body: &Value) -> ValidationResult {
    require_conditions_and_groups(body)?;
    check_usage_limits(body, "")
}

/// Checks the usage limits (M007).
pub(crate) fn update_usage_limits_policy(_: &[String], body: &Value) -> ValidationResult {
    check_usage_limits(body, "")
}

/// A policy requires at least one condition and one group (M261, E16, S28).
pub(crate) fn create_rate_limits_policy(_: &[String], body: &Value) -> ValidationResult {
    require_conditions_and_groups(body)
}

fn require_conditions_and_groups(body: &Value) -> ValidationResult {
    require_non_empty_list(body, "conditions")?;
    require_non_empty_list(body, "group_by")
}

// ---- Secret references

/// An empty list of workspaces is rejected with 400 (M251, B19, E09).
pub(crate) fn create_secret_reference(_: &[String], body: &Value) -> ValidationResult {
    require_non_empty_list(body, "allowed_workspaces")
}

/// An empty list of workspaces is rejected with 400 (M251, B19, E09).
pub(crate) fn update_secret_reference(_: &[String], body: &Value) -> ValidationResult {
    require_non_empty_list(body, "allowed_workspaces")
}
