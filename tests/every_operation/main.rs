//! The client calls every operation of the Admin API at least once, and each must succeed against the
//! emulator. Failed calls are reported with their error, and operations without a call are reported at the
//! end by comparison with the manifest.
//!
//! Updates with an empty response are sent with `update_and_get`; the read must follow the update.
#![cfg(feature = "admin")]
// A panic fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod agents;
mod analytics;
mod guardrails;
mod logs;
mod mcp;
mod network;
mod people;
mod policies;
mod prompts;
mod providers;
mod utilities;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use portkey_admin::{Client, Error, users::User};
use portkey_admin_codegen::{Sources, manifest::Entry, patch};
use portkey_admin_emulator::{AccessLogEntry, Emulator, Key, Organisation, Role};

/// The name of the organisation.
const NAME: &str = "Interop";

/// The result of calling the operations of an area.
type Outcome = Result<(), Error>;

/// The operations that succeeded, in order. It is static because the log callback of the emulator is a
/// plain `fn`, which is fine since this file has only one test.
static SUCCEEDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn record_success(line: &AccessLogEntry) {
    if (200..300).contains(&line.status)
        && let Some(operation) = &line.operation
    {
        let mut succeeded = SUCCEEDED.lock().unwrap_or_else(PoisonError::into_inner);
        succeeded.push(operation.clone());
    }
}

/// Fixtures of all areas: an organisation with a workspace and a user that are not deleted.
struct TestContext {
    emulator: Emulator,
    /// A client with an organisation key that has all scopes.
    admin: Client,
    /// A client with a workspace key.
    workspace_client: Client,
    /// The UUID of the organisation.
    organisation: String,
    /// The UUID of the workspace.
    workspace: String,
    /// The UUID of the user.
    user: String,
}

impl TestContext {
    async fn new() -> Self {
        let emulator = emulator().await;
        let client = |key: &str| {
            Client::builder()
                .api_key(key)
                .base_url(emulator.base_url())
                .public_base_url(emulator.public_base_url())
                .mcp_base_url(emulator.mcp_base_url())
                .prices_base_url(emulator.prices_base_url())
                .build()
                .unwrap()
        };
        let admin = client(emulator.api_key());
        let workspaces = admin.list_workspaces().exact_name("Platform");
        let workspace = workspaces.send().await.unwrap().data.remove(0).id;
        let users = admin.list_users().email("member@example.com");
        let user: User = users.send().await.unwrap().data.remove(0);
        Self {
            organisation: created_id(emulator.organisation_id(NAME)),
            workspace_client: client(&emulator.key("runner").unwrap()),
            emulator,
            admin,
            workspace,
            user: created_id(user.id),
        }
    }
}

async fn emulator() -> Emulator {
    let organisation = Organisation::named(NAME)
        .user("owner@example.com", Role::Owner)
        .user("member@example.com", Role::Member)
        .user("leaver@example.com", Role::Member)
        .workspace("Platform")
        .key(Key::workspace("Platform", "runner"));
    let builder = Emulator::builder()
        .organisation(organisation)
        .log(record_success);
    builder.start().await.unwrap()
}

/// Unwraps the id or slug in the response of a create.
fn created_id(id: impl Into<Option<String>>) -> String {
    id.into().expect("the response has no id")
}

/// Returns the operations of all areas except the gateway, each with the operation that reads its result.
fn admin_operations() -> Vec<(String, Option<String>)> {
    let sources = Sources::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let patched = patch(&sources).unwrap();
    let entries = patched.manifest.iter().map(|(_, entry)| entry);
    let admin = entries.filter(|entry| entry.area != "gateway");
    let ids = |entry: &Entry| (entry.id.clone(), entry.reads.clone());
    admin.map(ids).collect()
}

/// Returns the operations without a successful call, and the updates that were not followed by their read.
fn missing(succeeded: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    for (id, reads) in admin_operations() {
        if !succeeded.contains(&id) {
            missing.push(id);
        } else if let Some(read) = reads
            && !succeeded.windows(2).any(|pair| pair == [&*id, &*read])
        {
            missing.push(format!("{read} immediately after {id}"));
        }
    }
    missing
}

#[tokio::test]
async fn every_admin_operation_succeeds() {
    let context = TestContext::new().await;
    let results = [
        ("people", people::call_all(&context).await),
        ("access", access::call_all(&context).await),
        ("prompts", prompts::call_all(&context).await),
        ("providers", providers::call_all(&context).await),
        ("guardrails", guardrails::call_all(&context).await),
        ("policies", policies::call_all(&context).await),
        ("mcp", mcp::call_all(&context).await),
        ("agents", agents::call_all(&context).await),
        ("network", network::call_all(&context).await),
        ("utilities", utilities::call_all(&context).await),
        ("logs", logs::call_all(&context).await),
        ("analytics", analytics::call_all(&context).await),
    ];
    context.emulator.shutdown().await;
    let failures: Vec<String> = results
        .into_iter()
        .filter_map(|(area, result)| Some(format!("{area}: {}", result.err()?)))
        .collect();
    let succeeded = SUCCEEDED.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = missing(&succeeded);
    assert!(
        failures.is_empty() && missing.is_empty(),
        "failed: {failures:#?}\nwithout a success: {missing:#?}"
    );
}
