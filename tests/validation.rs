//! Requests that the service would refuse are refused here, and fields that can be cleared have three
//! states on the wire.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use chrono::{DateTime, Utc};
use portkey_admin::{Client, JsonObject, types};
use serde_json::{Value, json};
use support::{Sending, answered, sending, server::Answer};

/// An answer that every operation here can decode.
const ANSWER: &str = r#"{
    "id": "one", "slug": "one", "key": "canary", "name": "one", "version_id": "one", "object": "one",
    "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z"
}"#;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A rule, the fields that its message names, a request that breaks it, and one that does not.
struct Rule {
    operation: &'static str,
    names: &'static [&'static str],
    bad: Sending,
    good: Sending,
}

fn rule(
    operation: &'static str,
    names: &'static [&'static str],
    bad: Sending,
    good: Sending,
) -> Rule {
    Rule {
        operation,
        names,
        bad,
        good,
    }
}

async fn hold(rules: fn(&Client) -> Vec<Rule>) {
    let (server, client) = answered(Answer::json(200, ANSWER));
    for (sent, rule) in (1..).zip(rules(&client)) {
        let operation = rule.operation;
        let error = rule.bad.await.unwrap_err();
        assert!(error.is_invalid_request(), "{operation}: {error}");
        assert_eq!(error.operation(), Some(operation));
        let text = error.to_string();
        for name in rule.names {
            assert!(text.contains(name), "{operation} {name}: {text}");
        }
        assert_eq!(server.connections(), sent - 1, "{operation}: it was sent");
        rule.good
            .await
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        assert_eq!(server.requests().len(), sent, "{operation}: not sent");
    }
}

fn limits() -> types::builder::UsageLimitsInput {
    types::UsageLimitsInput::builder()
}

fn two_resets() -> types::builder::UsageLimitsInput {
    limits().periodic_reset("monthly").periodic_reset_days(30)
}

fn late_alert() -> types::builder::UsageLimitsInput {
    limits().credit_limit(50.0).alert_threshold(50.5)
}

/// An alert at the limit itself is as late as it can be.
fn good_limits() -> types::builder::UsageLimitsInput {
    limits()
        .credit_limit(50.0)
        .alert_threshold(50.0)
        .periodic_reset_days(30)
}

fn api_key_rules(client: &Client) -> Vec<Rule> {
    let create = |kind: &str, sub: &str, body: types::builder::CreateApiKeyRequest| {
        sending(client.create_api_key(kind, sub).body(body).send())
    };
    let update = |body: types::builder::UpdateApiKeyRequest| {
        sending(client.update_api_key("one").body(body).send())
    };
    let rotate = |milliseconds: i64| {
        let body = types::RotateApiKeyRequest::builder().key_transition_period_ms(milliseconds);
        sending(client.rotate_api_key("one").body(body).send())
    };
    let new = || {
        types::CreateApiKeyRequest::builder()
            .name("ci")
            .scopes(["logs.list"])
    };
    let change = types::UpdateApiKeyRequest::builder;
    let policy = types::RotationPolicyInput::builder;
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
            &[
                "`usage_limits.alert_threshold`",
                "`usage_limits.credit_limit`",
            ],
            create("organisation", "service", new().usage_limits(late_alert())),
            create("organisation", "service", new().usage_limits(good_limits())),
        ),
        rule(
            "update_api_key",
            &["`rotation_period`", "`next_rotation_at`"],
            update(
                change()
                    .rotation_policy(policy().rotation_period("weekly").next_rotation_at(date())),
            ),
            update(change().rotation_policy(policy().next_rotation_at(date()))),
        ),
        rule(
            "update_api_key",
            &["`scopes`"],
            update(change().scopes([""; 0])),
            update(change().name("two")),
        ),
        rule(
            "update_api_key",
            &[
                "`usage_limits.periodic_reset`",
                "`usage_limits.periodic_reset_days`",
            ],
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
    let create = |body: types::builder::CreateGuardrailRequest| {
        sending(client.create_guardrail().body(body).send())
    };
    let new = || types::CreateGuardrailRequest::builder().name("no secrets");
    let check = || types::GuardrailCheckInput::builder().id("default.contains");
    let whole = || new().checks([check()]).actions([("deny", true)]);
    vec![
        rule(
            "create_guardrail",
            &["`checks`"],
            create(new().actions([("deny", true)])),
            create(whole()),
        ),
        rule(
            "create_guardrail",
            &["`actions`"],
            create(new().target("llm").checks([check()])),
            create(whole().target("llm")),
        ),
        rule(
            "create_guardrail",
            &["`checks`"],
            create(whole().checks(Vec::<types::GuardrailCheckInput>::new())),
            create(new().target("mcp")),
        ),
    ]
}

#[tokio::test]
async fn guardrails_over_models_have_checks_and_actions() {
    hold(guardrail_rules).await;
}

#[tokio::test]
async fn api_keys() {
    hold(api_key_rules).await;
}

fn workspace_rules(client: &Client) -> Vec<Rule> {
    let create = |limits: types::builder::UsageLimitsInput| {
        let body = types::CreateWorkspaceRequest::builder().name("one");
        sending(
            client
                .create_workspace()
                .body(body.usage_limits([limits]))
                .send(),
        )
    };
    let update = |all: [types::builder::UsageLimitsInput; 2]| {
        let body = types::UpdateWorkspaceRequest::builder().usage_limits(all);
        sending(client.update_workspace("one").body(body).send())
    };
    let delete = |name: &str| {
        let body = types::DeleteWorkspaceRequest::builder().name(name);
        sending(client.delete_workspace("one").body(body).send())
    };
    let map = |id: Option<&str>, name: Option<&str>| {
        let mut body = types::CreateScimWorkspaceMappingRequest::builder()
            .workspace_id("one")
            .role("member");
        if let Some(id) = id {
            body = body.scim_group_id(id);
        }
        if let Some(name) = name {
            body = body.scim_group_name(name);
        }
        sending(client.create_scim_workspace_mapping().body(body).send())
    };
    vec![
        rule(
            "create_workspace",
            &["`usage_limits[0].alert_threshold`"],
            create(late_alert()),
            create(good_limits()),
        ),
        rule(
            "update_workspace",
            &[
                "`usage_limits[1].periodic_reset`",
                "`usage_limits[1].periodic_reset_days`",
            ],
            update([good_limits(), two_resets()]),
            update([good_limits(), limits().periodic_reset("weekly")]),
        ),
        rule("delete_workspace", &["`name`"], delete(""), delete("one")),
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
async fn workspaces() {
    hold(workspace_rules).await;
}

fn prompt_rules(client: &Client) -> Vec<Rule> {
    let update = |body: types::builder::UpdatePromptRequest| {
        sending(client.update_prompt("one").body(body).send())
    };
    let body = types::UpdatePromptRequest::builder;
    let whole =
        || types::UpdatePromptRequest::full_version("", JsonObject::default(), "m", "v", false);
    vec![
        rule(
            "update_prompt",
            &["`parameters`", "`string`", "`patch`"],
            update(body().string("one")),
            update(types::UpdatePromptRequest::patch().string("one")),
        ),
        rule(
            "update_prompt",
            &["`string`", "`tools`"],
            update(body().tools([JsonObject::default()])),
            update(whole().tools([JsonObject::default()])),
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
            update(whole()),
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
            update(body().is_raw_template(0)),
            update(body().virtual_key("v").version_description("none")),
        ),
    ]
}

#[tokio::test]
async fn prompts() {
    hold(prompt_rules).await;
}

fn integration_workspace_rules(client: &Client) -> Vec<Rule> {
    let update = |body: types::builder::UpdateIntegrationWorkspacesRequest| {
        sending(
            client
                .update_integration_workspaces("one")
                .body(body)
                .send(),
        )
    };
    let body = types::UpdateIntegrationWorkspacesRequest::builder;
    let each = |limits: types::builder::UsageLimitsInput| {
        let workspace = types::IntegrationWorkspaceUpdate::builder().enabled(true);
        body().workspaces([
            workspace.clone().id("one"),
            workspace.id("two").usage_limits([limits]),
        ])
    };
    let all = |limits: types::builder::UsageLimitsInput| {
        let access = types::GlobalWorkspaceAccessInput::builder().enabled(true);
        body().global_workspace_access(access.usage_limits([limits]))
    };
    vec![
        rule(
            "update_integration_workspaces",
            &["`workspaces[1].usage_limits[0].alert_threshold`"],
            update(each(late_alert())),
            update(each(good_limits())),
        ),
        rule(
            "update_integration_workspaces",
            &["`global_workspace_access.usage_limits[0].periodic_reset`"],
            update(all(two_resets())),
            update(all(good_limits())),
        ),
    ]
}

#[tokio::test]
async fn integrations() {
    hold(integration_workspace_rules).await;
}

fn provider_rules(client: &Client) -> Vec<Rule> {
    let create = |limits: types::builder::UsageLimitsInput| {
        let body = types::CreateProviderRequest::builder()
            .name("one")
            .integration_id("two");
        sending(
            client
                .create_provider()
                .body(body.usage_limits(limits))
                .send(),
        )
    };
    let update = |limits: types::builder::UsageLimitsInput| {
        let body = types::UpdateProviderRequest::builder().usage_limits(limits);
        sending(client.update_provider("one").body(body).send())
    };
    let create_key = |limits: types::builder::UsageLimitsInput| {
        let body = types::CreateVirtualKeyRequest::builder().usage_limits(limits);
        sending(client.create_virtual_key().body(body).send())
    };
    let update_key = |limits: types::builder::UsageLimitsInput| {
        let body = types::UpdateVirtualKeyRequest::builder().usage_limits(limits);
        sending(client.update_virtual_key("one").body(body).send())
    };
    let alert = &["`usage_limits.alert_threshold`"];
    let resets = &["`usage_limits.periodic_reset_days`"];
    vec![
        rule(
            "create_provider",
            alert,
            create(late_alert()),
            create(good_limits()),
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
            update_key(late_alert()),
            update_key(limits().alert_threshold(90.0)),
        ),
    ]
}

#[tokio::test]
async fn providers() {
    hold(provider_rules).await;
}

fn policy_rules(client: &Client) -> Vec<Rule> {
    let condition = || {
        types::PolicyConditionInput::builder()
            .key("api_key")
            .value("one")
    };
    let group = || types::PolicyGroupByInput::builder().key("api_key");
    let usage = || {
        types::CreateUsageLimitsPolicyRequest::builder()
            .type_("cost")
            .credit_limit(50.0)
            .conditions([condition()])
            .group_by([group()])
    };
    let rate = || {
        types::CreateRateLimitsPolicyRequest::builder()
            .type_("requests")
            .unit("rpm")
            .value(5.0)
            .conditions([condition()])
            .group_by([group()])
    };
    let create_usage = |body: types::builder::CreateUsageLimitsPolicyRequest| {
        sending(client.create_usage_limits_policy().body(body).send())
    };
    let create_rate = |body: types::builder::CreateRateLimitsPolicyRequest| {
        sending(client.create_rate_limits_policy().body(body).send())
    };
    let update_usage = |body: types::builder::UpdateUsageLimitsPolicyRequest| {
        sending(client.update_usage_limits_policy("one").body(body).send())
    };
    let change = types::UpdateUsageLimitsPolicyRequest::builder;
    let no_condition = Vec::<types::PolicyConditionInput>::new;
    let no_group = Vec::<types::PolicyGroupByInput>::new;
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
async fn policies() {
    hold(policy_rules).await;
}

fn secret_rules(client: &Client) -> Vec<Rule> {
    let create = |workspaces: &[&str]| {
        let body = types::CreateSecretReferenceRequest::builder()
            .name("one")
            .manager_type("aws_sm")
            .secret_path("a/path")
            .auth_config(JsonObject::default())
            .allowed_workspaces(workspaces.iter().copied());
        sending(client.create_secret_reference().body(body).send())
    };
    let update = |body: types::builder::UpdateSecretReferenceRequest| {
        sending(client.update_secret_reference("one").body(body).send())
    };
    let body = types::UpdateSecretReferenceRequest::builder;
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
async fn secret_references() {
    hold(secret_rules).await;
}

/// A field that can be cleared: its place in the body, and requests that keep, clear and set it.
struct ThreeStates {
    pointer: &'static str,
    cleared: Value,
    set: Value,
    requests: [Sending; 3],
}

/// Sends a body as it is, cleared and set.
macro_rules! states {
    ($call:expr, $body:expr, $clear:ident, $field:ident($value:expr)) => {
        [
            sending($call.body($body).send()),
            sending($call.body($body.$clear()).send()),
            sending($call.body($body.$field($value)).send()),
        ]
    };
}

fn three_states(
    pointer: &'static str,
    cleared: Value,
    set: Value,
    requests: [Sending; 3],
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
    let body = || types::UpdateApiKeyRequest::builder().name("n");
    let rate = types::RateLimitInput::builder()
        .type_("requests")
        .unit("rpw")
        .value(5);
    let date = at("2030-01-02T03:04:05Z");
    let defaults = types::ApiKeyDefaultsInput::builder;
    vec![
        three_states(
            "/alert_emails",
            Value::Null,
            json!([]),
            states!(key(), body(), clear_alert_emails, alert_emails([""; 0])),
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
                rate_limits([rate.clone()])
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
                sending(key().body(body().defaults(defaults())).send()),
                sending(
                    key()
                        .body(body().defaults(defaults().clear_config_id()))
                        .send(),
                ),
                sending(
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
    let body = || types::UpdateWorkspaceRequest::builder().name("n");
    let defaults = types::WorkspaceDefaultsInput::builder;
    let provider = types::UpdateProviderRequest::builder;
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
                rate_limits(Vec::<types::RateLimitInput>::new())
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
                usage_limits([limits().credit_limit(5.0)])
            ),
        ),
        three_states(
            "/secret_mappings",
            json!([]),
            json!([{"secret_reference_id": "one", "target_field": "key"}]),
            states!(
                client.update_integration("one"),
                types::UpdateIntegrationRequest::builder(),
                clear_secret_mappings,
                secret_mappings([mapping.clone()])
            ),
        ),
        three_states(
            "/label_id",
            Value::Null,
            json!("one"),
            states!(
                client.update_prompt_version("one", "two"),
                types::UpdatePromptVersionRequest::builder(),
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
                types::UpdateDeploymentRequest::builder(),
                clear_deployment_config,
                deployment_config(JsonObject::default())
            ),
        ),
        three_states(
            "/tags",
            Value::Null,
            json!({"team": ""}),
            states!(
                client.update_deployment("one"),
                types::UpdateDeploymentRequest::builder(),
                clear_tags,
                tags([("team", "")])
            ),
        ),
        three_states(
            "/periodic_reset",
            Value::Null,
            json!("weekly"),
            states!(
                client.update_usage_limits_policy("one"),
                types::UpdateUsageLimitsPolicyRequest::builder(),
                clear_periodic_reset,
                periodic_reset("weekly")
            ),
        ),
        three_states(
            "/defaults/user_api_key_config",
            Value::Null,
            json!("pc-one"),
            [
                sending(space().body(body().defaults(defaults())).send()),
                sending(
                    space()
                        .body(body().defaults(defaults().clear_user_api_key_config()))
                        .send(),
                ),
                sending(
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
                types::UpdateSecretReferenceRequest::builder(),
                clear_secret_key,
                secret_key("")
            ),
        ),
    ]
}

/// Keeping, clearing and setting a field are three bodies, and none is refused.
#[tokio::test]
async fn each_field_that_can_be_cleared_has_three_states_on_the_wire() {
    let (server, client) = answered(Answer::json(200, ANSWER));
    for field in api_key_states(&client)
        .into_iter()
        .chain(other_states(&client))
    {
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
            [None, Some(&field.cleared), Some(&field.set)],
            "{pointer}"
        );
    }
}

/// No setter that clears goes untested: the generated builders have these and no others.
#[test]
fn every_field_that_can_be_cleared_is_in_the_table() {
    let (_server, client) = answered(Answer::json(200, ANSWER));
    let fields = api_key_states(&client)
        .into_iter()
        .chain(other_states(&client));
    let mut tested: Vec<_> = fields
        .filter_map(|field| field.pointer.rsplit('/').next())
        .collect();
    let generated = include_str!(concat!(env!("OUT_DIR"), "/portkey.rs"));
    let mut setters: Vec<_> = generated
        .split("pub fn clear_")
        .skip(1)
        .filter_map(|setter| setter.split('(').next())
        .collect();
    tested.sort_unstable();
    setters.sort_unstable();
    assert_eq!(tested, setters);
}

/// An empty text and an empty list are values: they are sent where a field cannot be cleared, too.
#[tokio::test]
async fn empty_values_are_sent() {
    let (server, client) = answered(Answer::json(200, ANSWER));
    let key = types::UpdateApiKeyRequest::builder()
        .description("")
        .alert_emails([""; 0]);
    client.update_api_key("one").body(key).send().await.unwrap();
    let models = types::UpdateIntegrationModelsRequest::builder()
        .allow_all_models(true)
        .models(Vec::<types::IntegrationModelUpdate>::new());
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

/// The lists of models and of workspaces change what they name and leave the rest (M109, M116).
#[tokio::test]
async fn lists_that_change_what_they_name_are_built_from_builders() {
    let (server, client) = answered(Answer::json(200, ANSWER));
    let model = types::IntegrationModelUpdate::builder;
    let models = types::UpdateIntegrationModelsRequest::builder().models([
        model().slug("gpt-4o").enabled(false),
        model()
            .slug("arn:aws:bedrock/one")
            .enabled(true)
            .is_custom(true)
            .base_model_slug("two"),
    ]);
    let call = client.update_integration_models("one").body(models);
    call.send().await.unwrap();
    let workspace = types::IntegrationWorkspaceUpdate::builder();
    let workspaces = types::UpdateIntegrationWorkspacesRequest::builder()
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

/// What clients send and the document lacks, or has in another form (M123, M266, M277, P20).
#[tokio::test]
async fn fields_that_only_clients_know_are_sent() {
    let (server, client) = answered(Answer::json(200, ANSWER));
    let provider = types::UpdateProviderRequest::builder().workspace_id("one");
    let call = client.update_provider("two").body(provider);
    call.send().await.unwrap();
    let policy = types::UpdateUsageLimitsPolicyRequest::builder().periodic_reset_days(30);
    let call = client.update_usage_limits_policy("one").body(policy);
    call.send().await.unwrap();
    let models = [
        types::LogExportModels::from("one"),
        vec!["one".to_owned(), "two".to_owned()].into(),
    ];
    for models in models {
        let filters = types::LogExportFiltersInput::builder().ai_model(models);
        let body = types::UpdateLogExportRequest::builder().filters(filters);
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
