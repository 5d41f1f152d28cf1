//! Our client calls every operation of the Admin API at least once, and the emulator answers each
//! with success. What is missing is named: by the client's error, or by the ledger at the end.
//!
//! Updates that say nothing are made with `update_and_get`, each of which must read what it updates.
#![cfg(feature = "admin")]
// A test that panics fails, as it should.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod analytics;
mod guardrails;
mod logs;
mod mcp;
mod people;
mod policies;
mod prompts;
mod providers;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use portkey_admin::{Client, Error, types::User};
use portkey_admin_codegen::{Sources, manifest::Entry, patch};
use portkey_admin_emulator::{AccessLogEntry, Emulator, Key, Organisation, Role};

/// The name of the organisation.
const NAME: &str = "Interop";

/// What a visit to an area comes to.
type Outcome = Result<(), Error>;

/// The operations that were answered with success, in their order. The emulator's log is a plain
/// function, and this file has one test.
static SUCCEEDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(line: &AccessLogEntry) {
    if (200..300).contains(&line.status)
        && let Some(operation) = &line.operation
    {
        let mut succeeded = SUCCEEDED.lock().unwrap_or_else(PoisonError::into_inner);
        succeeded.push(operation.clone());
    }
}

/// What all areas use: an organisation with a workspace and a user who stays.
struct World {
    emulator: Emulator,
    /// With a key of the organisation that may do everything.
    admin: Client,
    /// With a key of the workspace.
    runner: Client,
    /// The UUID of the organisation.
    organisation: String,
    /// The UUID of the workspace.
    workspace: String,
    /// The UUID of the user.
    user: String,
}

impl World {
    async fn new() -> Self {
        let emulator = emulator().await;
        let client = |key: &str| {
            let builder = Client::builder().api_key(key).base_url(emulator.base_url());
            let public = emulator.public_base_url();
            builder.public_base_url(public).build().unwrap()
        };
        let admin = client(emulator.api_key());
        let workspaces = admin.list_workspaces().exact_name("Platform");
        let workspace = workspaces.send().await.unwrap().data.remove(0).id;
        let users = admin.list_users().email("member@example.com");
        let user: User = users.send().await.unwrap().data.remove(0);
        Self {
            organisation: made(emulator.organisation_id(NAME)),
            runner: client(&emulator.key("runner").unwrap()),
            emulator,
            admin,
            workspace,
            user: made(user.id),
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
    let builder = Emulator::builder().organisation(organisation).log(note);
    builder.start().await.unwrap()
}

/// The id or slug of what was just made; every answer that makes something has it.
fn made(id: Option<String>) -> String {
    id.expect("the answer has an id")
}

/// The operations of all areas but the gateway's, each with the one that reads what it updates.
fn admin_operations() -> Vec<(String, Option<String>)> {
    let sources = Sources::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let patched = patch(&sources).unwrap();
    let entries = patched.manifest.iter().map(|(_, entry)| entry);
    let admin = entries.filter(|entry| entry.area != "gateway");
    let ids = |entry: &Entry| (entry.id.clone(), entry.reads.clone());
    admin.map(ids).collect()
}

/// What is missing among the calls that succeeded.
fn missing(succeeded: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    for (id, reads) in admin_operations() {
        if !succeeded.contains(&id) {
            missing.push(id);
        } else if let Some(read) = reads
            && !succeeded.windows(2).any(|pair| pair == [&*id, &*read])
        {
            missing.push(format!("{read} right after {id}"));
        }
    }
    missing
}

#[tokio::test]
async fn every_admin_operation_succeeds() {
    let world = World::new().await;
    let visits = [
        ("people", people::visit(&world).await),
        ("access", access::visit(&world).await),
        ("prompts", prompts::visit(&world).await),
        ("providers", providers::visit(&world).await),
        ("guardrails", guardrails::visit(&world).await),
        ("policies", policies::visit(&world).await),
        ("mcp", mcp::visit(&world).await),
        ("logs", logs::visit(&world).await),
        ("analytics", analytics::visit(&world).await),
    ];
    world.emulator.shutdown().await;
    let failures: Vec<String> = visits
        .into_iter()
        .filter_map(|(area, visit)| Some(format!("{area}: {}", visit.err()?)))
        .collect();
    let succeeded = SUCCEEDED.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = missing(&succeeded);
    assert!(
        failures.is_empty() && missing.is_empty(),
        "failed: {failures:#?}\nwithout a success: {missing:#?}"
    );
}
