//! The egress allowlist.

use portkey_admin::network::{
    CreateEgressAllowlistEntryRequest, UpdateEgressAllowlistEntryRequest,
};

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(TestContext { admin, .. }: &TestContext) -> Outcome {
    let entry = CreateEgressAllowlistEntryRequest::builder().domain("api.example.com");
    let entry = admin.create_egress_allowlist_entry().body(entry);
    let id = created_id(entry.send().await?.id);
    let change = UpdateEgressAllowlistEntryRequest::builder().description("Changed");
    let update = admin.update_egress_allowlist_entry(&id).body(change);
    update.send().await?;
    let read = admin.get_egress_allowlist_entry(&id).send().await?;
    assert_eq!(read.description.as_deref(), Some("Changed"));
    let list = admin.list_egress_allowlist_entries().send().await?;
    assert_eq!(list.data.len(), 1);
    admin.delete_egress_allowlist_entry(&id).send().await
}
