//! The cost of a call compared with plain `reqwest` that decodes into the same types: one API key, and a
//! list of 100.
//!
//! `cargo bench --bench calls` prints the figures in the README. The client has one thread, so that calls
//! per second and CPU time per call measure the same work. The server is a separate process.

use std::{hint::black_box, sync::Arc};

use portkey_admin::{Client, api_keys};
use portkey_admin_testing::benchmark::{
    Result, bodies,
    compare::{Candidate, Sampling, compare},
    reqwest_baseline,
    server::{CannedResponse, Handler, Server, serve_if_requested},
};

/// The maximum page size of the service.
const KEYS: usize = 100;

const IN_FLIGHT: [usize; 3] = [1, 8, 64];

fn handler() -> Handler {
    let one = CannedResponse::json(&bodies::key(1).to_string());
    let list = CannedResponse::json(&bodies::list(KEYS, (0..KEYS).map(bodies::key).collect()));
    Arc::new(move |target, _| match target {
        "/v1/api-keys/one" => Some(one.clone()),
        "/v1/api-keys" => Some(list.clone()),
        _ => None,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<()> {
    let sampling = Sampling::new(std::env::args().any(|argument| argument == "--bench"));
    let server = Server::start()?;
    let base = format!("{}/v1", server.origin);
    let client = Client::builder()
        .api_key(reqwest_baseline::KEY)
        .base_url(&base)
        .build()?;
    println!("one API key");
    compare(sampling, &one(&client, &base)?, &IN_FLIGHT).await?;
    println!("\na list of {KEYS} API keys");
    compare(sampling, &list(&client, &base)?, &IN_FLIGHT).await
}

fn one(client: &Client, base: &str) -> Result<[Candidate; 2]> {
    let client = client.clone();
    let ours = Candidate::new("portkey-admin", move || {
        let call = client.get_api_key("one");
        async move {
            black_box(call.send().await?);
            Ok(())
        }
    });
    let baseline = Candidate::reqwest_baseline::<api_keys::ApiKey>(format!("{base}/api-keys/one"))?;
    Ok([baseline, ours])
}

fn list(client: &Client, base: &str) -> Result<[Candidate; 2]> {
    let client = client.clone();
    let ours = Candidate::new("portkey-admin", move || {
        let call = client.list_api_keys();
        async move {
            black_box(call.send().await?);
            Ok(())
        }
    });
    let baseline = Candidate::reqwest_baseline::<api_keys::ApiKeyList>(format!("{base}/api-keys"))?;
    Ok([baseline, ours])
}

fn main() -> Result<()> {
    serve_if_requested(handler)?;
    run()
}
