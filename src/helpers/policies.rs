//! Creation or update of a policy by its name.

use serde_json::to_value;

use super::upsert::{Creation, Upserted};
use crate::{
    Error, JsonObject,
    policies::{CreateRateLimitsPolicy, CreateUsageLimitsPolicy},
};

/// What an update of a policy cannot change (M263, M264).
const FIXED: [&str; 2] = ["type", "group_by"];

/// What only the creation of a policy contains.
const ONLY_IN_CREATION: [&str; 4] = ["type", "group_by", "workspace_id", "organisation_id"];

macro_rules! upsert {
    ($builder:ident, $list:ident, $update:ident) => {
        impl $builder {
            /// Updates the policy with the name in the body, or creates it if the workspace has none.
            ///
            /// The service has no such operation, so the list is read first. Names need not be unique:
            /// two clients that call this at the same time can create two policies, and later calls
            /// fail. The conditions of a policy can be changed since backend 1.16.0.
            ///
            /// # Errors
            ///
            /// If several policies have the name ([`Error::is_ambiguous`]), or if the policy has
            /// another type or grouping than the body, which an update cannot change
            /// ([`Error::is_invalid_request`]). Otherwise the errors of the list, the
            /// creation and the update.
            pub async fn upsert(self) -> Result<Upserted, Error> {
                let creation = Creation::new(&self.call)?;
                let client = &creation.client;
                let policies = client.$list().workspace_id(creation.string("workspace_id"));
                match policies.stream().find_by_name(&creation.name).await? {
                    Some(policy) => {
                        let id = policy.id()?;
                        creation.check_unchanged(&to_value(&policy).unwrap_or_default(), &FIXED)?;
                        let body = creation.update(&ONLY_IN_CREATION);
                        client.$update(id).body(JsonObject::from(body)).await?;
                        Ok(Upserted::Updated(id.to_owned()))
                    }
                    None => Ok(Upserted::Created(self.send().await?.id)),
                }
            }
        }
    };
}

upsert!(
    CreateUsageLimitsPolicy,
    list_usage_limits_policies,
    update_usage_limits_policy
);
upsert!(
    CreateRateLimitsPolicy,
    list_rate_limits_policies,
    update_rate_limits_policy
);
