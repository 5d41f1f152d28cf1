//! Backs up the configs, guardrails and prompts of a workspace, one file for each.
//!
//! - `backup dump DIRECTORY WORKSPACE` writes the files.
//! - `backup diff DIRECTORY WORKSPACE` shows how the workspace differs from them.
//! - `backup restore DIRECTORY WORKSPACE` creates or updates what differs.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use portkey_admin::Client;
use serde_json::{Value, json};
use similar::TextDiff;

/// The body that creates a resource, by the path of its file.
type Resources = BTreeMap<String, Value>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, directory, workspace] = arguments.as_slice() else {
        return Err("usage: backup dump|diff|restore DIRECTORY WORKSPACE".into());
    };
    let (client, directory) = (Client::from_env()?, Path::new(directory));
    let current = read_workspace(&client, workspace).await?;
    if command == "dump" {
        for (path, body) in &current {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            fs::write(path, pretty(body)?)?;
        }
        println!("{} resources", current.len());
        return Ok(());
    }
    for (path, body) in read_files(directory)? {
        let old = current
            .get(&path)
            .map(pretty)
            .transpose()?
            .unwrap_or_default();
        let new = pretty(&body)?;
        if old == new {
            continue;
        }
        let diff = TextDiff::from_lines(&old, &new);
        print!("{}", diff.unified_diff().header("workspace", &path));
        if command == "restore" {
            restore(&client, &path, body).await?;
        }
    }
    Ok(())
}

async fn read_workspace(client: &Client, workspace: &str) -> Result<Resources, Box<dyn Error>> {
    let mut found = Resources::new();
    let configs = client.list_configs().workspace_id(workspace).stream();
    for config in configs.try_collect().await? {
        let config = client.get_config(config.slug).await?;
        let body = json!({
            "name": config.name, "workspace_id": workspace, "config": config.config_json()?,
        });
        found.insert(format!("configs/{}.json", config.name), body);
    }
    let guardrails = client.list_guardrails().workspace_id(workspace).stream();
    for guardrail in guardrails.try_collect().await? {
        let guardrail = client.get_guardrail(guardrail.id()?).await?;
        let body = json!({
            "name": guardrail.name, "workspace_id": workspace, "checks": guardrail.checks,
            "actions": guardrail.actions,
        });
        let name = guardrail.name.unwrap_or_default();
        found.insert(format!("guardrails/{name}.json"), body);
    }
    let prompts = client.list_prompts().workspace_id(workspace).stream();
    for prompt in prompts.try_collect().await? {
        let prompt = client.get_prompt(prompt.id).await?;
        let body = json!({
            "name": prompt.name, "collection_id": prompt.collection_id, "string": prompt.string,
            "parameters": prompt.parameters, "model": prompt.model, "virtual_key": prompt.virtual_key,
        });
        found.insert(format!("prompts/{}.json", prompt.name), body);
    }
    Ok(found)
}

fn read_files(directory: &Path) -> Result<Resources, Box<dyn Error>> {
    let mut found = Resources::new();
    for kind in ["configs", "guardrails", "prompts"] {
        let Ok(entries) = fs::read_dir(directory.join(kind)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{kind}/{}", entry.file_name().to_string_lossy());
            found.insert(path, serde_json::from_slice(&fs::read(entry.path())?)?);
        }
    }
    Ok(found)
}

async fn restore(client: &Client, path: &str, body: Value) -> Result<(), Box<dyn Error>> {
    let restored = match path.split('/').next() {
        Some("configs") => client.create_config().body(body).upsert().await?,
        Some("guardrails") => client.create_guardrail().body(body).upsert().await?,
        _ => client.create_prompt().body(body).upsert().await?,
    };
    let verb = if restored.is_created() {
        "created"
    } else {
        "updated"
    };
    println!("{verb} {path} ({})", restored.id());
    Ok(())
}

fn pretty(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
