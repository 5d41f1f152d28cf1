//! The main job, end to end: a workspace, an invitation, an API key, a prompt version, the usage.
//!
//! Without `PORTKEY_API_KEY` it runs against an emulator that it starts itself. With it, it talks to
//! the real service: it only reads, unless `--write` is given, and goes on where the key may not (403).

use std::{
    fmt::Display,
    time::{Duration, SystemTime},
};

use portkey_admin::{
    Client, Error,
    types::{
        ApiKeySubType, ApiKeyType, AssignableRole, CreateApiKeyRequest, CreatePromptRequest,
        CreateUserInviteRequest, CreateWorkspaceRequest, DeleteWorkspaceRequest,
        MakePromptVersionDefaultRequest, RotateApiKeyRequest, UpdatePromptRequest,
        UserInviteWorkspaceInput, Workspace, WorkspaceRole,
    },
};
use portkey_admin_emulator::Emulator;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    if std::env::var("PORTKEY_API_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        let write = std::env::args().any(|argument| argument == "--write");
        println!(
            "PORTKEY_API_KEY is set: talking to the real service{}",
            if write { "" } else { ", reading only" }
        );
        return run(&Client::from_env()?, write).await;
    }
    let emulator = Emulator::start().await?;
    println!(
        "no PORTKEY_API_KEY: talking to an emulator at {}",
        emulator.base_url()
    );
    let client = Client::builder()
        .api_key(emulator.api_key())
        .base_url(emulator.base_url())
        .public_base_url(emulator.public_base_url())
        .build()?;
    run(&client, true).await
}

async fn run(client: &Client, write: bool) -> Outcome {
    if write && let Some(workspace) = workspace(client).await? {
        invite(client, &workspace).await?;
        api_key(client, &workspace).await?;
        prompt(client).await?;
        remove_workspace(client, &workspace).await?;
    }
    overview(client).await?;
    usage(client).await
}

/// Prints what came of a step. What the key may not do (403) is no reason to stop.
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

async fn workspace(client: &Client) -> Result<Option<Workspace>, Error> {
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

async fn invite(client: &Client, workspace: &Workspace) -> Result<(), Error> {
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
        println!("        the link is a secret and prints as {link}");
        let Some(id) = invite.id else { return Ok(()) };
        step(
            "withdraw the invitation",
            client.delete_user_invite(id).send().await,
        )?;
    }
    Ok(())
}

async fn api_key(client: &Client, workspace: &Workspace) -> Result<(), Error> {
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
    let Some(created) = step("mint it", created)? else {
        return Ok(());
    };
    println!(
        "        {} shows once, to who asks: {} characters",
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

async fn prompt(client: &Client) -> Result<(), Error> {
    println!("\nA prompt");
    let Some((collection, virtual_key)) = ingredients(client).await? else {
        println!("        no workspace has a collection and a virtual key, so no prompt");
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

/// A collection's id and a virtual key's slug, of one workspace.
async fn ingredients(client: &Client) -> Result<Option<(String, String)>, Error> {
    let workspaces = step(
        "look for a workspace",
        client.list_workspaces().send().await,
    )?;
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
        let collections = step("with a collection", collections)?.map(|list| list.data);
        let keys = step("and a virtual key", keys)?.map(|list| list.data);
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

/// A new version is not the default: it is published by its number, which only the list tells.
async fn publish_version(client: &Client, id: &str) -> Result<(), Error> {
    let change = UpdatePromptRequest::builder()
        .patch(true)
        .string("Greet {{name}} warmly.");
    let updated = step(
        "change it, which makes a version",
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
    println!("\nTidying up");
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

async fn overview(client: &Client) -> Result<(), Error> {
    println!("\nWhat there is");
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

/// At most five names, and how many more there are.
fn names(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    match all.len() {
        0 => "none".to_owned(),
        count if count > 5 => format!("{} and {} more", all[..5].join(", "), count - 5),
        _ => all.join(", "),
    }
}

async fn usage(client: &Client) -> Outcome {
    println!("\nUsage of the last seven days");
    let now = SystemTime::now();
    let week_ago = now - Duration::from_secs(7 * 24 * 3600);
    let graph = client
        .get_cost_graph()
        .time_of_generation_min(week_ago)
        .time_of_generation_max(now)
        .send()
        .await;
    if let Some(graph) = step("read the cost", graph)? {
        let total = graph
            .summary
            .and_then(|summary| summary.total)
            .unwrap_or_default();
        println!(
            "        {total:.2} cents in {} data points",
            graph.data_points.len()
        );
    }
    let users = client
        .get_usage_by_user()
        .time_of_generation_min(week_ago)
        .time_of_generation_max(now)
        .send()
        .await;
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
