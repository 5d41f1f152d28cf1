//! Keeps the prompts of a collection in files, one JSON object with `name`, `string`, `parameters`,
//! `model` and `virtual_key` for each prompt.
//!
//! - `prompts_as_code plan DIRECTORY COLLECTION` shows what would change.
//! - `prompts_as_code apply DIRECTORY COLLECTION` changes it; the new versions become the default.
//! - `prompts_as_code rollback PROMPT VERSION` makes an older version the default.

use std::{error::Error, fs};

use portkey_admin::{
    Client,
    prompts::{MakePromptVersionDefaultRequest, Prompt},
};
use serde_json::{Value, json};
use similar::TextDiff;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let client = Client::from_env()?;
    match arguments.as_slice() {
        ["plan", directory, collection] => sync(&client, directory, collection, false).await,
        ["apply", directory, collection] => sync(&client, directory, collection, true).await,
        ["rollback", prompt, version] => roll_back(&client, prompt, version.parse()?).await,
        _ => Err("usage: prompts_as_code plan|apply DIRECTORY COLLECTION".into()),
    }
}

async fn sync(client: &Client, directory: &str, collection: &str, apply: bool) -> Outcome {
    let entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        let mut wanted: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let name = wanted["name"]
            .as_str()
            .ok_or("a prompt needs a name")?
            .to_owned();
        let prompts = client.list_prompts().collection_id(collection).stream();
        let current = match prompts.find_by_name(&name).await? {
            // The list does not contain the template.
            Some(prompt) => pretty(&content(&client.get_prompt(prompt.id).await?))?,
            None => String::new(),
        };
        if !print_diff(&name, &current, &pretty(&wanted)?) {
            continue;
        }
        if apply {
            wanted["collection_id"] = json!(collection);
            let prompt = client.create_prompt().body(wanted).upsert().await?;
            let verb = if prompt.is_created() {
                "created"
            } else {
                "updated"
            };
            println!("{verb} {name} ({})", prompt.id());
        }
    }
    Ok(())
}

/// Returns what the file of a prompt contains.
fn content(prompt: &Prompt) -> Value {
    let mut parameters = prompt.parameters.clone();
    // The service adds it.
    parameters.remove("model");
    json!({
        "name": prompt.name, "string": prompt.string, "parameters": parameters,
        "model": prompt.model, "virtual_key": prompt.virtual_key,
    })
}

fn pretty(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Returns whether there is a difference.
fn print_diff(name: &str, old: &str, new: &str) -> bool {
    if old == new {
        println!("{name}: unchanged");
        return false;
    }
    let diff = TextDiff::from_lines(old, new);
    print!(
        "{}",
        diff.unified_diff()
            .header(&format!("a/{name}"), &format!("b/{name}"))
    );
    true
}

async fn roll_back(client: &Client, prompt: &str, version: i64) -> Outcome {
    let body = MakePromptVersionDefaultRequest::builder().version(version);
    client
        .make_prompt_version_default(prompt)
        .body(body)
        .await?;
    println!("version {version} of {prompt} is the default");
    Ok(())
}
