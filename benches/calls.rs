//! What a call costs beside bare `reqwest` that decodes into the same types: one API key, and a list
//! of 100.
//!
//! `cargo bench --bench calls` prints the figures that the README quotes. The client has one thread, so
//! that calls per second and CPU per call are two views of the same work; the server is a process of
//! its own.

mod support {
    pub mod bare;
    pub mod bodies;
    pub mod cpu;
    pub mod figures;
    pub mod rounds;
    pub mod server;

    /// Whatever goes wrong ends the run.
    pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
}

use std::{hint::black_box, sync::Arc};

use portkey_admin::{Client, types};
use support::{
    Result, bare, bodies,
    rounds::{Contender, Effort, race},
    server::{Answer, Answers, Server, serve_if_asked},
};

/// As many as the service sends at once.
const KEYS: usize = 100;

const IN_FLIGHT: [usize; 3] = [1, 8, 64];

fn answers() -> Answers {
    let one = Answer::json(&bodies::key(1).to_string());
    let list = Answer::json(&bodies::list(KEYS, (0..KEYS).map(bodies::key).collect()));
    Arc::new(move |target, _| match target {
        "/v1/api-keys/one" => Some(one.clone()),
        "/v1/api-keys" => Some(list.clone()),
        _ => None,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<()> {
    let effort = Effort::new(std::env::args().any(|argument| argument == "--bench"));
    let server = Server::start()?;
    let base = format!("{}/v1", server.origin);
    let client = Client::builder()
        .api_key(bare::KEY)
        .base_url(&base)
        .build()?;
    println!("one API key");
    race(effort, &one(&client, &base)?, &IN_FLIGHT).await?;
    println!("\na list of {KEYS} API keys");
    race(effort, &list(&client, &base)?, &IN_FLIGHT).await
}

fn one(client: &Client, base: &str) -> Result<[Contender; 2]> {
    let client = client.clone();
    let ours = Contender::new("portkey-admin", move || {
        let call = client.get_api_key("one");
        async move {
            black_box(call.send().await?);
            Ok(())
        }
    });
    let bare = Contender::bare::<types::ApiKey>(format!("{base}/api-keys/one"))?;
    Ok([bare, ours])
}

fn list(client: &Client, base: &str) -> Result<[Contender; 2]> {
    let client = client.clone();
    let ours = Contender::new("portkey-admin", move || {
        let call = client.list_api_keys();
        async move {
            black_box(call.send().await?);
            Ok(())
        }
    });
    let bare = Contender::bare::<types::ApiKeyList>(format!("{base}/api-keys"))?;
    Ok([bare, ours])
}

fn main() -> Result<()> {
    serve_if_asked(answers)?;
    run()
}
