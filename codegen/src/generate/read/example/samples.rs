//! Sample values for examples, by the name of the parameter or field.

use heck::ToSnakeCase;

use crate::{
    generate::model::RustType,
    reserved_segments::{has_parameter, segments},
};

/// Strings by the end of the name in snake case. Other strings are the name itself.
const STRINGS: [(&str, &str); 67] = [
    // The ids of resources. A path parameter that is only `id` or `slug` has the name of the
    // resource in front.
    ("access_policy_id", "4b8d1e60-93f7-4a2c-b51e-c07d6a82f395"),
    ("agent_integration_id", "travel"),
    ("agent_server_id", "travel-research"),
    ("api_key_id", "0b6a4c1e-2d83-4f7a-9c15-7e9d30f4a2b1"),
    ("assistant_id", "asst_7d20c4e1"),
    ("batch_id", "batch_41f6ab09"),
    ("collection_id", "col-support-90ad5e"),
    ("config_id", "pc-fallback-5be7d1"),
    ("config_version_id", "7ce1f4a9-0b52-4d86-93fa-2e60d8b7c415"),
    ("deployment_id", "91c4e7d2-6f0b-4a58-8e3d-1b7a90c5f264"),
    (
        "egress_allowlist_id",
        "e93a0c75-2d4b-4f18-86b7-5a1fd0e3c892",
    ),
    ("entity_id", "c27f90b4-5e1d-4d36-9a88-60f3b1e7d415"),
    ("export_id", "3e8d51b7-0a94-4c62-b7f1-d92a6c40e583"),
    ("feedback_id", "5d19f3a8-74c0-4b2e-8d61-f0e7a4b9c236"),
    ("file_id", "file-6b90d3f2"),
    ("fine_tuning_job_id", "ftjob-2c8e71a5"),
    ("guardrail_id", "guard_2f7a1c"),
    ("integration_id", "openai-production"),
    ("invite_id", "6a9e0d47-b15c-4f83-a2d9-3c70e8f1b564"),
    ("label_id", "e41b7c92-3d06-4a5f-9b78-25c0f6d8a137"),
    ("log_id", "01a1df14-1e00-7000-8000-000000000000"),
    ("mcp_integration_id", "github"),
    ("mcp_server_id", "github-research"),
    ("message_id", "msg_90b3e6d8"),
    ("organisation_id", "a3d70f15-98e2-4b6c-8f41-c5b27d9e0634"),
    (
        "organisation_integration_id",
        "82f6c0d3-e1a9-4b57-9d24-70b3f5ae6c18",
    ),
    (
        "policy_usage_limits_id",
        "d80c62f7-4b39-4e15-a7d0-1f6e93c8b254",
    ),
    ("prompt_id", "pp-greeting-8c03f2"),
    ("prompt_partial_id", "pl-signature-31fa6b"),
    (
        "rate_limits_policy_id",
        "f5270e9b-6c81-4d3a-92b4-8e0d7a1c5f36",
    ),
    ("response_id", "resp_5e17c0d9"),
    ("run_id", "run_c84d20f7"),
    (
        "scim_workspace_group_id",
        "18e6b3d0-c75f-4920-8a4e-f39d61b07c52",
    ),
    ("secret_reference_id", "openai-key"),
    ("step_id", "step_13f9a7b6"),
    ("thread_id", "thread_e05b92c4"),
    ("tool_id", "tool-weather-5c1d90"),
    ("trace_id", "checkout-4711"),
    ("user_id", "2f1d6c0a-8b4e-4c39-9d57-0a6e3b7c1f24"),
    ("vector_store_id", "vs_a96f03d7"),
    ("version_id", "b9054d3e-7a1f-4c68-96e2-40d8c7f5a183"),
    ("virtual_key_id", "openai-research"),
    ("workspace_id", "ws-research-4d21a9"),
    // Everything else.
    ("ai_provider_id", "openai"),
    ("content", "Write a haiku about rivers."),
    ("description", "Used by the nightly jobs"),
    ("email", "new.user@example.com"),
    ("endpoint", "https://agent.example.com"),
    ("first_name", "Ada"),
    ("group_by", "model"),
    ("host", "https://example.com"),
    ("input", "Write a haiku about rivers."),
    ("key", "team"),
    ("last_name", "Lovelace"),
    ("model", "gpt-4o"),
    ("name", "Research"),
    ("prompt", "Write a haiku about rivers."),
    ("provider", "openai"),
    ("provider_id", "openai-research"),
    ("resource", "guardrails"),
    ("scopes", "completions.write"),
    ("slug", "research"),
    ("string", "Answer in one sentence: {{question}}"),
    ("uri", "https://example.com"),
    ("url", "https://example.com"),
    ("version", "2"),
    ("virtual_key", "openai-research"),
];

/// Returns the sample of a path parameter.
pub fn argument(path: &str, wire: &str) -> String {
    let is_parameter = |segment: &&str| segment.contains(&format!("{{{wire}}}"));
    let collection = segments(path)
        .take_while(|segment| !is_parameter(segment))
        .filter(|segment| !has_parameter(segment))
        .last()
        .unwrap_or_default();
    let name = match wire {
        "id" | "slug" => format!("{}_id", singular(&collection.to_snake_case())),
        name => name.to_snake_case(),
    };
    text(&name)
}

fn singular(plural: &str) -> &str {
    plural.strip_suffix('s').unwrap_or(plural)
}

/// Returns the sample of a string as a literal.
pub fn string(wire: &str) -> String {
    format!("{:?}", text(&wire.to_snake_case()))
}

fn text(name: &str) -> String {
    let is_end = |end: &str| {
        name.strip_suffix(end)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    // The longest end is the most specific one.
    let found = STRINGS
        .iter()
        .filter(|(end, _)| is_end(end))
        .max_by_key(|(end, _)| end.len());
    found.map_or(name, |(_, value)| value).to_owned()
}

/// Returns the sample of a type without parts.
pub fn plain(ty: &RustType, wire: &str) -> Option<String> {
    Some(match ty {
        RustType::String => string(wire),
        RustType::Secret => "\"value of the secret\"".to_owned(),
        RustType::Bool | RustType::Flag => "true".to_owned(),
        RustType::Integer | RustType::UInt32 => "1".to_owned(),
        RustType::Float => "1.0".to_owned(),
        RustType::Amount(name) => format!("portkey_admin::{name}(1.0)"),
        RustType::DateTime => time(wire).to_owned(),
        RustType::JsonValue => "json!({})".to_owned(),
        RustType::JsonObject | RustType::JsonMap => "json!({\"team\": \"research\"})".to_owned(),
        RustType::Other(_) => "Default::default()".to_owned(),
        _ => return None,
    })
}

/// Returns the start of a period that ends now, or now.
fn time(wire: &str) -> &'static str {
    match ["min", "start", "from"]
        .iter()
        .any(|part| wire.contains(part))
    {
        true => "SystemTime::now() - Duration::from_secs(86_400)",
        false => "SystemTime::now()",
    }
}
