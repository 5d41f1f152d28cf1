//! Sets up a guardrail, the config that applies it, and the limits of each user of a workspace.
//!
//! `guardrail_and_policies WORKSPACE PROVIDER`: the slug of the workspace, and `@` with the slug of the
//! provider. What exists under the same name is updated.

use std::error::Error;

use portkey_admin::{
    Client,
    configs::{CreateConfigRequest, GatewayConfig},
    guardrails::{CreateGuardrailRequest, GuardrailCheckInput},
    policies::{
        CreateRateLimitsPolicyRequest, CreateUsageLimitsPolicyRequest, PolicyConditionInput,
        PolicyGroupByInput, UsageLimitsPolicyType,
    },
    types::{RateLimitType, RateLimitUnit},
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workspace, provider] = arguments.as_slice() else {
        return Err("usage: guardrail_and_policies WORKSPACE PROVIDER".into());
    };
    let client = Client::from_env()?;

    let check = GuardrailCheckInput::builder()
        .id("default.contains")
        .parameters(json!({"words": ["Project Aurora"], "operator": "none"}));
    let guardrail = CreateGuardrailRequest::builder()
        .name("No internal names")
        .checks([check])
        .actions(json!({"deny": true}))
        .workspace_id(workspace);
    let guardrail = client.create_guardrail().body(guardrail).upsert().await?;
    println!("guardrail {}", guardrail.id());

    let config = GatewayConfig::builder()
        .provider(provider)
        .input_guardrails([guardrail.id()])
        .output_guardrails([guardrail.id()]);
    let config = CreateConfigRequest::builder()
        .name("With guardrail")
        .config(config)
        .workspace_id(workspace);
    let config = client.create_config().body(config).upsert().await?;
    println!("config {}", config.id());

    let in_workspace = || {
        PolicyConditionInput::builder()
            .key("workspace_id")
            .value(workspace)
    };
    let by_user = || PolicyGroupByInput::builder().key("metadata._user");
    let budget = CreateUsageLimitsPolicyRequest::builder()
        .name("50 dollars a month and user")
        .type_(UsageLimitsPolicyType::Cost)
        .credit_limit(50.0)
        .periodic_reset("monthly")
        .conditions([in_workspace()])
        .group_by([by_user()])
        .workspace_id(workspace);
    let budget = client
        .create_usage_limits_policy()
        .body(budget)
        .upsert()
        .await?;
    println!("usage limit {}", budget.id());

    let rate = CreateRateLimitsPolicyRequest::builder()
        .name("60 requests a minute and user")
        .type_(RateLimitType::Requests)
        .unit(RateLimitUnit::Rpm)
        .value(60.0)
        .conditions([in_workspace()])
        .group_by([by_user()])
        .workspace_id(workspace);
    let rate = client
        .create_rate_limits_policy()
        .body(rate)
        .upsert()
        .await?;
    println!("rate limit {}", rate.id());
    Ok(())
}
