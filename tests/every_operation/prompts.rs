//! Collections, labels, prompts, partials and tools with their versions, and sharing.

use portkey_admin::JsonObject;
use portkey_admin::prompts::{
    CreateCollectionRequest, CreateLabelRequest, CreatePromptPartialRequest, CreatePromptRequest,
    CreatePromptToolRequest, MakePromptPartialVersionDefaultRequest,
    MakePromptToolVersionDefaultRequest, MakePromptVersionDefaultRequest, RenderPromptRequest,
    RunPromptRequest, UpdateCollectionRequest, UpdateLabelRequest, UpdatePromptPartialRequest,
    UpdatePromptRequest, UpdatePromptToolRequest, UpdatePromptVersionRequest,
};
use portkey_admin::providers::CreateVirtualKeyRequest;
use serde_json::{Value, json};

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let collection = CreateCollectionRequest::builder()
        .name("drafts")
        .workspace_id(&context.workspace);
    let collection = admin.create_collection().body(collection);
    let collection = created_id(collection.send().await?.id);
    let change = UpdateCollectionRequest::builder().name("finals");
    let update = admin.update_collection(&collection).body(change);
    update.update_and_get().await?;
    let list = admin.list_collections().workspace_id(&context.workspace);
    assert!(!list.send().await?.data.is_empty());

    let label = CreateLabelRequest::builder()
        .name("reviewed")
        .workspace_id(&context.workspace);
    let label = created_id(admin.create_label().body(label).send().await?.id);
    let change = UpdateLabelRequest::builder().description("Changed");
    let update = admin.update_label(&label).body(change);
    update.update_and_get().await?;
    admin.list_labels().send().await?;

    let key = CreateVirtualKeyRequest::builder()
        .name("Prompts")
        .provider("openai")
        .key("sample")
        .workspace_id(&context.workspace);
    let key = created_id(admin.create_virtual_key().body(key).send().await?.slug);
    prompt(context, &collection, &label, &key).await?;
    admin.delete_virtual_key(&key).send().await?;
    partials(context).await?;
    tools(context, &collection).await?;
    admin.delete_label(&label).send().await?;
    admin.delete_collection(&collection).send().await
}

async fn prompt(context: &TestContext, collection: &str, label: &str, key: &str) -> Outcome {
    let admin = &context.admin;
    let prompt = CreatePromptRequest::builder()
        .name("greeting")
        .collection_id(collection)
        .string("Hello {{who}}")
        .model("gpt-4o")
        .virtual_key(key)
        .parameters(json!({"max_tokens": 10}));
    let prompt = created_id(admin.create_prompt().body(prompt).send().await?.slug);
    let change = UpdatePromptRequest::builder()
        .patch(true)
        .string("Good day {{who}}");
    admin.update_prompt(&prompt).body(change).send().await?;
    let default = MakePromptVersionDefaultRequest::builder().version(2);
    let promote = admin.make_prompt_version_default(&prompt).body(default);
    promote.send().await?;
    admin.get_prompt(&prompt).send().await?;
    let list = admin.list_prompts().collection_id(collection);
    assert_eq!(list.send().await?.data.len(), 1);

    let mut versions = admin.list_prompt_versions(&prompt).send().await?;
    let version = created_id(versions.data.remove(0).id);
    let read = admin.get_prompt_version(&prompt, &version);
    read.send().await?;
    let labelled = UpdatePromptVersionRequest::builder().label_id(label);
    let update = admin.update_prompt_version(&prompt, &version);
    update.body(labelled).update_and_get().await?;

    let variables = RenderPromptRequest::builder().variables(json!({"who": "reader"}));
    let render = context.workspace_client.render_prompt(&prompt);
    let rendered = render.body(variables).send().await?;
    assert!(json!(rendered).to_string().contains("Good day reader"));
    let variables = RunPromptRequest::builder().variables(json!({"who": "reader"}));
    let run = context.workspace_client.run_prompt(&prompt).body(variables);
    let response = run.send().await?;
    assert_eq!(response.text(), Some("You said: Good day reader"));
    share_prompt(context, &prompt).await?;
    admin.delete_prompt(&prompt).send().await
}

async fn partials(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let partial = CreatePromptPartialRequest::builder()
        .name("signature")
        .string("Yours")
        .workspace_id(&context.workspace);
    let partial = admin.create_prompt_partial().body(partial);
    let partial = created_id(partial.send().await?.slug);
    let change = UpdatePromptPartialRequest::builder().string("Truly yours");
    let update = admin.update_prompt_partial(&partial).body(change);
    update.send().await?;
    let default = MakePromptPartialVersionDefaultRequest::builder().version(2);
    let promote = admin.make_prompt_partial_version_default(&partial);
    promote.body(default).send().await?;
    admin.get_prompt_partial(&partial).send().await?;
    let list = admin
        .list_prompt_partials()
        .workspace_id(&context.workspace);
    assert_eq!(list.send().await?.data.len(), 1);
    let versions = admin.list_prompt_partial_versions(&partial).send().await?;
    assert_eq!(versions.data.len(), 2);
    share_partial(context, &partial).await?;
    admin.delete_prompt_partial(&partial).send().await
}

async fn tools(TestContext { admin, .. }: &TestContext, collection: &str) -> Outcome {
    let tool = CreatePromptToolRequest::builder()
        .collection_id(collection)
        .name("weather")
        .tool_def(JsonObject::from([("type", "function")]));
    let id = created_id(admin.create_prompt_tool().body(tool).send().await?.id);
    let change =
        UpdatePromptToolRequest::builder().tool_def(JsonObject::from([("type", "custom")]));
    admin.update_prompt_tool(&id).body(change).send().await?;
    let default = MakePromptToolVersionDefaultRequest::builder().version(2);
    let promote = admin.make_prompt_tool_version_default(&id).body(default);
    promote.send().await?;
    let versions = admin.list_prompt_tool_versions(&id).send().await?;
    assert_eq!(versions.data.len(), 2);
    let list = admin.list_prompt_tools().collection_id(collection);
    list.send().await?;
    admin.delete_prompt_tool(&id).send().await
}

/// Shares a prompt with the organisation, copies it, and ends the sharing.
async fn share_prompt(context: &TestContext, id: &str) -> Outcome {
    let admin = &context.admin;
    let everybody = JsonObject::default;
    admin.share_prompt(id).body(everybody()).send().await?;
    let only = [("workspaces", json!([context.workspace]))];
    admin.update_prompt_share(id).body(only).send().await?;
    let copy = admin.fork_prompt(id);
    let copy = copy.body([("workspace_id", json!(context.workspace))]);
    let copy = copy.send().await?;
    admin.unshare_prompt(id).send().await?;
    let copy = copy.get("id").and_then(Value::as_str).unwrap();
    admin.delete_prompt(copy).send().await
}

/// Like [`share_prompt`], for a partial.
async fn share_partial(context: &TestContext, id: &str) -> Outcome {
    let admin = &context.admin;
    let share = admin.share_prompt_partial(id);
    share.body(JsonObject::default()).send().await?;
    let update = admin.update_prompt_partial_share(id);
    let only = [("workspaces", json!([context.workspace]))];
    update.body(only).send().await?;
    let copy = admin.fork_prompt_partial(id);
    let copy = copy.body([("workspace_id", json!(context.workspace))]);
    let copy = copy.send().await?;
    admin.unshare_prompt_partial(id).send().await?;
    let copy = copy.get("id").and_then(Value::as_str).unwrap();
    admin.delete_prompt_partial(copy).send().await
}
