//! What must hold of a request beyond its types, each with the fact that it rests on.
//!
//! One function for each operation whose ledger entry says `check: true`. It sees the path arguments
//! and the body as it would be sent, and says what is wrong, naming the field. A field that is
//! cleared arrives here as `null`, which is neither missing nor wrong. Only what the service refuses
//! is refused current: a check that nobody saw fail would stop requests that work.

mod fields;
mod limits;

use serde_json::Value;

use fields::{Checked, given, has, is_given, not_empty};
use limits::{each_usage_limits, usage_limits};

/// The service forgets the old key after the transition; less than half an hour was refused (M161, S25).
const SHORTEST_TRANSITION_MS: i64 = 1_800_000;

/// What a version of a prompt must bring when it is not a patch (M042, B16).
const PROMPT_VERSION: [&str; 5] = [
    "string",
    "parameters",
    "model",
    "virtual_key",
    "is_raw_template",
];

/// What makes a new version of a prompt. By the document the name, the collection, the description
/// and the virtual key can be changed by themselves.
const PROMPT_CONTENT: [&str; 8] = [
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

/// Three kinds of key exist: a user's key belongs to a workspace. A workspace key needs its workspace
/// and a user key its user (M152); without scopes the service fails with 502 (M153, B18, S26).
pub(crate) fn create_api_key(arguments: &[String], body: &Value) -> Checked {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    if (argument(0), argument(1)) == ("organisation", "user") {
        return Err(
            "`sub-type` is `user`, and a user key belongs to a workspace; \
             `type` must be `workspace`"
                .to_owned(),
        );
    }
    if argument(0) == "workspace" {
        given(body, "workspace_id", "a workspace key")?;
    }
    if argument(1) == "user" {
        given(body, "user_id", "a user key")?;
    }
    api_key(body)
}

/// The same rules over what an update sets.
pub(crate) fn update_api_key(_: &[String], body: &Value) -> Checked {
    api_key(body)
}

/// The transition has a minimum (S25).
pub(crate) fn rotate_api_key(_: &[String], body: &Value) -> Checked {
    transition(body, "key_transition_period_ms")
}

fn api_key(body: &Value) -> Checked {
    not_empty(body, "scopes")?;
    rotation_policy(body)?;
    usage_limits(&body["usage_limits"], "usage_limits.")
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

// ---- Workspaces

/// Each of the limits (M007, M010).
pub(crate) fn create_workspace(_: &[String], body: &Value) -> Checked {
    each_usage_limits(body, "")
}

/// Each of the limits (M007, M010).
pub(crate) fn update_workspace(_: &[String], body: &Value) -> Checked {
    each_usage_limits(body, "")
}

/// The service wants the name of the workspace that is to go (M192, B09).
pub(crate) fn delete_workspace(_: &[String], body: &Value) -> Checked {
    given(body, "name", "the deletion of a workspace")
}

/// A mapping names its group in exactly one way (M212).
pub(crate) fn create_scim_workspace_mapping(_: &[String], body: &Value) -> Checked {
    match ["scim_group_id", "scim_group_name"].map(|field| is_given(body, field)) {
        [false, false] => {
            Err("one of `scim_group_id` and `scim_group_name` is required".to_owned())
        }
        [true, true] => Err("`scim_group_id` and `scim_group_name` exclude each other".to_owned()),
        _ => Ok(()),
    }
}

// ---- Prompts

/// Without `patch` a new version comes whole; with it the service takes what is left out from the
/// latest version (M042, B16, S10).
pub(crate) fn update_prompt(_: &[String], body: &Value) -> Checked {
    let changes = PROMPT_CONTENT.iter().find(|field| has(body, field));
    let missing = PROMPT_VERSION.iter().find(|field| !has(body, field));
    match (changes, missing) {
        (Some(changed), Some(missing)) if body["patch"] != true => Err(format!(
            "`{missing}` is required along with `{changed}`, unless `patch` is true"
        )),
        _ => Ok(()),
    }
}

// ---- Integrations and providers

/// The limits of each workspace that is named, and of all (M007, M010, M116).
pub(crate) fn update_integration_workspaces(_: &[String], body: &Value) -> Checked {
    for (index, workspace) in fields::items(body, "workspaces") {
        each_usage_limits(workspace, &format!("workspaces[{index}]."))?;
    }
    each_usage_limits(&body["global_workspace_access"], "global_workspace_access.")
}

/// A guardrail over models, which it is unless it says otherwise, needs its checks and what follows
/// from them: the document of 2026-06-12 requires both, and later targets came without.
pub(crate) fn create_guardrail(_: &[String], body: &Value) -> Checked {
    if has(body, "target") && body["target"] != "llm" {
        return Ok(());
    }
    given(body, "checks", "a guardrail over models")?;
    not_empty(body, "checks")?;
    given(body, "actions", "a guardrail over models")
}

/// The limits (M007, M010).
pub(crate) fn create_provider(_: &[String], body: &Value) -> Checked {
    usage_limits(&body["usage_limits"], "usage_limits.")
}

/// The limits (M007, M010).
pub(crate) fn update_provider(_: &[String], body: &Value) -> Checked {
    usage_limits(&body["usage_limits"], "usage_limits.")
}

/// The limits: `/providers` is the same thing under another name (M007, M010, M120).
pub(crate) fn create_virtual_key(_: &[String], body: &Value) -> Checked {
    usage_limits(&body["usage_limits"], "usage_limits.")
}

/// The limits: `/providers` is the same thing under another name (M007, M010, M120).
pub(crate) fn update_virtual_key(_: &[String], body: &Value) -> Checked {
    usage_limits(&body["usage_limits"], "usage_limits.")
}

// ---- Policies

/// A policy has a condition and a group at least; without a condition it was refused with 400
/// (M261, E16, S28).
pub(crate) fn create_usage_limits_policy(_: &[String], body: &Value) -> Checked {
    conditions_and_groups(body)?;
    usage_limits(body, "")
}

/// The limits (M007).
pub(crate) fn update_usage_limits_policy(_: &[String], body: &Value) -> Checked {
    usage_limits(body, "")
}

/// A policy has a condition and a group at least (M261, E16, S28).
pub(crate) fn create_rate_limits_policy(_: &[String], body: &Value) -> Checked {
    conditions_and_groups(body)
}

fn conditions_and_groups(body: &Value) -> Checked {
    not_empty(body, "conditions")?;
    not_empty(body, "group_by")
}

// ---- Secret references

/// An empty list of workspaces is refused with 400 (M251, B19, E09).
pub(crate) fn create_secret_reference(_: &[String], body: &Value) -> Checked {
    not_empty(body, "allowed_workspaces")
}

/// An empty list of workspaces is refused with 400 (M251, B19, E09).
pub(crate) fn update_secret_reference(_: &[String], body: &Value) -> Checked {
    not_empty(body, "allowed_workspaces")
}
