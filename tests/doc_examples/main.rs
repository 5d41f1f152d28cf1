//! Runs the example in the documentation of every operation against the emulator.
//!
//! The text of the docs and the code that runs are the same: the build writes the generated examples to
//! `examples.rs`, and the docs of a handwritten operation include the file that is included here.
#![cfg(all(feature = "admin", feature = "gateway"))]
// A panic fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod resources;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use portkey_admin::{Client, RequestOptions, RetryPolicy, gateway::GatewayOptions, operations};
use portkey_admin_emulator::{
    Clock, Emulator, Key, NOT_IMPLEMENTED, Organisation, Role, Snapshot, WorkspaceRole,
};

/// The examples that the build generates.
mod generated {
    #![allow(clippy::all, deprecated, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/examples.rs"));
}

/// The examples of the handwritten operations.
macro_rules! handwritten {
    ($($id:ident)*) => {
        mod handwritten {
            $(pub mod $id {
                include!(concat!("../../src/gateway/handwritten/examples/", stringify!($id), ".rs"));

                pub async fn run(client: &portkey_admin::Client) -> Result<(), String> {
                    example(client).await.map_err(|error| error.to_string())
                }
            })*
        }

        /// Runs the example of a handwritten operation; `None` if there is no such operation.
        async fn run_handwritten(id: &str, client: &Client) -> Option<Result<(), String>> {
            match id {
                $(stringify!($id) => Some(handwritten::$id::run(client).await),)*
                _ => None,
            }
        }
    };
}

handwritten! {
    connect_realtime
    create_image_edit
    create_image_variation
    create_speech
    create_transcription
    create_translation
    get_batch_output
    get_file_content
    upload_file
}

/// What happens before an example, beyond the creation of the resources.
enum Step {
    /// Another example runs.
    Example(&'static str),
    /// The emulator's clock advances.
    Advance(Duration),
}

/// Returns what happens before an example.
fn steps_before(id: &str) -> &'static [Step] {
    const MINUTE: Duration = Duration::from_secs(60);
    match id {
        "cancel_log_export" => &[Step::Example("start_log_export")],
        "download_log_export" => &[Step::Example("start_log_export"), Step::Advance(MINUTE)],
        "get_batch_output" => &[Step::Advance(MINUTE)],
        "fork_prompt" | "unshare_prompt" | "update_prompt_share" => {
            &[Step::Example("share_prompt")]
        }
        "fork_prompt_partial" | "unshare_prompt_partial" | "update_prompt_partial_share" => {
            &[Step::Example("share_prompt_partial")]
        }
        _ => &[],
    }
}

/// An emulator whose resources have the ids of the examples, and clients with its keys.
struct TestContext {
    emulator: Emulator,
    snapshot: Snapshot,
    organisation: Client,
    workspace: Client,
}

impl TestContext {
    async fn new() -> Self {
        let organisation = Organisation::named("Example")
            .user("owner@example.com", Role::Owner)
            .user("member@example.com", Role::Member)
            .member("Research", "member@example.com", WorkspaceRole::Member)
            .workspace("Trial")
            .workspace("Support")
            .key(Key::workspace("Research", "research"))
            .key(Key::workspace("Research", "member").user("member@example.com"));
        let builder = Emulator::builder().organisation(organisation);
        // The time does not pass: an export or a batch stays in progress until the clock is advanced. The
        // id of a log contains its time.
        let clock = Clock::fixed(UNIX_EPOCH + Duration::from_secs(1_794_744_000));
        let emulator = builder.clock(clock).start().await.unwrap();
        let gateway = GatewayOptions::new().provider("@openai-research");
        let options = RequestOptions::new()
            .retry(RetryPolicy::none())
            .gateway(gateway);
        let client = |key: &str| {
            let builder = Client::builder().api_key(key).options(options.clone());
            builder
                .base_url(emulator.base_url())
                .public_base_url(emulator.public_base_url())
                .mcp_base_url(emulator.mcp_base_url())
                .prices_base_url(emulator.prices_base_url())
                .build()
                .unwrap()
        };
        let organisation = client(emulator.api_key());
        let workspace = client(&emulator.key("research").unwrap());
        let member = client(&emulator.key("member").unwrap());
        resources::create(&emulator, [&organisation, &workspace, &member]).await;
        Self {
            snapshot: emulator.snapshot(),
            emulator,
            organisation,
            workspace,
        }
    }

    /// Runs an example with each kind of key that the operation accepts, until one succeeds.
    async fn run(&self, id: &str) -> Result<(), String> {
        let operation = operations::ALL.iter().find(|operation| operation.id == id);
        let keys = operation.expect(id).access.keys;
        let clients = [
            ("organisation", &self.organisation),
            ("workspace", &self.workspace),
        ];
        let mut problems = Vec::new();
        for (kind, client) in clients {
            if !keys.is_empty() && !keys.contains(&kind) {
                continue;
            }
            self.emulator.restore(&self.snapshot).unwrap();
            match self.run_with(id, client).await {
                Ok(()) => return Ok(()),
                Err(problem) => problems.push(format!("{kind} key: {problem}")),
            }
        }
        Err(problems.join("\n    "))
    }

    async fn run_with(&self, id: &str, client: &Client) -> Result<(), String> {
        for step in steps_before(id) {
            match step {
                Step::Example(id) => run_example(id, client).await?,
                Step::Advance(by) => self.emulator.advance(*by),
            }
        }
        run_example(id, client).await?;
        let requests = self.emulator.requests();
        let last = requests.last().and_then(|last| last.operation.as_deref());
        match last {
            Some(last) if last == id => Ok(()),
            other => Err(format!("the last request is to {other:?}")),
        }
    }
}

async fn run_example(id: &str, client: &Client) -> Result<(), String> {
    if let Some(outcome) = run_handwritten(id, client).await {
        return outcome;
    }
    let mut examples = generated::EXAMPLES.iter();
    let (_, run) = examples
        .find(|(other, _)| *other == id)
        .ok_or("has no example")?;
    run(client).await.map_err(|error| error.to_string())
}

/// Creates the files that the examples read, and makes their folder the current one.
fn enter_folder_with_files() {
    let folder =
        std::env::temp_dir().join(format!("portkey-admin-examples-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    std::env::set_current_dir(&folder).unwrap();
    for name in ["room.png", "wall.png", "interview.mp3", "entrevista.mp3"] {
        fs::write(Path::new(name), "content").unwrap();
    }
    fs::write(Path::new("requests.jsonl"), resources::BATCH_INPUT).unwrap();
}

#[tokio::test]
async fn the_example_of_every_operation_succeeds_or_is_known_not_to_be_implemented() {
    enter_folder_with_files();
    let context = TestContext::new().await;
    let mut problems = Vec::new();
    for operation in operations::ALL {
        let id = operation.id;
        let is_implemented = !NOT_IMPLEMENTED.contains(&id);
        match context.run(id).await {
            Ok(()) if is_implemented => {}
            Ok(()) => problems.push(format!("`{id}` succeeds, but is in `NOT_IMPLEMENTED`")),
            Err(problem) if is_implemented => problems.push(format!("`{id}`: {problem}")),
            Err(problem) if problem.contains("501 Not Implemented") => {}
            Err(problem) => problems.push(format!("`{id}`: expected a 501: {problem}")),
        }
    }
    // Windows does not remove the current folder.
    let folder = std::env::current_dir().unwrap();
    std::env::set_current_dir(std::env::temp_dir()).unwrap();
    fs::remove_dir_all(folder).unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_operation_that_is_not_implemented_exists() {
    let known: BTreeSet<_> = operations::ALL
        .iter()
        .map(|operation| operation.id)
        .collect();
    for id in NOT_IMPLEMENTED {
        assert!(known.contains(id), "`{id}` is not an operation");
    }
}
