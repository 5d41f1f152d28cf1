//! Checks and catalogues.

use crate::{Outcome, TestContext};

pub async fn call_all(TestContext { admin, .. }: &TestContext) -> Outcome {
    admin.test_auth().send().await?;
    admin.check_health().send().await?;
    admin
        .get_resource_schema()
        .resource("guardrails")
        .send()
        .await?;
    let providers = admin.list_ai_providers().send().await?;
    assert!(!providers.data.is_empty());
    admin.list_integration_providers().send().await?;
    admin.list_plugin_providers().send().await.map(drop)
}
