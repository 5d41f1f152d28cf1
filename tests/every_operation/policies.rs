//! Policies: usage limits with their counters, rate limits and access.

use http::StatusCode;
use portkey_admin::{
    policies::{
        AccessPolicyEffect, AccessPolicyMcpServerInput, AccessPolicySubjectInput,
        AccessPolicySubjectType, CreateAccessPolicyRequest, CreateRateLimitsPolicyRequest,
        CreateUsageLimitsPolicyRequest, PolicyConditionInput, PolicyGroupByInput,
        UpdateAccessPolicyRequest, UpdateRateLimitsPolicyRequest, UpdateUsageLimitsPolicyRequest,
        UsageLimitsPolicyType,
    },
    types::{RateLimitType, RateLimitUnit},
};

use crate::{Outcome, TestContext, created_id, logs};

pub async fn call_all(context: &TestContext) -> Outcome {
    usage_limits(context).await?;
    rate_limits(context).await?;
    access(context).await
}

async fn usage_limits(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let policy = CreateUsageLimitsPolicyRequest::builder()
        .name("budget")
        .type_(UsageLimitsPolicyType::Tokens)
        .credit_limit(1000.0)
        .conditions([workspace_condition(context)])
        .group_by([PolicyGroupByInput::builder().key("metadata._user")])
        .workspace_id(&context.workspace);
    let policy = admin.create_usage_limits_policy().body(policy);
    let id = created_id(policy.send().await?.id);
    let change = UpdateUsageLimitsPolicyRequest::builder().credit_limit(2000.0);
    let update = admin.update_usage_limits_policy(&id).body(change);
    update.update_and_get().await?;
    let list = admin.list_usage_limits_policies();
    list.workspace_id(&context.workspace).send().await?;

    // The usage of a request is counted for its user.
    logs::insert(context).await?;
    let entities = admin.list_usage_limits_policy_entities(&id);
    let entity = created_id(entities.send().await?.data.remove(0).id);
    let reset = admin.reset_usage_limits_policy_entity(&id, entity);
    reset.send().await?;
    admin.delete_usage_limits_policy(&id).send().await
}

async fn rate_limits(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let policy = CreateRateLimitsPolicyRequest::builder()
        .name("not too fast")
        .type_(RateLimitType::Requests)
        .unit(RateLimitUnit::Rpm)
        .value(60.0)
        .conditions([workspace_condition(context)])
        .group_by([PolicyGroupByInput::builder().key("metadata._user")])
        .workspace_id(&context.workspace);
    let policy = admin.create_rate_limits_policy().body(policy);
    let id = created_id(policy.send().await?.id);
    let change = UpdateRateLimitsPolicyRequest::builder().value(30.0);
    let update = admin.update_rate_limits_policy(&id).body(change);
    update.update_and_get().await?;
    let list = admin.list_rate_limits_policies();
    list.workspace_id(&context.workspace).send().await?;
    admin.delete_rate_limits_policy(&id).send().await
}

/// A condition that matches every request of the workspace.
fn workspace_condition(
    context: &TestContext,
) -> portkey_admin::policies::PolicyConditionInputBuilder {
    PolicyConditionInput::builder()
        .key("workspace_id")
        .value(&context.workspace)
}

async fn access(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let user = AccessPolicySubjectInput::builder()
        .type_(AccessPolicySubjectType::User)
        .id(&context.user);
    let target = AccessPolicyMcpServerInput::builder()
        .type_("mcp_server")
        .server_id("github")
        .tools("ALL")
        .build()?;
    let policy = CreateAccessPolicyRequest::builder()
        .name("GitHub")
        .subjects([user.clone()])
        .targets([target.clone()])
        .effect(AccessPolicyEffect::Allow)
        .workspace_id(&context.workspace);
    let policy = admin.create_access_policy().body(policy);
    let id = created_id(policy.send().await?.id);
    let change = UpdateAccessPolicyRequest::builder()
        .version(1)
        .subjects([user])
        .targets([target])
        .enabled(false);
    let update = admin.update_access_policy(&id).body(change.clone());
    let read = update.update_and_get().await?;
    assert_eq!((read.version, read.enabled), (Some(2), Some(false)));
    let repeated = admin.update_access_policy(&id).body(change).send().await;
    assert_eq!(repeated.unwrap_err().status(), Some(StatusCode::CONFLICT));
    // The policy that is read has the version, the subjects and the targets of an update.
    let stored = admin.get_access_policy(&id).send().await?;
    let change = UpdateAccessPolicyRequest::try_from(stored)?;
    admin.update_access_policy(&id).body(change).send().await?;
    let list = admin.list_access_policies();
    list.workspace_id(&context.workspace).send().await?;
    admin.delete_access_policy(&id).send().await
}
