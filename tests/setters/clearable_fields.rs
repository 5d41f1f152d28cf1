//! Fields that an update can clear have three states on the wire: kept, cleared and set.

use portkey_admin::{
    Client, JsonObject,
    api_keys::{ApiKeyDefaultsInput, RotationPolicyInput, UpdateApiKeyRequest},
    deployments::UpdateDeploymentRequest,
    integrations::UpdateIntegrationRequest,
    network::UpdateEgressAllowlistEntryRequest,
    policies::{
        AccessPolicyMcpServerInput, AccessPolicySubjectInput, UpdateAccessPolicyRequest,
        UpdateRateLimitsPolicyRequest, UpdateUsageLimitsPolicyRequest,
    },
    prompts::{UpdateCollectionRequest, UpdatePromptVersionRequest},
    providers::{UpdateProviderRequest, UpdateVirtualKeyRequest},
    secrets::UpdateSecretReferenceRequest,
    types::{RateLimitInput, SecretMappingInput, UsageLimitsInput},
    workspaces::{UpdateWorkspaceRequest, WorkspaceDefaultsInput, WorkspaceSettings},
};
use serde_json::{Value, json};

use crate::support::{
    BoxedCall, CREATED, at, boxed_call, server::ScriptedResponse, server_and_client,
};

/// A clearable field, and requests that keep it (twice), clear it and set it.
struct ClearableField {
    /// Its location in the body.
    pointer: &'static str,
    cleared: Value,
    set: Value,
    requests: [BoxedCall; 4],
}

/// Returns `None`, of the type of a value.
fn none_of<T>(_: T) -> Option<T> {
    None
}

/// Returns a list of fields, by the call that takes their builder. A row is `location: method that clears =>
/// value that is sent, method that sets(value) => value that is sent`. The setters of lists and objects take
/// no `None`; `or` is followed by the one that does.
macro_rules! clearable_fields {
    ($({
        $call:expr, $builder:expr;
        $($pointer:literal: $clear:ident => $cleared:tt,
            $field:ident($value:expr) $(or $none:ident)? => $set:tt;)*
    })*) => {
        vec![$($(ClearableField {
            pointer: $pointer,
            cleared: json!($cleared),
            set: json!($set),
            requests: [
                $builder,
                clearable_fields!(@none $builder, $field $value $(, $none)?),
                $builder.$clear(),
                $builder.$field($value),
            ]
            .map(|builder| boxed_call(($call)(builder).send())),
        }),*),*]
    };
    (@none $builder:expr, $field:ident $value:expr) => { $builder.$field(none_of($value)) };
    (@none $builder:expr, $field:ident $value:expr, $none:ident) => { $builder.$none(none_of($value)) };
}

const DATE: &str = "2030-01-02T03:04:05Z";

/// Returns every field that can be cleared.
#[rustfmt::skip]
fn all(client: &Client) -> Vec<ClearableField> {
    let rate = RateLimitInput::builder().type_("requests").unit("rpw").value(5);
    let limits = || UsageLimitsInput::builder().credit_limit(5.0);
    let mapping = SecretMappingInput::builder().secret_reference_id("one").target_field("key");
    let key = || UpdateApiKeyRequest::builder().name("n");
    let workspace = || UpdateWorkspaceRequest::builder().name("n");
    let policy = || RotationPolicyInput::builder().rotation_period_days(10);
    let access = || {
        let subject = AccessPolicySubjectInput::builder().type_("user").id("one");
        let target = AccessPolicyMcpServerInput::builder().type_("mcp_server");
        let target = target.server_id("one").tools("ALL").build().unwrap();
        UpdateAccessPolicyRequest::builder().version(1).subjects([subject]).targets([target])
    };
    let tags = || json!({"team": "a"});
    clearable_fields! {
        {
            |body| client.update_api_key("one").body(body), key();
            "/alert_emails": clear_alert_emails => null, alert_emails([""; 0]) or maybe_alert_emails => [];
            "/expires_at": clear_expires_at => null, expires_at(at(DATE)) => DATE;
            "/rate_limits": clear_rate_limits => null,
                rate_limits([rate.clone()]) or maybe_rate_limits
                => [{"type": "requests", "unit": "rpw", "value": 5}];
            "/rotation_policy": clear_rotation_policy => null,
                rotation_policy(policy()) => {"rotation_period_days": 10};
            "/usage_limits": clear_usage_limits => null, usage_limits(limits()) => {"credit_limit": 5.0};
        }
        {
            |defaults| client.update_api_key("one").body(key().defaults(defaults)),
                ApiKeyDefaultsInput::builder();
            "/defaults/config_id": clear_config_id => null, config_id("pc-one") => "pc-one";
        }
        {
            |body| client.update_workspace("one").body(body), workspace();
            "/icon": clear_icon => "", icon("🚀") => "🚀";
            "/rate_limits": clear_rate_limits => null,
                rate_limits(Vec::<RateLimitInput>::new()) or maybe_rate_limits => [];
            "/usage_limits": clear_usage_limits => null,
                usage_limits([limits()]) or maybe_usage_limits => [{"credit_limit": 5.0}];
        }
        {
            |defaults| client.update_workspace("one").body(workspace().defaults(defaults)),
                WorkspaceDefaultsInput::builder();
            "/defaults/user_api_key_config": clear_user_api_key_config => null,
                user_api_key_config("pc-one") => "pc-one";
        }
        {
            |settings| client.update_workspace("one").body(workspace().settings(settings)),
                WorkspaceSettings::builder();
            "/settings/user_api_key_rotation_period": clear_user_api_key_rotation_period => null,
                user_api_key_rotation_period(7) => 7;
        }
        {
            |body| client.update_integration("one").body(body), UpdateIntegrationRequest::builder();
            "/secret_mappings": clear_secret_mappings => [],
                secret_mappings([mapping.clone()]) or maybe_secret_mappings
                => [{"secret_reference_id": "one", "target_field": "key"}];
            "/tags": clear_tags => null, tags(tags()) or maybe_tags => {"team": "a"};
        }
        {
            |body| client.update_provider("one").body(body), UpdateProviderRequest::builder();
            "/aiModelId": clear_ai_model_id => null, ai_model_id("one") => "one";
            "/expires_at": clear_expires_at => null, expires_at(at(DATE)) => DATE;
            "/tags": clear_tags => null, tags(tags()) or maybe_tags => {"team": "a"};
        }
        {
            |body| client.update_virtual_key("one").body(body), UpdateVirtualKeyRequest::builder();
            "/aiModelId": clear_ai_model_id => null, ai_model_id("one") => "one";
            "/expires_at": clear_expires_at => null, expires_at(at(DATE)) => DATE;
            "/tags": clear_tags => null, tags(tags()) or maybe_tags => {"team": "a"};
        }
        {
            |body| client.update_deployment("one").body(body), UpdateDeploymentRequest::builder();
            "/deployment_config": clear_deployment_config => null,
                deployment_config(JsonObject::default()) or maybe_deployment_config => {};
            "/tags": clear_tags => null, tags([("team", "")]) or maybe_tags => {"team": ""};
        }
        {
            |body| client.update_usage_limits_policy("one").body(body), UpdateUsageLimitsPolicyRequest::builder();
            "/description": clear_description => null, description("one") => "one";
            "/next_usage_reset_at": clear_next_usage_reset_at => null,
                next_usage_reset_at(at(DATE)) => DATE;
            "/periodic_reset": clear_periodic_reset => null, periodic_reset("weekly") => "weekly";
        }
        {
            |body| client.update_rate_limits_policy("one").body(body), UpdateRateLimitsPolicyRequest::builder();
            "/description": clear_description => null, description("one") => "one";
        }
        {
            |body| client.update_access_policy("one").body(body), access();
            "/description": clear_description => null, description("one") => "one";
        }
        {
            |body| client.update_egress_allowlist_entry("one").body(body),
                UpdateEgressAllowlistEntryRequest::builder().domain("host.example");
            "/description": clear_description => null, description("one") => "one";
        }
        {
            |body| client.update_prompt_version("one", "two").body(body), UpdatePromptVersionRequest::builder();
            "/label_id": clear_label_id => null, label_id("one") => "one";
        }
        // These two updates must change something.
        {
            |body| client.update_collection("two").body(body), UpdateCollectionRequest::builder().name("n");
            "/parent_collection_id": clear_parent_collection_id => null,
                parent_collection_id("one") => "one";
        }
        {
            |body| client.update_secret_reference("one").body(body),
                UpdateSecretReferenceRequest::builder().name("n");
            "/secret_key": clear_secret_key => null, secret_key("") => "";
        }
    }
}

/// `None` keeps the field.
#[tokio::test]
async fn clearable_field_has_three_states_on_the_wire() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    for field in all(&client) {
        let mut states = Vec::new();
        for request in field.requests {
            request.await.unwrap();
            let requests = server.take_requests();
            assert_eq!(requests.len(), 1, "{}", field.pointer);
            states.push(requests[0].json().pointer(field.pointer).cloned());
        }
        let expected = [None, None, Some(field.cleared), Some(field.set)];
        assert_eq!(states, expected, "{}", field.pointer);
    }
}

/// The table contains every generated `clear_…` setter.
#[test]
fn every_clearable_field_is_in_the_table() {
    let (_server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let fields = all(&client).into_iter();
    let mut tested: Vec<_> = fields
        .filter_map(|field| field.pointer.rsplit('/').next())
        .map(|field| match field {
            "aiModelId" => "ai_model_id",
            field => field,
        })
        .collect();
    let generated: String = std::fs::read_dir(env!("OUT_DIR"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let setters = generated.split("pub fn clear_").skip(1);
    let mut setters: Vec<_> = setters
        .filter_map(|setter| setter.split('(').next())
        .collect();
    tested.sort_unstable();
    setters.sort_unstable();
    assert_eq!(tested, setters);
}
