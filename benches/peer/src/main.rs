//! The cost of a call compared with `portkey-sdk`, for the two reads of the Admin API that it supports: one
//! log export, and a list of 100.
//!
//! `cargo run --release --manifest-path benches/peer/Cargo.toml -- --bench` prints the figures in the
//! README. It is `cargo bench --bench calls` with a third candidate, which decodes into its own types and
//! drops unknown fields.

use std::{hint::black_box, sync::Arc};

use portkey_admin::{Client, logs};
use portkey_sdk::{PortkeyClient, builder::AuthMethod, service::LogsService};
use serde_json::{Value, json};
use portkey_admin_testing::benchmark::{
    Result,
    compare::{Candidate, Sampling, compare},
    reqwest_baseline,
    server::{CannedResponse, Handler, Server, serve_if_requested},
};

const EXPORTS: usize = 100;

const IN_FLIGHT: [usize; 3] = [1, 8, 64];

/// Returns an export with every field that `portkey-sdk` requires.
fn export(index: usize) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{index:012}"),
        "organisation_id": "00000000-0000-4000-8000-000000000099",
        "filters": {
            "time_of_generation_min": "2026-01-01T00:00:00.000Z",
            "time_of_generation_max": "2026-01-02T00:00:00.000Z",
            "metadata": {"team": "one"}
        },
        "requested_data": ["id", "trace_id", "created_at", "request", "response", "is_success", "ai_model", "cost"],
        "status": "success",
        "description": "Logs of a day",
        "created_at": "2026-01-02T03:04:05.120Z",
        "last_updated_at": "2026-01-02T03:04:05.120Z",
        "created_by": "00000000-0000-4000-8000-000000000001",
        "workspace_id": "00000000-0000-4000-8000-000000000021",
        "object": "export"
    })
}

fn handler() -> Handler {
    let one = CannedResponse::json(&export(1).to_string());
    let exports: Vec<Value> = (0..EXPORTS).map(export).collect();
    let list = json!({"object": "list", "total": EXPORTS, "data": exports});
    let list = CannedResponse::json(&list.to_string());
    Arc::new(move |target, _| match target {
        "/v1/logs/exports/one" => Some(one.clone()),
        "/v1/logs/exports" => Some(list.clone()),
        _ => None,
    })
}

/// Returns a client of `portkey-sdk`. It uses a proxy from the environment even for loopback, so run this
/// without one.
fn portkey_sdk_client(base: &str) -> Result<PortkeyClient> {
    Ok(PortkeyClient::builder()
        .with_api_key(reqwest_baseline::KEY)
        .with_auth_method(AuthMethod::virtual_key("key"))
        .with_base_url(base)
        .build_client()?)
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<()> {
    let sampling = Sampling::new(std::env::args().any(|argument| argument == "--bench"));
    let server = Server::start()?;
    let base = format!("{}/v1", server.origin);
    let ours = Client::builder()
        .api_key(reqwest_baseline::KEY)
        .base_url(&base)
        .build()?;
    println!("one log export");
    compare(sampling, &one(&ours, &base)?, &IN_FLIGHT).await?;
    println!("\na list of {EXPORTS} log exports");
    compare(sampling, &list(&ours, &base)?, &IN_FLIGHT).await
}

fn one(ours: &Client, base: &str) -> Result<[Candidate; 3]> {
    let (client, peer) = (ours.clone(), portkey_sdk_client(base)?);
    let ours = Candidate::new("portkey-admin", move || {
        let call = client.get_log_export("one");
        async move {
            black_box(call.send().await?);
            Ok(())
        }
    });
    let peer = Candidate::new("portkey-sdk", move || {
        let peer = peer.clone();
        async move {
            black_box(peer.get_log_export("one").await?);
            Ok(())
        }
    });
    let baseline =
        Candidate::reqwest_baseline::<logs::LogExport>(format!("{base}/logs/exports/one"))?;
    Ok([peer, baseline, ours])
}

fn list(ours: &Client, base: &str) -> Result<[Candidate; 3]> {
    let (client, peer) = (ours.clone(), portkey_sdk_client(base)?);
    let ours = Candidate::new("portkey-admin", move || {
        let call = client.list_log_exports();
        async move {
            black_box(call.send().await?);
            Ok(())
        }
    });
    let peer = Candidate::new("portkey-sdk", move || {
        let peer = peer.clone();
        async move {
            black_box(peer.list_log_exports(None).await?);
            Ok(())
        }
    });
    let baseline =
        Candidate::reqwest_baseline::<logs::LogExportList>(format!("{base}/logs/exports"))?;
    Ok([peer, baseline, ours])
}

fn main() -> Result<()> {
    serve_if_requested(handler)?;
    run()
}
