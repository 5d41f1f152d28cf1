//! Logs, their exports, and feedback.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use portkey_admin::logs::{
    CreateFeedbackRequest, CreateLogExportRequest, LogEntry, LogEntryMetadata, LogEntryRequest,
    LogEntryResponse, LogExportField, LogExportFiltersInput, UpdateFeedbackRequest,
    UpdateLogExportRequest,
};
use serde_json::{Value, json};

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(context: &TestContext) -> Outcome {
    insert(context).await?;
    let id = export(context).await?;
    context.workspace_client.get_log(id).send().await?;
    groups(context).await?;
    feedback(context).await
}

/// Inserts a log entry of a request by one user.
pub async fn insert(
    TestContext {
        workspace_client, ..
    }: &TestContext,
) -> Outcome {
    let request = LogEntryRequest::builder()
        .url("https://api.provider.example/v1/chat/completions")
        .body(json!({"model": "gpt-4o"}));
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    let response = LogEntryResponse::builder()
        .status(200)
        .body(json!({"usage": usage}));
    let metadata = LogEntryMetadata::builder()
        .trace_id("every-operation")
        .extra("_user", "member@example.com");
    let entry = LogEntry::builder()
        .request(request)
        .response(response)
        .metadata(metadata)
        .build()?;
    workspace_client.insert_log().body(entry).send().await
}

/// Exports the logs; returns the id of the first log.
async fn export(context: &TestContext) -> Result<String, portkey_admin::Error> {
    let admin = &context.admin;
    let filters = LogExportFiltersInput::builder()
        .time_of_generation_min(Utc::now() - TimeDelta::days(1))
        .time_of_generation_max(Utc::now() + TimeDelta::days(1));
    let export = CreateLogExportRequest::builder()
        .workspace_id(&context.workspace)
        .filters(filters.clone())
        .requested_data([LogExportField::Id]);
    let create = admin.create_log_export().body(export);
    let id = created_id(create.clone().send().await?.id);
    let restrictions = admin.get_log_export_field_restrictions();
    restrictions.workspace_id(&context.workspace).send().await?;
    let list = admin.list_log_exports().workspace_id(&context.workspace);
    list.send().await?;
    let change = UpdateLogExportRequest::builder()
        .workspace_id(&context.workspace)
        .filters(filters)
        .requested_data([LogExportField::Id, LogExportField::TraceId]);
    admin.update_log_export(&id).body(change).send().await?;
    admin.start_log_export(&id).send().await?;
    // The export takes some time.
    context.emulator.advance(Duration::from_secs(60));
    admin.get_log_export(&id).send().await?;
    let download = admin.download_log_export(&id).open().await?;
    let lines = download.bytes(1 << 20).await?;
    let other = created_id(create.send().await?.id);
    admin.start_log_export(&other).send().await?;
    admin.cancel_log_export(&other).send().await?;

    let line = lines.split(|byte| *byte == b'\n').next().unwrap();
    let log: Value = serde_json::from_slice(line).unwrap();
    Ok(log["id"].as_str().unwrap().to_owned())
}

async fn feedback(
    TestContext {
        workspace_client, ..
    }: &TestContext,
) -> Outcome {
    let feedback = CreateFeedbackRequest::builder()
        .trace_id("every-operation")
        .value(1);
    let receipt = workspace_client
        .create_feedback()
        .body(feedback)
        .send()
        .await?;
    let change = UpdateFeedbackRequest::builder().value(2);
    let update = workspace_client
        .update_feedback(&receipt.feedback_ids[0])
        .body(change);
    update.send().await.map(drop)
}

async fn groups(TestContext { admin, .. }: &TestContext) -> Outcome {
    let models = admin.get_log_groups("model").columns("cost,last_seen");
    assert!(!models.send().await?.data.is_empty());
    let users = admin.get_log_groups_by_metadata("_user");
    users.send().await?;
    let users = admin.list_log_metadata_values("_user");
    users.send().await.map(drop)
}
