//! Policies: usage limits with what they have counted, and rate limits.

use portkey_admin::types::{
    CreateRateLimitsPolicyRequest, CreateUsageLimitsPolicyRequest, PolicyConditionInput,
    PolicyGroupByInput, RateLimitType, RateLimitUnit, UpdateRateLimitsPolicyRequest,
    UpdateUsageLimitsPolicyRequest, UsageLimitType,
};

use crate::{Outcome, World, logs, made};

pub async fn visit(world: &World) -> Outcome {
    usage_limits(world).await?;
    rate_limits(world).await
}

async fn usage_limits(world: &World) -> Outcome {
    let admin = &world.admin;
    let policy = CreateUsageLimitsPolicyRequest::builder()
        .name("budget")
        .type_(UsageLimitType::Tokens)
        .credit_limit(1000.0)
        .conditions([of(world)])
        .group_by([PolicyGroupByInput::builder().key("metadata._user")])
        .workspace_id(&world.workspace);
    let policy = admin.create_usage_limits_policy().body(policy);
    let id = made(policy.send().await?.id);
    let change = UpdateUsageLimitsPolicyRequest::builder().credit_limit(2000.0);
    let update = admin.update_usage_limits_policy(&id).body(change);
    update.update_and_get().await?;
    let list = admin.list_usage_limits_policies();
    list.workspace_id(&world.workspace).send().await?;

    // What a request of the user has used is counted for them.
    logs::insert(world).await?;
    let entities = admin.list_usage_limits_policy_entities(&id);
    let entity = made(entities.send().await?.data.remove(0).id);
    let reset = admin.reset_usage_limits_policy_entity(&id, entity);
    reset.send().await?;
    admin.delete_usage_limits_policy(&id).send().await
}

async fn rate_limits(world: &World) -> Outcome {
    let admin = &world.admin;
    let policy = CreateRateLimitsPolicyRequest::builder()
        .name("not too fast")
        .type_(RateLimitType::Requests)
        .unit(RateLimitUnit::Rpm)
        .value(60.0)
        .conditions([of(world)])
        .group_by([PolicyGroupByInput::builder().key("metadata._user")])
        .workspace_id(&world.workspace);
    let policy = admin.create_rate_limits_policy().body(policy);
    let id = made(policy.send().await?.id);
    let change = UpdateRateLimitsPolicyRequest::builder().value(30.0);
    let update = admin.update_rate_limits_policy(&id).body(change);
    update.update_and_get().await?;
    let list = admin.list_rate_limits_policies();
    list.workspace_id(&world.workspace).send().await?;
    admin.delete_rate_limits_policy(&id).send().await
}

/// About every request of the workspace.
fn of(world: &World) -> portkey_admin::types::builder::PolicyConditionInput {
    PolicyConditionInput::builder()
        .key("workspace_id")
        .value(&world.workspace)
}
