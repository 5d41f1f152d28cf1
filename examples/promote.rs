//! Copies the configs and prompts of one workspace to another. What exists there under the same name
//! gets a new version.
//!
//! `promote FROM TO [PROVIDER=PROVIDER...]`: the workspaces, and the providers that correspond to each
//! other, by slug.

use std::{collections::BTreeMap, error::Error};

use portkey_admin::{
    Client,
    configs::{CreateConfigRequest, GatewayConfig},
    prompts::CreatePromptRequest,
};

type Outcome = Result<(), Box<dyn Error>>;

/// The providers of the source with those of the target.
type Providers<'a> = BTreeMap<&'a str, &'a str>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, providers @ ..] = arguments.as_slice() else {
        return Err("usage: promote FROM TO [PROVIDER=PROVIDER...]".into());
    };
    let providers = providers.iter().filter_map(|pair| pair.split_once('='));
    let (client, providers) = (Client::from_env()?, providers.collect());
    promote_configs(&client, from, to, &providers).await?;
    promote_prompts(&client, from, to, &providers).await
}

async fn promote_configs(
    client: &Client,
    from: &str,
    to: &str,
    providers: &Providers<'_>,
) -> Outcome {
    let configs = client.list_configs().workspace_id(from).stream();
    for config in configs.try_collect().await? {
        // Items of the list have no configuration.
        let config = client.get_config(&config.slug).await?;
        let mut routing = config.gateway_config()?;
        rename_providers(&mut routing, providers);
        let body = CreateConfigRequest::builder()
            .name(&config.name)
            .config(routing)
            .workspace_id(to);
        let promoted = client.create_config().body(body).upsert().await?;
        println!("config `{}`: {promoted:?}", config.name);
    }
    Ok(())
}

/// Replaces the providers of a config and of its targets.
fn rename_providers(config: &mut GatewayConfig, providers: &Providers<'_>) {
    if let Some(key) = &mut config.virtual_key {
        *key = renamed(key, providers);
    }
    let provider = config.provider.as_deref();
    if let Some(slug) = provider.and_then(|name| name.strip_prefix('@')) {
        config.provider = Some(format!("@{}", renamed(slug, providers)));
    }
    for target in config.targets.iter_mut().flatten() {
        rename_providers(target, providers);
    }
}

fn renamed(slug: &str, providers: &Providers<'_>) -> String {
    providers.get(slug).copied().unwrap_or(slug).to_owned()
}

async fn promote_prompts(
    client: &Client,
    from: &str,
    to: &str,
    providers: &Providers<'_>,
) -> Outcome {
    let mut collections = client.list_collections().workspace_id(to).stream();
    let collection = collections.next().await.ok_or("no collection")??;
    let mut prompts = client.list_prompts().workspace_id(from).stream();
    while let Some(prompt) = prompts.next().await {
        let prompt = client.get_prompt(prompt?.id).await?;
        let mut body = CreatePromptRequest::try_from(prompt)?;
        if let Some(key) = &mut body.virtual_key {
            *key = renamed(key, providers);
        }
        body.collection_id = collection.id()?.to_owned();
        let name = body.name.clone();
        let promoted = client.create_prompt().body(body).upsert().await?;
        println!("prompt `{name}`: {promoted:?}");
    }
    Ok(())
}
