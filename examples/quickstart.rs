//! Common tasks, end to end: a workspace, an invitation, an API key, a prompt version, and usage.
//!
//! Without `PORTKEY_API_KEY`, the example starts an emulator and uses it. With `PORTKEY_API_KEY`, it uses the
//! real service: it only reads, unless `--write` is given. A step that the key may not perform (403) is
//! skipped.

use std::{fmt::Display, time::Duration};

use portkey_admin::{
    Client, Error,
    analytics::AnalyticsFilters,
    api_keys::{ApiKeySubType, ApiKeyType, CreateApiKeyRequest, RotateApiKeyRequest},
    prompts::{CreatePromptRequest, MakePromptVersionDefaultRequest, UpdatePromptRequest},
    types::WorkspaceRole,
    users::{AssignableRole, CreateUserInviteRequest, UserInviteWorkspaceInput},
    workspaces::{CreateWorkspaceRequest, DeleteWorkspaceRequest, Workspace},
};
use portkey_admin_emulator::Emulator;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    if std::env::var("PORTKEY_API_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        let write = std::env::args().any(|argument| argument == "--write");
        println!(
            "PORTKEY_API_KEY is set: using the real service{}",
            if write { "" } else { ", read-only" }
        );
        return run(&Client::from_env()?, write).await;
    }
    let emulator = Emulator::start().await?;
    println!(
        "PORTKEY_API_KEY is not set: using an emulator at {}",
        emulator.base_url()
    );
    let client = Client::builder()
        .api_key(emulator.api_key())
        .base_url(emulator.base_url())
        .public_base_url(emulator.public_base_url())
        .mcp_base_url(emulator.mcp_base_url())
        .prices_base_url(emulator.prices_base_url())
        .build()?;
    run(&client, true).await
}

async fn run(client: &Client, write: bool) -> Outcome {
    if write && let Some(workspace) = create_workspace(client).await? {
        invite_user(client, &workspace).await?;
        manage_api_key(client, &workspace).await?;
        manage_prompt(client).await?;
        remove_workspace(client, &workspace).await?;
    }
    print_overview(client).await?;
    print_usage(client).await
}

/// Prints the result of a step. A 403 is printed and does not end the example.
fn step<T>(what: impl Display, result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => {
            println!("  ok    {what}");
            Ok(Some(value))
        }
        Err(error) if error.is_forbidden() => {
            println!("  403   {what}: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn create_workspace(client: &Client) -> Result<Option<Workspace>, Error> {
    println!("\nA workspace");
    let request = CreateWorkspaceRequest::builder()
        .name("quickstart")
        .description("Made by the quickstart; safe to delete");
    let Some(workspace) = step(
        "create it",
        client.create_workspace().body(request).send().await,
    )?
    else {
        return Ok(None);
    };
    println!("        {} ({})", workspace.name, workspace.slug);
    Ok(Some(workspace))
}

async fn invite_user(client: &Client, workspace: &Workspace) -> Result<(), Error> {
    println!("\nA user");
    let request = CreateUserInviteRequest::builder()
        .email("newcomer@example.com")
        .role(AssignableRole::Member)
        .workspaces([UserInviteWorkspaceInput::builder()
            .id(&workspace.id)
            .role(WorkspaceRole::Member)]);
    if let Some(invite) = step(
        "invite them",
        client.create_user_invite().body(request).send().await,
    )? {
        let link = invite.invite_link.unwrap_or_default();
        println!("        the link is a secret, printed as {link}");
        let Some(id) = invite.id else { return Ok(()) };
        step(
            "withdraw the invitation",
            client.delete_user_invite(id).send().await,
        )?;
    }
    Ok(())
}

async fn manage_api_key(client: &Client, workspace: &Workspace) -> Result<(), Error> {
    println!("\nAn API key");
    let request = CreateApiKeyRequest::builder()
        .name("ci")
        .scopes(["completions.write", "logs.view"])
        .workspace_id(&workspace.id);
    let created = client
        .create_api_key(ApiKeyType::Workspace, ApiKeySubType::Service)
        .body(request)
        .send()
        .await;
    let Some(created) = step("create it", created)? else {
        return Ok(());
    };
    println!(
        "        the key of {} is only returned now: {} characters",
        created.id,
        created.key.expose().len()
    );
    list_api_keys(client, workspace).await?;
    let window = RotateApiKeyRequest::builder().key_transition_period_ms(1_800_000);
    if let Some(rotated) = step(
        "rotate it",
        client.rotate_api_key(&created.id).body(window).send().await,
    )? && let Some(until) = rotated.key_transition_expires_at
    {
        println!(
            "        the old key works until {}",
            until.format("%H:%M:%S")
        );
    }
    step("delete it", client.delete_api_key(&created.id).send().await)?;
    Ok(())
}

async fn list_api_keys(client: &Client, workspace: &Workspace) -> Result<(), Error> {
    let keys = client
        .list_api_keys()
        .workspace_id(&workspace.id)
        .send()
        .await;
    for key in step("list the keys of the workspace", keys)?
        .into_iter()
        .flat_map(|list| list.data)
    {
        println!(
            "        {} {} {}",
            key.name,
            key.key.unwrap_or_default(),
            key.status
        );
    }
    Ok(())
}

async fn manage_prompt(client: &Client) -> Result<(), Error> {
    println!("\nA prompt");
    let Some((collection, virtual_key)) = collection_and_virtual_key(client).await? else {
        println!("        skipped: no workspace has both a collection and a virtual key");
        return Ok(());
    };
    let request = CreatePromptRequest::builder()
        .name("quickstart")
        .collection_id(collection)
        .string("Say hello to {{name}}.")
        .parameters(serde_json::Map::new())
        .model("gpt-4o-mini")
        .virtual_key(virtual_key);
    let created = step(
        "create it",
        client.create_prompt().body(request).send().await,
    )?;
    let Some(id) = created.and_then(|created| created.id) else {
        return Ok(());
    };
    publish_version(client, &id).await?;
    step("delete it", client.delete_prompt(id).send().await)?;
    Ok(())
}

/// Returns the id of a collection and the slug of a virtual key in the same workspace.
async fn collection_and_virtual_key(client: &Client) -> Result<Option<(String, String)>, Error> {
    let workspaces = step("list workspaces", client.list_workspaces().send().await)?;
    for workspace in workspaces.into_iter().flat_map(|list| list.data) {
        let collections = client
            .list_collections()
            .workspace_id(&workspace.id)
            .send()
            .await;
        let keys = client
            .list_virtual_keys()
            .workspace_id(&workspace.id)
            .send()
            .await;
        let collections = step("list collections", collections)?.map(|list| list.data);
        let keys = step("list virtual keys", keys)?.map(|list| list.data);
        let collection = collections
            .into_iter()
            .flatten()
            .find_map(|collection| collection.id);
        let key = keys.into_iter().flatten().next().map(|key| key.slug);
        if let (Some(collection), Some(key)) = (collection, key) {
            return Ok(Some((collection, key)));
        }
    }
    Ok(None)
}

/// Creates a version and makes it the default. That requires its number, which only the list contains.
async fn publish_version(client: &Client, id: &str) -> Result<(), Error> {
    let change = UpdatePromptRequest::builder()
        .patch(true)
        .string("Greet {{name}} warmly.");
    let updated = step(
        "update it, which creates a version",
        client.update_prompt(id).body(change).send().await,
    )?;
    let version_id = updated.and_then(|updated| updated.prompt_version_id);
    let versions = step(
        "list its versions",
        client.list_prompt_versions(id).send().await,
    )?;
    let number = versions
        .into_iter()
        .flat_map(|list| list.data)
        .find(|version| version.id == version_id);
    if let Some(number) = number.and_then(|version| version.prompt_version) {
        let request = MakePromptVersionDefaultRequest::builder().version(number);
        let published = client
            .make_prompt_version_default(id)
            .body(request)
            .send()
            .await;
        step(format_args!("publish version {number}"), published)?;
    }
    Ok(())
}

async fn remove_workspace(client: &Client, workspace: &Workspace) -> Result<(), Error> {
    println!("\nCleanup");
    let request = DeleteWorkspaceRequest::builder()
        .name(&workspace.name)
        .force_delete(true);
    step(
        "delete the workspace",
        client
            .delete_workspace(&workspace.id)
            .body(request)
            .send()
            .await,
    )?;
    Ok(())
}

async fn print_overview(client: &Client) -> Result<(), Error> {
    println!("\nOverview");
    if let Some(list) = step("list workspaces", client.list_workspaces().send().await)? {
        println!(
            "        {}",
            names(list.data.into_iter().map(|workspace| workspace.name))
        );
    }
    if let Some(list) = step("list users", client.list_users().send().await)? {
        println!(
            "        {}",
            names(list.data.into_iter().filter_map(|user| user.email))
        );
    }
    if let Some(list) = step("list API keys", client.list_api_keys().send().await)? {
        println!(
            "        {}",
            names(list.data.into_iter().map(|key| key.name))
        );
    }
    if let Some(list) = step("list configs", client.list_configs().send().await)? {
        println!(
            "        {}",
            names(list.data.into_iter().map(|config| config.name))
        );
    }
    if let Some(list) = step("list prompts", client.list_prompts().send().await)? {
        println!(
            "        {}",
            names(list.data.into_iter().map(|prompt| prompt.name))
        );
    }
    Ok(())
}

/// Joins at most five names and the number of further ones.
fn names(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    match all.len() {
        0 => "none".to_owned(),
        count if count > 5 => format!("{} and {} more", all[..5].join(", "), count - 5),
        _ => all.join(", "),
    }
}

async fn print_usage(client: &Client) -> Outcome {
    println!("\nUsage of the last seven days");
    let week = AnalyticsFilters::last(Duration::from_secs(7 * 24 * 3600));
    let graph = client.get_cost_graph().filters(&week).send().await;
    if let Some(graph) = step("read the cost", graph)? {
        let total = graph
            .summary
            .and_then(|summary| summary.total)
            .unwrap_or_default();
        println!(
            "        {total:.2} in {} data points",
            graph.data_points.len()
        );
    }
    let users = client.get_usage_by_user().filters(&week).send().await;
    for user in step("read the usage by user", users)?
        .into_iter()
        .flat_map(|list| list.data)
        .take(5)
    {
        let requests = user.requests.unwrap_or_default();
        println!(
            "        {}: {requests} requests",
            user.user.unwrap_or_default()
        );
    }
    Ok(())
}
