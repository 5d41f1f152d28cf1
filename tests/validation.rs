//! Client-side validation: requests that the service would refuse are not sent. Clearable fields have three
//! states on the wire.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use chrono::{DateTime, Utc};
use portkey_admin::{
    Client, JsonObject, agents, api_keys, deployments, guardrails, integrations, logs, mcp,
    network, policies, prompts, providers, secrets, types, users, workspaces,
};
use serde_json::{Map, Value, json};
use support::{
    BoxedCall, SECURITY_SETTINGS, boxed_call,
    server::{ScriptedResponse, Server},
    server_and_client,
};

/// A response body that every operation in these tests can decode.
const RESPONSE_BODY: &str = r#"{
    "id": "one", "slug": "one", "key": "canary", "name": "one", "version_id": "one", "object": "one",
    "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z"
}"#;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A validation rule: the fields named in its error, a request that violates it, and a valid request.
struct Rule {
    operation: &'static str,
    names: &'static [&'static str],
    invalid: BoxedCall,
    valid: BoxedCall,
}

fn rule(
    operation: &'static str,
    names: &'static [&'static str],
    invalid: BoxedCall,
    valid: BoxedCall,
) -> Rule {
    Rule {
        operation,
        names,
        invalid,
        valid,
    }
}

/// Asserts that the invalid request of each rule is refused and the valid one is sent.
async fn assert_rules(rules: fn(&Client) -> Vec<Rule>) {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    for (sent, rule) in (1..).zip(rules(&client)) {
        let operation = rule.operation;
        let error = rule.invalid.await.unwrap_err();
        assert!(error.is_invalid_request(), "{operation}: {error}");
        assert_eq!(error.operation(), Some(operation));
        let text = error.to_string();
        for name in rule.names {
            assert!(text.contains(name), "{operation} {name}: {text}");
        }
        assert_eq!(
            server.connections(),
            sent - 1,
            "{operation}: the invalid request was sent"
        );
        rule.valid
            .await
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        assert_eq!(
            server.requests().len(),
            sent,
            "{operation}: the valid request was not sent"
        );
    }
}

fn limits() -> types::UsageLimitsInputBuilder {
    types::UsageLimitsInput::builder()
}

/// Limits with both a reset period and a number of days, which exclude each other.
fn two_resets() -> types::UsageLimitsInputBuilder {
    limits().periodic_reset("monthly").periodic_reset_days(30)
}

/// An alert threshold above the limit.
fn alert_above_limit() -> types::UsageLimitsInputBuilder {
    limits().credit_limit(50.0).alert_threshold(50.5)
}

/// An alert threshold equal to the limit is valid.
fn valid_limits() -> types::UsageLimitsInputBuilder {
    limits()
        .credit_limit(50.0)
        .alert_threshold(50.0)
        .periodic_reset_days(30)
}

fn api_key_rules(client: &Client) -> Vec<Rule> {
    let create = |kind: &str, sub: &str, body: api_keys::CreateApiKeyRequestBuilder| {
        boxed_call(client.create_api_key(kind, sub).body(body).send())
    };
    let update = |body: api_keys::UpdateApiKeyRequestBuilder| {
        boxed_call(client.update_api_key("one").body(body).send())
    };
    let rotate = |milliseconds: i64| {
        let body = api_keys::RotateApiKeyRequest::builder().key_transition_period_ms(milliseconds);
        boxed_call(client.rotate_api_key("one").body(body).send())
    };
    let new = || {
        api_keys::CreateApiKeyRequest::builder()
            .name("ci")
            .scopes(["logs.list"])
    };
    let change = api_keys::UpdateApiKeyRequest::builder;
    let policy = api_keys::RotationPolicyInput::builder;
    let date = || at("2030-01-02T03:04:05Z");
    vec![
        rule(
            "create_api_key",
            &["`sub-type`", "`type`"],
            create("organisation", "user", new().user_id("one")),
            create("organisation", "service", new()),
        ),
        rule(
            "create_api_key",
            &["`workspace_id`"],
            create("workspace", "service", new()),
            create("workspace", "service", new().workspace_id("one")),
        ),
        rule(
            "create_api_key",
            &["`workspace_id`"],
            create("workspace", "service", new().workspace_id("")),
            create("workspace", "service", new().workspace_id("ws-one")),
        ),
        rule(
            "create_api_key",
            &["`user_id`"],
            create("workspace", "user", new().workspace_id("one")),
            create(
                "workspace",
                "user",
                new().workspace_id("one").user_id("two"),
            ),
        ),
        rule(
            "create_api_key",
            &["`scopes`"],
            create("organisation", "service", new().scopes([""; 0])),
            create("organisation", "service", new().scopes(["galaxy.read"])),
        ),
        rule(
            "create_api_key",
            &["`rotation_policy.key_transition_period_ms`", "1800000"],
            create(
                "organisation",
                "service",
                new().rotation_policy(policy().key_transition_period_ms(1_799_999)),
            ),
            create(
                "organisation",
                "service",
                new().rotation_policy(policy().key_transition_period_ms(1_800_000)),
            ),
        ),
        rule(
            "create_api_key",
            &["`usage_limits.alert_threshold`", "`credit_limit`"],
            create(
                "organisation",
                "service",
                new().usage_limits(alert_above_limit()),
            ),
            create(
                "organisation",
                "service",
                new().usage_limits(valid_limits()),
            ),
        ),
        rule(
            "update_api_key",
            &["`rotation_policy.key_transition_period_ms`", "1800000"],
            update(change().rotation_policy(policy().key_transition_period_ms(0))),
            // A period and a date may be sent together (V075).
            update(
                change()
                    .rotation_policy(policy().rotation_period("weekly").next_rotation_at(date())),
            ),
        ),
        rule(
            "update_api_key",
            &["`scopes`"],
            update(change().scopes([""; 0])),
            update(change().name("two")),
        ),
        rule(
            "update_api_key",
            &["`usage_limits.periodic_reset`", "`periodic_reset_days`"],
            update(change().usage_limits(two_resets())),
            update(change().usage_limits(limits().periodic_reset("monthly"))),
        ),
        rule(
            "rotate_api_key",
            &["`key_transition_period_ms`", "1800000"],
            rotate(0),
            rotate(1_800_000),
        ),
    ]
}

fn guardrail_rules(client: &Client) -> Vec<Rule> {
    let create = |body: guardrails::CreateGuardrailRequestBuilder| {
        boxed_call(client.create_guardrail().body(body).send())
    };
    let new = || guardrails::CreateGuardrailRequest::builder().name("no secrets");
    let check = || guardrails::GuardrailCheckInput::builder().id("default.contains");
    let complete = || new().checks([check()]).actions(json!({"deny": true}));
    vec![
        rule(
            "create_guardrail",
            &["`checks`"],
            create(new().actions(json!({"deny": true}))),
            create(complete()),
        ),
        rule(
            "create_guardrail",
            &["`actions`"],
            create(new().target("llm").checks([check()])),
            create(complete().target("llm")),
        ),
        rule(
            "create_guardrail",
            &["`checks`"],
            create(complete().checks(Vec::<guardrails::GuardrailCheckInput>::new())),
            create(new().target("mcp")),
        ),
    ]
}

#[tokio::test]
async fn invalid_guardrails_are_refused() {
    assert_rules(guardrail_rules).await;
}

#[tokio::test]
async fn invalid_api_keys_are_refused() {
    assert_rules(api_key_rules).await;
}

/// Returns the security settings of a workspace without one of them.
fn all_but(missing: &str) -> Map<String, Value> {
    let names = SECURITY_SETTINGS.iter().filter(|name| **name != missing);
    names
        .map(|name| ((*name).to_owned(), json!(true)))
        .collect()
}

fn workspace_rules(client: &Client) -> Vec<Rule> {
    let create = |limits: types::UsageLimitsInputBuilder| {
        let body = workspaces::CreateWorkspaceRequest::builder().name("one");
        boxed_call(
            client
                .create_workspace()
                .body(body.usage_limits([limits]))
                .send(),
        )
    };
    let update = |limits: types::UsageLimitsInputBuilder| {
        let body = workspaces::UpdateWorkspaceRequest::builder().usage_limits([limits]);
        boxed_call(client.update_workspace("one").body(body).send())
    };
    let delete = |name: &str| {
        let body = workspaces::DeleteWorkspaceRequest::builder().name(name);
        boxed_call(client.delete_workspace("one").body(body).send())
    };
    let map = |id: Option<&str>, name: Option<&str>| {
        let mut body = workspaces::CreateScimWorkspaceMappingRequest::builder()
            .workspace_id("one")
            .role("member");
        if let Some(id) = id {
            body = body.scim_group_id(id);
        }
        if let Some(name) = name {
            body = body.scim_group_name(name);
        }
        boxed_call(client.create_scim_workspace_mapping().body(body).send())
    };
    let secure = |settings: Map<String, Value>| {
        let body = workspaces::UpdateWorkspaceRequest::builder().security_settings(&settings);
        boxed_call(client.update_workspace("one").body(body).send())
    };
    vec![
        rule(
            "create_workspace",
            &["`usage_limits[0].alert_threshold`"],
            create(alert_above_limit()),
            create(valid_limits()),
        ),
        rule(
            "update_workspace",
            &["`usage_limits[0].periodic_reset`", "`periodic_reset_days`"],
            update(two_resets()),
            update(limits().periodic_reset("weekly")),
        ),
        rule("delete_workspace", &["`name`"], delete(""), delete("one")),
        rule(
            "update_workspace",
            &["`security_settings.managersWriteWsUsers`"],
            secure(all_but("managersWriteWsUsers")),
            secure(all_but("none of them")),
        ),
        rule(
            "create_scim_workspace_mapping",
            &["`scim_group_id`", "`scim_group_name`"],
            map(None, None),
            map(Some("one"), None),
        ),
        rule(
            "create_scim_workspace_mapping",
            &["`scim_group_id`", "`scim_group_name`"],
            map(Some("one"), Some("two")),
            map(None, Some("two")),
        ),
    ]
}

#[tokio::test]
async fn invalid_workspaces_are_refused() {
    assert_rules(workspace_rules).await;
}

fn prompt_rules(client: &Client) -> Vec<Rule> {
    let update = |body: prompts::UpdatePromptRequestBuilder| {
        boxed_call(client.update_prompt("one").body(body).send())
    };
    let body = prompts::UpdatePromptRequest::builder;
    let complete =
        || prompts::UpdatePromptRequest::full_version("", JsonObject::default(), "m", "v", false);
    let create = |body: prompts::CreatePromptRequestBuilder| {
        boxed_call(client.create_prompt().body(body).send())
    };
    let new = || {
        prompts::CreatePromptRequest::builder()
            .name("one")
            .collection_id("two")
            .string("three")
            .parameters(JsonObject::default())
    };
    let rename = |body: prompts::UpdateCollectionRequestBuilder| {
        boxed_call(client.update_collection("one").body(body).send())
    };
    let collection = prompts::UpdateCollectionRequest::builder;
    vec![
        rule(
            "create_prompt",
            &["`virtual_key`", "`provider_api_key_id`"],
            create(new().model("m")),
            create(new().model("m").provider_api_key_id("v")),
        ),
        rule(
            "create_prompt",
            &["`virtual_key`", "`provider_api_key_id`"],
            create(new().model("m").virtual_key("v").provider_api_key_id("v")),
            create(new().virtual_key("v").ai_model_id("m")),
        ),
        rule(
            "create_prompt",
            &["`model`", "`finetune_id`"],
            create(new().virtual_key("v").model("m").finetune_id("m")),
            create(new().virtual_key("v").finetune_id("m")),
        ),
        rule(
            "update_collection",
            &["`name`", "`parent_collection_id`"],
            rename(collection()),
            rename(collection().clear_parent_collection_id()),
        ),
        rule(
            "update_prompt",
            &["`string`", "`ai_model_id`"],
            update(body().ai_model_id("m")),
            update(
                body()
                    .string("")
                    .parameters(JsonObject::default())
                    .ai_model_id("m")
                    .provider_api_key_id("v")
                    .is_raw_template(false),
            ),
        ),
        rule(
            "update_prompt",
            &["`parameters`", "`string`", "`patch`"],
            update(body().string("one")),
            update(prompts::UpdatePromptRequest::patch().string("one")),
        ),
        rule(
            "update_prompt",
            &["`string`", "`tools`"],
            update(body().tools([JsonObject::default()])),
            update(complete().tools([JsonObject::default()])),
        ),
        rule(
            "update_prompt",
            &["`is_raw_template`"],
            update(
                body()
                    .string("one")
                    .parameters(JsonObject::default())
                    .model("m")
                    .virtual_key("v"),
            ),
            update(complete()),
        ),
        rule(
            "update_prompt",
            &["`string`", "`model`"],
            update(body().patch(false).name("two").model("m")),
            update(body().name("two").collection_id("three")),
        ),
        rule(
            "update_prompt",
            &["`string`", "`is_raw_template`"],
            update(body().is_raw_template(false)),
            update(body().virtual_key("v").version_description("none")),
        ),
    ]
}

#[tokio::test]
async fn invalid_prompt_updates_are_refused() {
    assert_rules(prompt_rules).await;
}

fn integration_workspace_rules(client: &Client) -> Vec<Rule> {
    let update = |body: integrations::UpdateIntegrationWorkspacesRequestBuilder| {
        boxed_call(
            client
                .update_integration_workspaces("one")
                .body(body)
                .send(),
        )
    };
    let body = integrations::UpdateIntegrationWorkspacesRequest::builder;
    let each = |limits: types::UsageLimitsInputBuilder| {
        let workspace = integrations::IntegrationWorkspaceUpdate::builder().enabled(true);
        body().workspaces([
            workspace.clone().id("one"),
            workspace.id("two").usage_limits([limits]),
        ])
    };
    let all = |limits: types::UsageLimitsInputBuilder| {
        let access = integrations::GlobalWorkspaceAccessInput::builder().enabled(true);
        body().global_workspace_access(access.usage_limits([limits]))
    };
    vec![
        rule(
            "update_integration_workspaces",
            &["`workspaces[1].usage_limits[0].alert_threshold`"],
            update(each(alert_above_limit())),
            update(each(valid_limits())),
        ),
        rule(
            "update_integration_workspaces",
            &["`global_workspace_access.usage_limits[0].periodic_reset`"],
            update(all(two_resets())),
            update(all(valid_limits())),
        ),
    ]
}

#[tokio::test]
async fn invalid_integration_workspaces_are_refused() {
    assert_rules(integration_workspace_rules).await;
}

fn provider_rules(client: &Client) -> Vec<Rule> {
    let create = |limits: types::UsageLimitsInputBuilder| {
        let body = providers::CreateProviderRequest::builder()
            .name("one")
            .integration_id("two");
        boxed_call(
            client
                .create_provider()
                .body(body.usage_limits(limits))
                .send(),
        )
    };
    let update = |limits: types::UsageLimitsInputBuilder| {
        let body = providers::UpdateProviderRequest::builder().usage_limits(limits);
        boxed_call(client.update_provider("one").body(body).send())
    };
    let create_key = |limits: types::UsageLimitsInputBuilder| {
        let body = providers::CreateVirtualKeyRequest::builder().usage_limits(limits);
        boxed_call(client.create_virtual_key().body(body).send())
    };
    let update_key = |limits: types::UsageLimitsInputBuilder| {
        let body = providers::UpdateVirtualKeyRequest::builder().usage_limits(limits);
        boxed_call(client.update_virtual_key("one").body(body).send())
    };
    let alert = &["`usage_limits.alert_threshold`"];
    let resets = &["`usage_limits.periodic_reset`"];
    vec![
        rule(
            "create_provider",
            alert,
            create(alert_above_limit()),
            create(valid_limits()),
        ),
        rule(
            "update_provider",
            resets,
            update(two_resets()),
            update(limits()),
        ),
        rule(
            "create_virtual_key",
            resets,
            create_key(two_resets()),
            create_key(limits().periodic_reset("weekly")),
        ),
        rule(
            "update_virtual_key",
            alert,
            update_key(alert_above_limit()),
            update_key(limits().alert_threshold(90.0)),
        ),
    ]
}

#[tokio::test]
async fn invalid_providers_and_virtual_keys_are_refused() {
    assert_rules(provider_rules).await;
}

fn policy_rules(client: &Client) -> Vec<Rule> {
    let condition = || {
        policies::PolicyConditionInput::builder()
            .key("api_key")
            .value("one")
    };
    let group = || policies::PolicyGroupByInput::builder().key("api_key");
    let usage = || {
        policies::CreateUsageLimitsPolicyRequest::builder()
            .type_("cost")
            .credit_limit(50.0)
            .conditions([condition()])
            .group_by([group()])
    };
    let rate = || {
        policies::CreateRateLimitsPolicyRequest::builder()
            .type_("requests")
            .unit("rpm")
            .value(5.0)
            .conditions([condition()])
            .group_by([group()])
    };
    let create_usage = |body: policies::CreateUsageLimitsPolicyRequestBuilder| {
        boxed_call(client.create_usage_limits_policy().body(body).send())
    };
    let create_rate = |body: policies::CreateRateLimitsPolicyRequestBuilder| {
        boxed_call(client.create_rate_limits_policy().body(body).send())
    };
    let update_usage = |body: policies::UpdateUsageLimitsPolicyRequestBuilder| {
        boxed_call(client.update_usage_limits_policy("one").body(body).send())
    };
    let change = policies::UpdateUsageLimitsPolicyRequest::builder;
    let no_condition = Vec::<policies::PolicyConditionInput>::new;
    let no_group = Vec::<policies::PolicyGroupByInput>::new;
    vec![
        rule(
            "create_usage_limits_policy",
            &["`conditions`"],
            create_usage(usage().conditions(no_condition())),
            create_usage(usage()),
        ),
        rule(
            "create_usage_limits_policy",
            &["`group_by`"],
            create_usage(usage().group_by(no_group())),
            create_usage(usage().alert_threshold(50.0)),
        ),
        rule(
            "create_usage_limits_policy",
            &["`alert_threshold`", "`credit_limit`"],
            create_usage(usage().alert_threshold(51.0)),
            create_usage(usage().periodic_reset("monthly")),
        ),
        rule(
            "update_usage_limits_policy",
            &["`alert_threshold`", "`credit_limit`"],
            update_usage(change().credit_limit(1.0).alert_threshold(2.0)),
            update_usage(change().alert_threshold(2.0)),
        ),
        rule(
            "create_rate_limits_policy",
            &["`conditions`"],
            create_rate(rate().conditions(no_condition())),
            create_rate(rate()),
        ),
        rule(
            "create_rate_limits_policy",
            &["`group_by`"],
            create_rate(rate().group_by(no_group())),
            create_rate(rate().name("one")),
        ),
    ]
}

#[tokio::test]
async fn invalid_policies_are_refused() {
    assert_rules(policy_rules).await;
}

fn access_policy_rules(client: &Client) -> Vec<Rule> {
    let subject = |kind: &str, id: &str| {
        policies::AccessPolicySubjectInput::builder()
            .type_(kind)
            .id(id)
    };
    let target = || {
        policies::AccessPolicyProviderInput::builder()
            .type_("provider")
            .provider_id("one")
    };
    let policy = || {
        policies::CreateAccessPolicyRequest::builder()
            .name("one")
            .subjects([subject("user", "one")])
            .targets([target()])
    };
    let create = |body: policies::CreateAccessPolicyRequestBuilder| {
        boxed_call(client.create_access_policy().body(body).send())
    };
    let change = || {
        policies::UpdateAccessPolicyRequest::builder()
            .version(1)
            .subjects([subject("user", "one")])
            .targets([target()])
    };
    let update = |body: policies::UpdateAccessPolicyRequestBuilder| {
        boxed_call(client.update_access_policy("one").body(body).send())
    };
    let anybody = || [subject("user", "ANY"), subject("agent", "ANY")];
    vec![
        rule(
            "create_access_policy",
            &["`subjects/1/id`", "`ANY`"],
            create(policy().subjects([subject("user", "one"), subject("group", "ANY")])),
            create(policy().subjects([subject("user", "ANY"), subject("group", "one")])),
        ),
        rule(
            "create_access_policy",
            &["`subjects`", "`allow`"],
            create(policy().subjects(anybody()).effect("allow")),
            create(policy().subjects(anybody())),
        ),
        rule(
            "create_access_policy",
            &["`effect`"],
            create(policy().effect("refuse")),
            create(policy().subjects(anybody()).effect("deny")),
        ),
        rule(
            "create_access_policy",
            &["`description`"],
            create(policy().description("x".repeat(257))),
            create(policy().description("x".repeat(256))),
        ),
        rule(
            "update_access_policy",
            &["`version`"],
            update(change().version(0)),
            update(change()),
        ),
        rule(
            "update_access_policy",
            &["`targets`"],
            update(change().targets(Vec::<policies::AccessPolicyTargetInput>::new())),
            update(change().version(7)),
        ),
        rule(
            "update_access_policy",
            &["`subjects/0/id`"],
            update(change().subjects([subject("group", "ANY")])),
            update(change().subjects([subject("group", "one")])),
        ),
    ]
}

#[tokio::test]
async fn invalid_access_policies_are_refused() {
    assert_rules(access_policy_rules).await;
}

fn agent_and_network_rules(client: &Client) -> Vec<Rule> {
    let agent = || {
        agents::CreateAgentIntegrationRequest::builder()
            .name("one")
            .auth_type("none")
            .url("https://agent.example.com")
    };
    let create_agent = |body: agents::CreateAgentIntegrationRequestBuilder| {
        boxed_call(client.create_agent_integration().body(body).send())
    };
    let change_agent = |url: &str| {
        let body = agents::UpdateAgentIntegrationRequest::builder().url(url);
        boxed_call(client.update_agent_integration("one").body(body).send())
    };
    let create = |domain: &str| {
        let body = network::CreateEgressAllowlistEntryRequest::builder().domain(domain);
        boxed_call(client.create_egress_allowlist_entry().body(body).send())
    };
    let update = |domain: &str| {
        let body = network::UpdateEgressAllowlistEntryRequest::builder().domain(domain);
        let call = client.update_egress_allowlist_entry("one");
        boxed_call(call.body(body).send())
    };
    let domain = &["`domain`"];
    vec![
        rule(
            "create_agent_integration",
            &["`url`"],
            create_agent(agent().url("https://agent.example.com/#one")),
            create_agent(agent()),
        ),
        rule(
            "create_agent_integration",
            &["`agent_card.url`"],
            create_agent(agent().agent_card(json!({"name": "one"}))),
            create_agent(
                agent().agent_card(json!({"name": "one", "url": "https://a.example.com"})),
            ),
        ),
        rule(
            "update_agent_integration",
            &["`url`"],
            change_agent("ftp://agent.example.com"),
            change_agent("HTTP://agent.example.com"),
        ),
        rule(
            "create_egress_allowlist_entry",
            domain,
            create("https://example.com"),
            create(" API.Example.com "),
        ),
        rule(
            "create_egress_allowlist_entry",
            domain,
            create("example.com/path"),
            create("*.example.com"),
        ),
        rule(
            "create_egress_allowlist_entry",
            domain,
            create("user@example.com"),
            create("[2001:db8::1]"),
        ),
        rule(
            "create_egress_allowlist_entry",
            domain,
            create("*."),
            create("2001:db8::1"),
        ),
        rule(
            "update_egress_allowlist_entry",
            domain,
            update("example.com:443"),
            update("10.0.0.7"),
        ),
    ]
}

#[tokio::test]
async fn invalid_agents_and_hosts_are_refused() {
    assert_rules(agent_and_network_rules).await;
}

fn secret_rules(client: &Client) -> Vec<Rule> {
    let create = |workspaces: &[&str]| {
        let body = secrets::CreateSecretReferenceRequest::builder()
            .name("one")
            .manager_type("aws_sm")
            .secret_path("a/path")
            .auth_config(JsonObject::default())
            .allowed_workspaces(workspaces.iter().copied());
        boxed_call(client.create_secret_reference().body(body).send())
    };
    let update = |body: secrets::UpdateSecretReferenceRequestBuilder| {
        boxed_call(client.update_secret_reference("one").body(body).send())
    };
    let body = secrets::UpdateSecretReferenceRequest::builder;
    let names = &["`allowed_workspaces`"];
    vec![
        rule(
            "create_secret_reference",
            names,
            create(&[]),
            create(&["one"]),
        ),
        rule(
            "update_secret_reference",
            names,
            update(body().allowed_workspaces([""; 0])),
            update(body().clear_secret_key()),
        ),
    ]
}

#[tokio::test]
async fn invalid_secret_references_are_refused() {
    assert_rules(secret_rules).await;
}

/// The error of a request, which is not sent.
async fn refused(server: &Server, call: BoxedCall) -> String {
    let error = call.await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(server.connections(), 0, "the request was sent: {error}");
    error.to_string()
}

#[tokio::test]
async fn error_of_a_constraint_names_operation_field_allowed_and_found() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    let workspace = workspaces::CreateWorkspaceRequest::builder;
    let create = |body: workspaces::CreateWorkspaceRequestBuilder| {
        boxed_call(client.create_workspace().body(body).send())
    };
    let feedback = |value: i64| {
        let body = logs::CreateFeedbackRequest::builder()
            .trace_id("one")
            .value(value);
        boxed_call(client.create_feedback().body(body).send())
    };
    let invite = |role: &str| {
        let body = users::CreateUserInviteRequest::builder()
            .email("a@example.com")
            .role(role);
        boxed_call(client.create_user_invite().body(body).send())
    };
    let add = |role: &str| {
        let user = workspaces::NewWorkspaceMember::builder()
            .id("one")
            .role(role);
        let body = workspaces::AddWorkspaceMembersRequest::builder().users([user]);
        boxed_call(client.add_workspace_members("one").body(body).send())
    };
    let cases = [
        (
            create(workspace()),
            "create_workspace",
            "`name` of CreateWorkspaceRequest is required",
        ),
        (
            create(workspace().name("one").usage_limits([limits(), limits()])),
            "create_workspace",
            "`usage_limits` must have at most 1 item, found 2",
        ),
        (
            create(
                workspace()
                    .name("one")
                    .usage_limits([limits().credit_limit(0.5)]),
            ),
            "create_workspace",
            "`usage_limits[0].credit_limit` must be at least 1, found 0.5",
        ),
        (
            feedback(99),
            "create_feedback",
            "`value` must be at most 10, found 99",
        ),
        (
            feedback(-11),
            "create_feedback",
            "`value` must be at least -10, found -11",
        ),
        (
            boxed_call(client.list_mcp_server_capabilities("one").page(0).send()),
            "list_mcp_server_capabilities",
            "query parameter `page` must be at least 1, found 0",
        ),
        (
            boxed_call(client.list_guardrails().page_size(1001).send()),
            "list_guardrails",
            "query parameter `page_size` must be at most 1000, found 1001",
        ),
        (
            boxed_call(client.list_users().role("boss").send()),
            "list_users",
            "query parameter `role` must be one of `admin`, `member` or `owner`, found `boss`",
        ),
        (
            invite("boss"),
            "create_user_invite",
            "`role` must be one of `admin` or `member`, found `boss`",
        ),
        (
            add("boss"),
            "add_workspace_members",
            "`users[0].role` must be one of `admin`, `member`, `manager` or `viewer`, found `boss`",
        ),
        (
            boxed_call(
                client
                    .create_api_key("boss", "service")
                    .body(
                        api_keys::CreateApiKeyRequest::builder()
                            .name("ci")
                            .scopes(["a"]),
                    )
                    .send(),
            ),
            "create_api_key",
            "path argument `type` must be one of `organisation` or `workspace`, found `boss`",
        ),
        (
            boxed_call(
                client
                    .update_mcp_server("one")
                    .body(mcp::UpdateMcpServerRequest::builder())
                    .send(),
            ),
            "update_mcp_server",
            "`name` or `description` is required",
        ),
    ];
    for (call, operation, expected) in cases {
        let error = refused(&server, call).await;
        assert!(
            error.contains(operation) && error.contains(expected),
            "{expected}: {error}"
        );
    }
}

#[tokio::test]
async fn values_at_the_bounds_are_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    let feedback = logs::CreateFeedbackRequest::builder()
        .trace_id("one")
        .value(-10)
        .weight(1.0);
    client
        .create_feedback()
        .body(feedback)
        .send()
        .await
        .unwrap();
    client
        .list_api_keys()
        .page_size(0)
        .current_page(0)
        .send()
        .await
        .unwrap();
    // The role of a SCIM mapping is accepted in upper and lower case.
    let mapping = workspaces::CreateScimWorkspaceMappingRequest::builder()
        .workspace_id("one")
        .scim_group_id("two")
        .role("Manager");
    client
        .create_scim_workspace_mapping()
        .body(mapping)
        .send()
        .await
        .unwrap();
    // `owner` and `viewer` are known from the backend's validator only.
    let user = users::UpdateUserRequest::builder().role("owner");
    client.update_user("one").body(user).send().await.unwrap();
    let member = workspaces::UpdateWorkspaceMemberRequest::builder().role("viewer");
    client
        .update_workspace_member("one", "two")
        .body(member)
        .send()
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn role_with_a_prefix_is_sent_without_it() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    assert_eq!(
        types::WorkspaceRole::from("ws-admin"),
        types::WorkspaceRole::Admin
    );
    for role in ["ws-admin", "ws-member", "ws-manager"] {
        let body = workspaces::UpdateWorkspaceMemberRequest::builder().role(role);
        client
            .update_workspace_member("one", "two")
            .body(body)
            .send()
            .await
            .unwrap();
    }
    let roles: Vec<Value> = server
        .requests()
        .iter()
        .map(|r| r.json()["role"].clone())
        .collect();
    assert_eq!(roles, ["admin", "member", "manager"]);
}

/// A clearable field: its location in the body, and requests that keep it (twice), clear it and set
/// it.
struct ThreeStates {
    pointer: &'static str,
    cleared: Value,
    set: Value,
    requests: [BoxedCall; 4],
}

/// Returns `None`, of the type of a value.
fn none_of<T>(_: T) -> Option<T> {
    None
}

/// Builds four requests: with the field unset, set to `None`, cleared and set. Setters of lists and
/// objects take no `None`; the last argument is the one that does.
macro_rules! states {
    ($call:expr, $body:expr, $clear:ident, $field:ident($value:expr)) => {
        states!($call, $body, $clear, $field($value), $field)
    };
    ($call:expr, $body:expr, $clear:ident, $field:ident($value:expr), $none:ident) => {
        [
            boxed_call($call.body($body).send()),
            boxed_call($call.body($body.$none(none_of($value))).send()),
            boxed_call($call.body($body.$clear()).send()),
            boxed_call($call.body($body.$field($value)).send()),
        ]
    };
}

fn three_states(
    pointer: &'static str,
    cleared: Value,
    set: Value,
    requests: [BoxedCall; 4],
) -> ThreeStates {
    ThreeStates {
        pointer,
        cleared,
        set,
        requests,
    }
}

fn api_key_states(client: &Client) -> Vec<ThreeStates> {
    let key = || client.update_api_key("one");
    let body = || api_keys::UpdateApiKeyRequest::builder().name("n");
    let rate = types::RateLimitInput::builder()
        .type_("requests")
        .unit("rpw")
        .value(5);
    let date = at("2030-01-02T03:04:05Z");
    let defaults = api_keys::ApiKeyDefaultsInput::builder;
    vec![
        three_states(
            "/alert_emails",
            Value::Null,
            json!([]),
            states!(
                key(),
                body(),
                clear_alert_emails,
                alert_emails([""; 0]),
                maybe_alert_emails
            ),
        ),
        three_states(
            "/expires_at",
            Value::Null,
            json!("2030-01-02T03:04:05Z"),
            states!(key(), body(), clear_expires_at, expires_at(date)),
        ),
        three_states(
            "/rate_limits",
            Value::Null,
            json!([{"type": "requests", "unit": "rpw", "value": 5}]),
            states!(
                key(),
                body(),
                clear_rate_limits,
                rate_limits([rate.clone()]),
                maybe_rate_limits
            ),
        ),
        three_states(
            "/usage_limits",
            Value::Null,
            json!({"credit_limit": 5.0}),
            states!(
                key(),
                body(),
                clear_usage_limits,
                usage_limits(limits().credit_limit(5.0))
            ),
        ),
        three_states(
            "/defaults/config_id",
            Value::Null,
            json!("pc-one"),
            [
                boxed_call(key().body(body().defaults(defaults())).send()),
                boxed_call(
                    key()
                        .body(body().defaults(defaults().config_id(None::<&str>)))
                        .send(),
                ),
                boxed_call(
                    key()
                        .body(body().defaults(defaults().clear_config_id()))
                        .send(),
                ),
                boxed_call(
                    key()
                        .body(body().defaults(defaults().config_id("pc-one")))
                        .send(),
                ),
            ],
        ),
    ]
}

fn other_states(client: &Client) -> Vec<ThreeStates> {
    let space = || client.update_workspace("one");
    let body = || workspaces::UpdateWorkspaceRequest::builder().name("n");
    let defaults = workspaces::WorkspaceDefaultsInput::builder;
    let provider = providers::UpdateProviderRequest::builder;
    let mapping = types::SecretMappingInput::builder()
        .secret_reference_id("one")
        .target_field("key");
    vec![
        three_states(
            "/icon",
            json!(""),
            json!("🚀"),
            states!(space(), body(), clear_icon, icon("🚀")),
        ),
        three_states(
            "/rate_limits",
            Value::Null,
            json!([]),
            states!(
                space(),
                body(),
                clear_rate_limits,
                rate_limits(Vec::<types::RateLimitInput>::new()),
                maybe_rate_limits
            ),
        ),
        three_states(
            "/usage_limits",
            Value::Null,
            json!([{"credit_limit": 5.0}]),
            states!(
                space(),
                body(),
                clear_usage_limits,
                usage_limits([limits().credit_limit(5.0)]),
                maybe_usage_limits
            ),
        ),
        three_states(
            "/secret_mappings",
            json!([]),
            json!([{"secret_reference_id": "one", "target_field": "key"}]),
            states!(
                client.update_integration("one"),
                integrations::UpdateIntegrationRequest::builder(),
                clear_secret_mappings,
                secret_mappings([mapping.clone()]),
                maybe_secret_mappings
            ),
        ),
        three_states(
            "/label_id",
            Value::Null,
            json!("one"),
            states!(
                client.update_prompt_version("one", "two"),
                prompts::UpdatePromptVersionRequest::builder(),
                clear_label_id,
                label_id("one")
            ),
        ),
        three_states(
            "/expires_at",
            Value::Null,
            json!("2030-01-02T03:04:05Z"),
            states!(
                client.update_provider("one"),
                provider(),
                clear_expires_at,
                expires_at(at("2030-01-02T03:04:05Z"))
            ),
        ),
        three_states(
            "/deployment_config",
            Value::Null,
            json!({}),
            states!(
                client.update_deployment("one"),
                deployments::UpdateDeploymentRequest::builder(),
                clear_deployment_config,
                deployment_config(JsonObject::default()),
                maybe_deployment_config
            ),
        ),
        three_states(
            "/tags",
            Value::Null,
            json!({"team": ""}),
            states!(
                client.update_deployment("one"),
                deployments::UpdateDeploymentRequest::builder(),
                clear_tags,
                tags([("team", "")]),
                maybe_tags
            ),
        ),
        three_states(
            "/periodic_reset",
            Value::Null,
            json!("weekly"),
            states!(
                client.update_usage_limits_policy("one"),
                policies::UpdateUsageLimitsPolicyRequest::builder(),
                clear_periodic_reset,
                periodic_reset("weekly")
            ),
        ),
        three_states(
            "/defaults/user_api_key_config",
            Value::Null,
            json!("pc-one"),
            [
                boxed_call(space().body(body().defaults(defaults())).send()),
                boxed_call(
                    space()
                        .body(body().defaults(defaults().user_api_key_config(None::<&str>)))
                        .send(),
                ),
                boxed_call(
                    space()
                        .body(body().defaults(defaults().clear_user_api_key_config()))
                        .send(),
                ),
                boxed_call(
                    space()
                        .body(body().defaults(defaults().user_api_key_config("pc-one")))
                        .send(),
                ),
            ],
        ),
        three_states(
            "/secret_key",
            Value::Null,
            json!(""),
            states!(
                client.update_secret_reference("one"),
                // An update must change something.
                secrets::UpdateSecretReferenceRequest::builder().name("n"),
                clear_secret_key,
                secret_key("")
            ),
        ),
    ]
}

fn tag_and_policy_states(client: &Client) -> Vec<ThreeStates> {
    let usage = || client.update_usage_limits_policy("one");
    let usage_body = policies::UpdateUsageLimitsPolicyRequest::builder;
    let rate_body = policies::UpdateRateLimitsPolicyRequest::builder;
    let access_body = || {
        let user = policies::AccessPolicySubjectInput::builder()
            .type_("user")
            .id("one");
        let target = policies::AccessPolicyMcpServerInput::builder()
            .type_("mcp_server")
            .server_id("one")
            .tools("ALL");
        policies::UpdateAccessPolicyRequest::builder()
            .version(1)
            .subjects([user])
            .targets([target.build().unwrap()])
    };
    let null = || Value::Null;
    let tags = || json!({"team": "a"});
    let date = || at("2030-01-02T03:04:05Z");
    vec![
        three_states(
            "/tags",
            null(),
            tags(),
            states!(
                client.update_integration("one"),
                integrations::UpdateIntegrationRequest::builder(),
                clear_tags,
                tags(tags()),
                maybe_tags
            ),
        ),
        three_states(
            "/tags",
            null(),
            tags(),
            states!(
                client.update_provider("one"),
                providers::UpdateProviderRequest::builder(),
                clear_tags,
                tags(tags()),
                maybe_tags
            ),
        ),
        three_states(
            "/tags",
            null(),
            tags(),
            states!(
                client.update_virtual_key("one"),
                providers::UpdateVirtualKeyRequest::builder(),
                clear_tags,
                tags(tags()),
                maybe_tags
            ),
        ),
        three_states(
            "/description",
            null(),
            json!("one"),
            states!(usage(), usage_body(), clear_description, description("one")),
        ),
        three_states(
            "/description",
            null(),
            json!("one"),
            states!(
                client.update_rate_limits_policy("one"),
                rate_body(),
                clear_description,
                description("one")
            ),
        ),
        three_states(
            "/description",
            null(),
            json!("one"),
            states!(
                client.update_egress_allowlist_entry("one"),
                network::UpdateEgressAllowlistEntryRequest::builder().domain("host.example"),
                clear_description,
                description("one")
            ),
        ),
        three_states(
            "/description",
            null(),
            json!("one"),
            states!(
                client.update_access_policy("one"),
                access_body(),
                clear_description,
                description("one")
            ),
        ),
        three_states(
            "/next_usage_reset_at",
            null(),
            json!("2030-01-02T03:04:05Z"),
            states!(
                usage(),
                usage_body(),
                clear_next_usage_reset_at,
                next_usage_reset_at(date())
            ),
        ),
    ]
}

fn id_and_period_states(client: &Client) -> Vec<ThreeStates> {
    let space = || client.update_workspace("one");
    let body = || workspaces::UpdateWorkspaceRequest::builder().name("n");
    let settings = workspaces::WorkspaceSettings::builder;
    let policy = || api_keys::RotationPolicyInput::builder().rotation_period_days(10);
    vec![
        three_states(
            "/rotation_policy",
            Value::Null,
            json!({"rotation_period_days": 10}),
            states!(
                client.update_api_key("one"),
                api_keys::UpdateApiKeyRequest::builder(),
                clear_rotation_policy,
                rotation_policy(policy())
            ),
        ),
        three_states(
            "/settings/user_api_key_rotation_period",
            Value::Null,
            json!(7),
            [
                boxed_call(space().body(body().settings(settings())).send()),
                boxed_call(
                    space()
                        .body(body().settings(settings().user_api_key_rotation_period(None)))
                        .send(),
                ),
                boxed_call(
                    space()
                        .body(body().settings(settings().clear_user_api_key_rotation_period()))
                        .send(),
                ),
                boxed_call(
                    space()
                        .body(body().settings(settings().user_api_key_rotation_period(7)))
                        .send(),
                ),
            ],
        ),
        three_states(
            "/parent_collection_id",
            Value::Null,
            json!("one"),
            states!(
                client.update_collection("two"),
                // An update must change something.
                prompts::UpdateCollectionRequest::builder().name("n"),
                clear_parent_collection_id,
                parent_collection_id("one")
            ),
        ),
        three_states(
            "/aiModelId",
            Value::Null,
            json!("one"),
            states!(
                client.update_provider("one"),
                providers::UpdateProviderRequest::builder(),
                clear_ai_model_id,
                ai_model_id("one")
            ),
        ),
        three_states(
            "/aiModelId",
            Value::Null,
            json!("one"),
            states!(
                client.update_virtual_key("one"),
                providers::UpdateVirtualKeyRequest::builder(),
                clear_ai_model_id,
                ai_model_id("one")
            ),
        ),
        three_states(
            "/expires_at",
            Value::Null,
            json!("2030-01-02T03:04:05Z"),
            states!(
                client.update_virtual_key("one"),
                providers::UpdateVirtualKeyRequest::builder(),
                clear_expires_at,
                expires_at(at("2030-01-02T03:04:05Z"))
            ),
        ),
    ]
}

/// Returns a case for each field that can be cleared.
fn all_states(client: &Client) -> Vec<ThreeStates> {
    let mut all = api_key_states(client);
    all.extend(other_states(client));
    all.extend(tag_and_policy_states(client));
    all.extend(id_and_period_states(client));
    all
}

/// Keeping, clearing and setting a field result in three different bodies, and all are sent. `None`
/// keeps the field.
#[tokio::test]
async fn clearable_field_has_three_states_on_the_wire() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    for field in all_states(&client) {
        let before = server.requests().len();
        for request in field.requests {
            request.await.unwrap();
        }
        let bodies: Vec<Value> = server.requests()[before..]
            .iter()
            .map(|r| r.json())
            .collect();
        let states: Vec<_> = bodies
            .iter()
            .map(|body| body.pointer(field.pointer))
            .collect();
        let pointer = field.pointer;
        assert_eq!(
            states,
            [None, None, Some(&field.cleared), Some(&field.set)],
            "{pointer}"
        );
    }
}

/// The table contains every generated `clear_…` setter.
#[test]
fn every_clearable_field_is_in_the_table() {
    let (_server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    let mut tested: Vec<_> = all_states(&client)
        .into_iter()
        .filter_map(|field| field.pointer.rsplit('/').next())
        .map(|field| {
            if field == "aiModelId" {
                "ai_model_id"
            } else {
                field
            }
        })
        .collect();
    let generated: String = std::fs::read_dir(env!("OUT_DIR"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let mut setters: Vec<_> = generated
        .split("pub fn clear_")
        .skip(1)
        .filter_map(|setter| setter.split('(').next())
        .collect();
    tested.sort_unstable();
    setters.sort_unstable();
    assert_eq!(tested, setters);
}

/// Empty strings and empty lists are values: they are sent even if the field cannot be cleared.
#[tokio::test]
async fn empty_values_are_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    let key = api_keys::UpdateApiKeyRequest::builder()
        .description("")
        .alert_emails([""; 0]);
    client.update_api_key("one").body(key).send().await.unwrap();
    let models = integrations::UpdateIntegrationModelsRequest::builder()
        .allow_all_models(true)
        .models(Vec::<integrations::IntegrationModelUpdate>::new());
    let call = client.update_integration_models("one").body(models);
    call.send().await.unwrap();
    let bodies: Vec<Value> = server.requests().iter().map(|r| r.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({"description": "", "alert_emails": []}),
            json!({"allow_all_models": true, "models": []}),
        ]
    );
}

/// Lists of models and workspaces change only the named items (M109, M116).
#[tokio::test]
async fn lists_of_models_and_workspaces_contain_only_the_named_items() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    let model = integrations::IntegrationModelUpdate::builder;
    let models = integrations::UpdateIntegrationModelsRequest::builder().models([
        model().slug("gpt-4o").enabled(false),
        model()
            .slug("arn:aws:bedrock/one")
            .enabled(true)
            .is_custom(true)
            .base_model_slug("two"),
    ]);
    let call = client.update_integration_models("one").body(models);
    call.send().await.unwrap();
    let workspace = integrations::IntegrationWorkspaceUpdate::builder();
    let workspaces = integrations::UpdateIntegrationWorkspacesRequest::builder()
        .workspaces([workspace.id("ws-one").enabled(false)]);
    let call = client.update_integration_workspaces("one").body(workspaces);
    call.send().await.unwrap();
    let bodies: Vec<Value> = server.requests().iter().map(|r| r.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({"models": [
                {"slug": "gpt-4o", "enabled": false},
                {
                    "slug": "arn:aws:bedrock/one", "enabled": true, "is_custom": true,
                    "base_model_slug": "two",
                },
            ]}),
            json!({"workspaces": [{"id": "ws-one", "enabled": false}]}),
        ]
    );
}

/// Fields that other clients send but the OpenAPI document lacks or types differently (M123, M266, M277, P20).
#[tokio::test]
async fn fields_missing_in_the_openapi_document_are_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, RESPONSE_BODY));
    let provider = providers::UpdateProviderRequest::builder().workspace_id("one");
    let call = client.update_provider("two").body(provider);
    call.send().await.unwrap();
    let policy = policies::UpdateUsageLimitsPolicyRequest::builder().periodic_reset_days(30);
    let call = client.update_usage_limits_policy("one").body(policy);
    call.send().await.unwrap();
    let models = [
        logs::LogExportModels::from("one"),
        vec!["one".to_owned(), "two".to_owned()].into(),
    ];
    for models in models {
        let filters = logs::LogExportFiltersInput::builder().ai_model(models);
        let body = logs::UpdateLogExportRequest::builder().filters(filters);
        client
            .update_log_export("one")
            .body(body)
            .send()
            .await
            .unwrap();
    }
    let bodies: Vec<Value> = server.requests().iter().map(|r| r.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({"workspace_id": "one"}),
            json!({"periodic_reset_days": 30}),
            json!({"filters": {"ai_model": "one"}}),
            json!({"filters": {"ai_model": ["one", "two"]}}),
        ]
    );
    let call = client
        .list_integration_models("one")
        .current_page(0)
        .page_size(10);
    call.send().await.unwrap();
    let target = &server.requests()[4].target;
    assert!(target.ends_with("?current_page=0&page_size=10"), "{target}");
}
