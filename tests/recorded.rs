//! Responses in the shape of those that were recorded or documented in 2026, with made-up values: each is
//! decoded, its fields are checked, and encoding it again results in the same JSON. Every field of a
//! response is a field of its type.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf};

use portkey_admin::{
    Error, analytics::*, api_keys::*, audit::*, configs::*, deployments::*, guardrails::*,
    integrations::*, logs::*, mcp::*, policies::*, pricing::*, prompts::*, providers::*,
    secrets::*, workspaces::*,
};
use portkey_admin_testing::canonical_json::{self, Conversions};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use support::{boxed_call, server::ScriptedResponse, server_and_client};

/// A fixture and its test, which returns the names of the untyped fields.
type Row = (&'static str, fn(&str) -> BTreeSet<String>);

/// Defines a list of rows `file => type, value [assertions about the decoded value]`.
macro_rules! recorded {
    ($list:ident: $($file:literal => $type:ty, $value:ident [$($assertion:expr),* $(,)?];)*) => {
        const $list: &[Row] = &[$(($file, |file| {
            let $value = &round_trip::<$type>(file);
            $(assert!($assertion, "{file}: {}: {:#?}", stringify!($assertion), $value);)*
            untyped_fields($value)
        })),*];
    };
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recorded")
}

fn read(file: &str) -> String {
    fs::read_to_string(folder().join(format!("{file}.json"))).expect(file)
}

/// Decodes a fixture, encodes it again and compares.
fn round_trip<T: DeserializeOwned + Serialize + std::fmt::Debug>(file: &str) -> T {
    let text = read(file);
    let value: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let sent: Value = serde_json::from_str(&text).unwrap();
    let encoded = serde_json::to_value(&value).unwrap();
    if let Some(problem) = canonical_json::difference(&sent, &encoded, Conversions::Allowed) {
        panic!("{file}{problem}");
    }
    value
}

/// Returns the names of the fields in `extra`, at any depth. `Debug` prints them as `extra: {"name"}`.
fn untyped_fields(value: &impl std::fmt::Debug) -> BTreeSet<String> {
    let text = format!("{value:?}");
    let lists = text.split("extra: {").skip(1);
    let names = lists.flat_map(|rest| rest.split('}').next().unwrap_or_default().split(", "));
    names
        .map(|name| name.trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn at(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    Some(text.parse().unwrap())
}

recorded! { ADMIN:
    "01-list_workspaces" => WorkspaceList, list [
        list.total == Some(2),
        list.data[0].is_default == Some(false),
        list.data[1].status == Some(RecordStatus::Active),
    ];
    "02-list_mcp_integrations" => McpIntegrationList, list [
        list.has_more == Some(false),
        list.data[0].type_ == Some(IntegrationScope::Organisation),
        list.data[1].transport == Some(McpTransport::Sse),
        list.data[1].workspaces_count == Some(2),
    ];
    "03-list_mcp_integration_workspaces" => McpIntegrationWorkspaceList, list [
        list.workspaces[0].enabled == Some(false),
        list.data.is_empty(),
    ];
    "04-list_mcp_integration_workspaces" => McpIntegrationWorkspaceList, list [
        list.data[1].enabled == Some(false),
        list.workspaces.is_empty(),
        list.total == Some(2),
    ];
    "06-list_usage_limits_policies" => UsageLimitsPolicyList, list [
        list.data.is_empty(),
        list.total == Some(0),
    ];
    "08-list_log_exports" => LogExportList, list [
        list.data[0].status == Some(LogExportStatus::Draft),
        list.data[1].total_records == Some(3),
        list.data[0].requested_data[0].as_str() == "id",
        list.data[0].filters.as_ref().unwrap().time_of_generation_max == at("2026-02-03T00:00:00Z"),
    ];
    "09-create_usage_limits_policy" => CreatedPolicy, policy [
        policy.object.as_deref() == Some("policy-usage-limit"),
    ];
    "10-get_usage_limits_policy" => UsageLimitsPolicy, policy [
        policy.type_ == Some(UsageLimitsPolicyType::Cost),
        policy.credit_limit == Some(50.0),
        policy.status == Some(RecordStatus::Active),
        policy.conditions.len() == 1 && policy.group_by.len() == 1,
        policy.value_key_usage_map.is_empty(),
    ];
    "13-list_usage_limits_policy_entities" => UsageLimitsPolicyEntityList, list [
        list.data[0].current_usage == Some(7.0),
    ];
    "16-get_rate_limits_policy" => RateLimitsPolicy, policy [
        policy.type_ == Some(RateLimitType::Requests),
        policy.unit == Some(RateLimitUnit::Rpm),
        policy.value == Some(100.0),
    ];
    "18-create_mcp_integration" => CreateMcpIntegrationResponse, created [
        created.slug == "mcp-one",
    ];
    "20-get_mcp_integration" => McpIntegration, one [
        one.auth_type == Some(McpAuthType::OauthAuto),
        one.workspace_id.is_none(),
    ];
    "24-get_mcp_server" => McpServer, server [
        server.slug.as_deref() == Some("mcp-server-one"),
        server.created_at == at("2026-01-02T03:04:05.120Z"),
    ];
    "25-update_mcp_server" => UpdateMcpServerResponse, server [
        server.slug.as_deref() == Some("mcp-server-one"),
    ];
    "26-list_mcp_server_capabilities" => McpServerCapabilityList, list [
        list.counts.is_some(),
        list.has_more == Some(false),
    ];
    "27-list_mcp_server_user_access" => McpServerUserAccessList, list [
        list.default_user_access == Some(McpServerDefaultAccess::Allow),
    ];
    "28-update_mcp_server_user_access" => Acknowledgement, response [
        response.success == Some(true),
    ];
    "30-create_guardrail" => CreateGuardrailResponse, created [
        created.slug.as_deref() == Some("guardrail-one"),
        created.version_id.is_some(),
    ];
    "31-list_guardrail_mcp_servers" => GuardrailMcpServerList, list [
        list.into_iter().count() == 0,
    ];
    "32-replace_guardrail_mcp_servers" => ReplaceGuardrailMcpServersResponse, changes [
        changes.changed == Some(true),
        changes.added == Some(3),
    ];
    "34-create_log_export" => LogExportReceipt, receipt [
        receipt.object.as_deref() == Some("export"),
    ];
    "38-create_config" => CreateConfigResponse, created [
        created.slug == "pc-one",
        created.version_id.is_some(),
    ];
    "39-get_config" => Config, config [
        config.is_default == Some(false),
        config.config == Some(json!(r#"{"retry":{"attempts":3}}"#)),
    ];
    "40-update_config" => UpdateConfigResponse, response [
        response.version_id.is_some(),
    ];
    "41-list_config_versions" => ConfigVersionList, list [
        list.data[1].is_default == Some(false),
        list.data[1].version_created_at == at("2026-01-03T03:04:05.120Z"),
    ];
    "42-list_integrations" => IntegrationList, list [
        list.data[0].type_ == Some(IntegrationScope::Organisation),
        list.data[1].ai_provider_id.as_deref() == Some("anthropic"),
    ];
    "43-create_integration" => CreateIntegrationResponse, created [
        created.slug.as_deref() == Some("integration-one"),
    ];
    "44-get_integration" => Integration, one [
        one.allow_all_models == Some(true),
        one.last_updated_at.is_none(),
        one.masked_key.as_deref() == Some("ab*****yz"),
    ];
    "45-list_integration_models" => IntegrationModelList, list [
        list.total.is_none(),
        list.models[0].is_custom == Some(false),
        list.models[1].is_finetune == Some(false),
    ];
    "46-list_integration_workspaces" => IntegrationWorkspaceList, list [
        list.total.is_none(),
        list.workspaces[0].enabled == Some(false),
    ];
    "48-get_provider" => Provider, provider [
        provider.status == Some(KeyStatus::Active),
        provider.rate_limits.is_empty(),
    ];
    "49-list_api_keys" => ApiKeyList, list [
        list.data[0].status == KeyStatus::Active,
        list.data[1].type_ == ApiKeyKind::WorkspaceService,
        list.data[1].allow_config_override == Some(false),
        list.data[2].allow_config_override == Some(true),
        list.data[2].expiry_enforced == Some(false),
    ];
    "50-create_api_key" => CreateApiKeyResponse, created [
        created.key.expose().ends_with("canary"),
    ];
    "51-get_api_key" => ApiKey, key [
        key.expires_at.is_some(),
        key.next_usage_reset_at.is_none(),
        key.defaults.is_some(),
    ];
    "52-rotate_api_key" => RotateApiKeyResponse, rotated [
        rotated.key.expose().ends_with("canary"),
        rotated.key_transition_expires_at.is_some(),
    ];
    "53-get_workspace" => Workspace, one [
        one.is_default == Some(false),
        json!(one.security_settings).as_object().unwrap().len() == 35,
        one.settings["debug_log"] == 1,
        one.usage_limits.is_empty(),
    ];
    "55-list_secret_references" => SecretReferenceList, list [
        list.data[0].manager_type == Some(SecretManagerType::AwsSm),
    ];
    "56-get_secret_reference" => SecretReference, one [
        one.created_at == at("2026-01-02T03:04:05Z"),
        one.status.as_deref() == Some("ACTIVE"),
        one.auth_config.contains_key("masked_aws_access_key_id"),
    ];
    "58-create_feedback" => FeedbackReceipt, receipt [
        receipt.feedback_ids == ["feedback-one"],
    ];
    "60-get_model_pricing" => ModelPricing, pricing [
        pricing.currency.as_deref() == Some("USD"),
        pricing.calculate.is_some(),
    ];
    "67-list_configs" => ConfigList, list [
        list.data[1].slug == "pc-two",
        list.data[1].is_default == Some(false),
    ];
    "68-get_prompt" => Prompt, prompt [
        prompt.is_raw_template == Some(true),
        prompt.prompt_version_status == Some(RecordStatus::Active),
        prompt.variable_components["sections"] == json!(["one", "two"]),
    ];
    "71-list_virtual_keys" => VirtualKeyList, list [
        list.data[3].status == KeyStatus::Active,
        list.data[3].provider.as_deref() == Some("anthropic"),
    ];
    "74-get_usage_by_workspace" => WorkspaceUsageList, list [
        list.is_quota_exceeded == Some(false),
        list.data[1].workspace_slug.as_deref() == Some("ws-two"),
        list.data[1].cost.is_some(),
    ];
    "75-get_usage_by_mcp_server" => NamedUsageList, list [
        list.data[0].name.as_deref() == Some("mcp-one"),
        list.data[1].requests == Some(4),
    ];
    "78-get_cache_summary" => CacheSummary, summary [
        summary.summary.is_some(),
    ];
    "79-list_deployments" => DeploymentList, list [
        list.data[0].is_default == Some(true),
        list.data[0].type_ == Some(DeploymentType::Production),
        list.data[0].connection_status == Some(DeploymentConnectionStatus::Healthy),
    ];
    "81-get_collection" => Collection, one [
        one.is_default == Some(false),
        one.child_collections[0].collection_details.is_some(),
    ];
    "83-list_audit_logs" => AuditLogList, list [
        list.records[0].method == Some(AuditMethod::Post),
        list.records[0].user_type == Some(AuditUserType::User),
        list.records[0].response_status_code.is_some(),
    ];
    "86-get_api_key" => ApiKey, key [
        key.rotation_policy.as_ref().unwrap().rotation_period == Some(RotationPeriod::Monthly),
        key.rotation_policy.as_ref().unwrap().key_transition_period_ms.is_some(),
    ];
    "90-list_mcp_registry_servers" => McpRegistryServerList, list [
        list.servers.len() == 1,
        list.metadata.is_some(),
    ];
}

#[cfg(feature = "gateway")]
recorded! { GATEWAY:
    "63-create_chat_completion" => portkey_admin::gateway::chat::CreateChatCompletionResponse, chat [
        chat.choices.len() == 1,
        chat.usage.is_some(),
    ];
    "88-get_batch" => portkey_admin::gateway::batches::Batch, batch [
        batch.status == Some(portkey_admin::gateway::batches::BatchStatus::Validating),
    ];
    "89-list_models" => portkey_admin::gateway::models::ModelList, list [
        list.data[0].owned_by.as_deref() == Some("one"),
    ];
}

#[cfg(not(feature = "gateway"))]
const GATEWAY: &[Row] = &[];

/// Fixtures of operations without a typed response.
const WITHOUT_BODY: [&str; 4] = [
    "12-update_usage_limits_policy",
    "14-reset_usage_limits_policy_entity",
    "21-update_api_key",
    "59-insert_log",
];

/// Fixtures of error responses.
const ERRORS: [&str; 3] = [
    "84-error-AB03",
    "85-error-saved-only",
    "91-error-429-upstream",
];

#[test]
fn recorded_responses_round_trip_with_typed_fields() {
    let mut untyped = BTreeSet::new();
    for (file, check) in ADMIN.iter().chain(GATEWAY) {
        untyped.extend(check(file).into_iter().map(|name| (*file, name)));
    }
    assert!(untyped.is_empty(), "fields without a type: {untyped:?}");
}

#[test]
#[cfg(feature = "gateway")]
fn every_fixture_is_checked() {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names
        .map(|name| name.strip_suffix(".json").unwrap().to_owned())
        .collect();
    let rows = ADMIN.iter().chain(GATEWAY).map(|(file, _)| *file);
    let checked = rows.chain(WITHOUT_BODY).chain(ERRORS);
    let checked: BTreeSet<String> = checked.map(str::to_owned).collect();
    assert_eq!(files, checked);
}

#[tokio::test]
async fn recorded_responses_without_fields_are_a_success() {
    for file in WITHOUT_BODY {
        let (_server, client) = server_and_client(ScriptedResponse::json(200, read(file)));
        let limits = UpdateUsageLimitsPolicyRequest::builder().name("one");
        let key = UpdateApiKeyRequest::builder().name("one");
        let request = LogEntryRequest::builder()
            .url("https://host.example")
            .body(json!({}));
        let log = LogEntry::builder()
            .request(request)
            .response(LogEntryResponse::builder().status(200).body(json!({})));
        let call = match file {
            "12-update_usage_limits_policy" => boxed_call(
                client
                    .update_usage_limits_policy("one")
                    .body(limits)
                    .into_future(),
            ),
            "14-reset_usage_limits_policy_entity" => boxed_call(
                client
                    .reset_usage_limits_policy_entity("one", "two")
                    .into_future(),
            ),
            "21-update_api_key" => boxed_call(client.update_api_key("one").body(key).into_future()),
            _ => boxed_call(client.insert_log().body(log).into_future()),
        };
        call.await.expect(file);
    }
}

async fn error(status: u16, file: &str) -> Error {
    let (_server, client) = server_and_client(ScriptedResponse::json(status, read(file)));
    client.list_configs().send().await.unwrap_err()
}

#[tokio::test]
async fn recorded_errors_have_code_and_message() {
    let refused = error(403, "84-error-AB03").await;
    assert_eq!(
        (refused.code(), refused.message()),
        (Some("AB03"), Some("missing scope"))
    );
    assert!(refused.is_forbidden() && refused.is_gone_or_hidden());

    let blocked = error(400, "85-error-saved-only").await;
    assert_eq!(blocked.code(), Some("inline_provider_blocked"));
    assert_eq!(blocked.message(), Some("inline providers are not allowed"));
    assert!(!blocked.is_transient());

    let limited = error(429, "91-error-429-upstream").await;
    assert_eq!(limited.message(), Some("too many requests"));
    assert!(limited.is_rate_limited() && limited.is_transient());
}
