//! Runs each program of `examples/` against the emulator.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use portkey_admin::{
    Client,
    api_keys::{ApiKeySubType, ApiKeyType, CreateApiKeyRequest},
    configs::{CreateConfigRequest, UpdateConfigRequest},
    logs::{LogEntry, LogEntryRequest, LogEntryResponse},
    prompts::{CreateCollectionRequest, CreatePromptRequest},
    providers::CreateVirtualKeyRequest,
    workspaces::{CreateWorkspaceRequest, Workspace},
};
use portkey_admin_emulator::{Clock, Emulator, Key, Organisation, Role};
use serde_json::json;

/// An emulator with a workspace and two users, and a directory.
struct Context {
    emulator: Emulator,
    client: Client,
    workspace: Workspace,
    directory: PathBuf,
}

/// What a program printed.
struct Output {
    success: bool,
    stdout: String,
    stderr: String,
}

impl Context {
    async fn new(test: &str, clock: Clock) -> Self {
        let organisation = Organisation::named("Programs")
            .user("owner@example.com", Role::Owner)
            .user("member@example.com", Role::Member)
            .workspace("Platform")
            .key(Key::workspace("Platform", "runner"));
        let emulator = Emulator::builder().organisation(organisation).clock(clock);
        let emulator = emulator.start().await.unwrap();
        let client = client(&emulator, emulator.api_key());
        let workspaces = client.list_workspaces().stream();
        let workspace = workspaces.find_by_name("Platform").await.unwrap().unwrap();
        let name = format!("portkey-admin-programs-{test}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self {
            emulator,
            client,
            workspace,
            directory,
        }
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let key = self.emulator.api_key();
        self.run_with_key(key, program, arguments).await
    }

    async fn run_with_key(&self, key: &str, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PORTKEY_API_KEY", key)
            .env("NO_PROXY", "127.0.0.1")
            .env("PORTKEY_BASE_URL", self.emulator.base_url());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        Output {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a program that must succeed.
    async fn stdout(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments).await;
        assert!(output.success, "{}\n{}", output.stdout, output.stderr);
        output.stdout
    }

    /// Runs a program with a key of the workspace; it must succeed.
    async fn stdout_in_workspace(&self, program: &str, arguments: &[&str]) -> String {
        let key = self.emulator.key("runner").unwrap();
        let output = self.run_with_key(&key, program, arguments).await;
        assert!(output.success, "{}\n{}", output.stdout, output.stderr);
        output.stdout
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    /// Returns how often an operation was called.
    fn calls(&self, operation: &str) -> usize {
        let requests = self.emulator.requests();
        let names = requests
            .iter()
            .filter_map(|request| request.operation.as_deref());
        names.filter(|name| *name == operation).count()
    }

    async fn insert_log(&self, status: i64) {
        let request = LogEntryRequest::builder()
            .url("https://api.openai.com/v1/chat/completions")
            .body(json!({"model": "gpt-4o"}));
        let usage = json!({"prompt_tokens": 100_000, "completion_tokens": 1000});
        let response = LogEntryResponse::builder()
            .status(status)
            .body(json!({"usage": usage}));
        let entry = LogEntry::builder().request(request).response(response);
        let key = self.emulator.key("runner").unwrap();
        let client = client(&self.emulator, &key);
        client
            .insert_log()
            .body(entry.build().unwrap())
            .await
            .unwrap();
    }

    async fn collection_and_virtual_key(&self) -> (String, String) {
        let workspace = &self.workspace.id;
        let body = CreateCollectionRequest::builder()
            .name("drafts")
            .workspace_id(workspace);
        let collection = self.client.create_collection().body(body).await.unwrap();
        let body = CreateVirtualKeyRequest::builder()
            .name("Prompts")
            .provider("openai")
            .key("sample")
            .workspace_id(workspace);
        let key = self.client.create_virtual_key().body(body).await.unwrap();
        (
            collection.id().unwrap().to_owned(),
            key.slug().unwrap().to_owned(),
        )
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn client(emulator: &Emulator, key: &str) -> Client {
    let builder = Client::builder().api_key(key).base_url(emulator.base_url());
    builder.build().unwrap()
}

async fn context(test: &str) -> Context {
    Context::new(test, Clock::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn key_hygiene_rotates_old_keys_except_its_own() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_key_hygiene");
    let past = SystemTime::now() - Duration::from_secs(100 * 24 * 3600);
    let context = Context::new("keys", Clock::fixed(past)).await;
    let body = CreateApiKeyRequest::builder()
        .name("old")
        .scopes(["logs.view"])
        .workspace_id(&context.workspace.id);
    let create = context.client.create_api_key("workspace", "service");
    let key = create.body(body).await.unwrap();

    let report = context.stdout(PROGRAM, &[]).await;
    assert!(
        report.contains(&format!("old ({}): no expiry, 100 days old", key.id)),
        "{report}"
    );
    assert!(report.contains("[this program]"), "{report}");
    assert_eq!(context.calls("rotate_api_key"), 0);

    let report = context
        .stdout(PROGRAM, &["--rotate", context.directory.to_str().unwrap()])
        .await;
    // The key `runner` is as old.
    assert_eq!(report.matches("rotated:").count(), 2, "{report}");
    let file = context.directory.join(format!("{}.key", key.id));
    let value = fs::read_to_string(&file).unwrap();
    assert!(!value.is_empty() && !report.contains(&value));
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).unwrap().permissions()) & 0o777,
        0o600
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_report_writes_a_table_and_a_chart() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_cost_report");
    let context = context("costs").await;
    context.insert_log(200).await;
    let (csv, svg) = (context.path("costs.csv"), context.path("costs.svg"));
    let total = context.stdout(PROGRAM, &["7", &csv, &svg]).await;
    let total: f64 = total.split(' ').next().unwrap().parse().unwrap();
    assert!(total > 0.0);
    let table = fs::read_to_string(csv).unwrap();
    assert!(table.starts_with("time,workspace,usd\n"), "{table}");
    let costs = table
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap());
    let sum: f64 = costs.map(|cost| cost.parse::<f64>().unwrap()).sum();
    assert!((sum - total).abs() < 0.001, "{table}");
    let chart = fs::read_to_string(svg).unwrap();
    assert!(
        chart.starts_with("<svg") && chart.contains(&context.workspace.slug),
        "{chart}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_planned_applied_and_rolled_back() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_prompts_as_code");
    let context = context("prompts").await;
    let (collection, key) = context.collection_and_virtual_key().await;
    let directory = context.path("");
    let write = |template: &str| {
        let prompt = json!({
            "name": "greeting", "string": template, "parameters": {"max_tokens": 10},
            "model": "gpt-4o", "virtual_key": key,
        });
        fs::write(context.path("greeting.json"), prompt.to_string()).unwrap();
    };
    write("Hello {{who}}");
    let plan = context
        .stdout(PROGRAM, &["plan", &directory, &collection])
        .await;
    assert!(plan.contains("+  \"string\": \"Hello {{who}}\""), "{plan}");
    assert_eq!(context.calls("create_prompt"), 0);
    let applied = context
        .stdout(PROGRAM, &["apply", &directory, &collection])
        .await;
    assert!(applied.contains("created greeting"), "{applied}");
    let applied = context
        .stdout(PROGRAM, &["apply", &directory, &collection])
        .await;
    assert_eq!(applied, "greeting: unchanged\n");

    write("Bye {{who}}");
    let applied = context
        .stdout(PROGRAM, &["apply", &directory, &collection])
        .await;
    assert!(
        applied.contains("-  \"string\": \"Hello {{who}}\""),
        "{applied}"
    );
    let prompts = context
        .client
        .list_prompts()
        .collection_id(&collection)
        .stream();
    let id = prompts.find_by_name("greeting").await.unwrap().unwrap().id;
    let template = async || context.client.get_prompt(&id).await.unwrap().string;
    assert_eq!(template().await.as_deref(), Some("Bye {{who}}"));
    context.stdout(PROGRAM, &["rollback", &id, "1"]).await;
    assert_eq!(template().await.as_deref(), Some("Hello {{who}}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_shows_and_restores_what_has_changed() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_backup");
    let context = context("backup").await;
    let (client, workspace) = (&context.client, context.workspace.id.as_str());
    let body = CreateConfigRequest::builder()
        .name("production")
        .workspace_id(workspace)
        .config(json!({"retry": {"attempts": 3}}));
    let config = client.create_config().body(body).await.unwrap().slug;
    let check = json!({"id": "default.wordCount", "parameters": {"minWords": 1, "maxWords": 9}});
    let body = json!({
        "name": "short", "workspace_id": workspace, "checks": [check], "actions": {"deny": true},
    });
    client.create_guardrail().body(body).await.unwrap();
    let (collection, key) = context.collection_and_virtual_key().await;
    let body = CreatePromptRequest::builder()
        .name("greeting")
        .collection_id(collection)
        .string("Hello")
        .model("gpt-4o")
        .virtual_key(key)
        .parameters(json!({"max_tokens": 10}));
    let prompt = client.create_prompt().body(body).await.unwrap();

    let directory = context.path("backup");
    let dumped = context
        .stdout(PROGRAM, &["dump", &directory, workspace])
        .await;
    assert_eq!(dumped, "3 resources\n");
    assert_eq!(
        context
            .stdout(PROGRAM, &["diff", &directory, workspace])
            .await,
        ""
    );

    let change = UpdateConfigRequest::builder().config(json!({"retry": {"attempts": 1}}));
    client.update_config(&config).body(change).await.unwrap();
    client.delete_prompt(prompt.id().unwrap()).await.unwrap();
    let diff = context
        .stdout(PROGRAM, &["diff", &directory, workspace])
        .await;
    assert!(diff.contains("+      \"attempts\": 3"), "{diff}");
    assert_eq!(context.calls("update_config"), 1);
    let restored = context
        .stdout(PROGRAM, &["restore", &directory, workspace])
        .await;
    assert!(
        restored.contains("updated configs/production.json"),
        "{restored}"
    );
    assert!(
        restored.contains("created prompts/greeting.json"),
        "{restored}"
    );
    assert_eq!(
        context
            .stdout(PROGRAM, &["diff", &directory, workspace])
            .await,
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_onboarded_once() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_onboard");
    let context = context("people").await;
    let path = context.path("people.csv");
    let write = |role: &str| {
        let rows = [
            "email,workspace,role".to_owned(),
            format!("member@example.com,Platform,{role}"),
            "member@example.com,Research,member".to_owned(),
            "newcomer@example.com,Research,member".to_owned(),
        ];
        fs::write(&path, rows.join("\n")).unwrap();
    };
    write("member");
    let first = context.stdout(PROGRAM, &[&path]).await;
    assert!(
        first.contains("member@example.com in Platform: added"),
        "{first}"
    );
    assert!(
        first.contains("newcomer@example.com in Research: invited"),
        "{first}"
    );
    write("manager");
    let second = context.stdout(PROGRAM, &[&path]).await;
    assert_eq!(
        second
            .lines()
            .map(|line| line.rsplit(": ").next().unwrap())
            .collect::<Vec<_>>(),
        ["role changed", "unchanged", "invited before"]
    );
    assert_eq!(context.calls("create_workspace"), 1);

    write("boss");
    let output = context.run(PROGRAM, &[&path]).await;
    assert!(
        !output.success && output.stderr.contains("unknown role `boss`"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_requests_are_exported() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_log_export");
    let context = context("export").await;
    for status in [200, 429, 500] {
        context.insert_log(status).await;
    }
    let path = context.path("logs.jsonl");
    let stdout = context
        .stdout(PROGRAM, &[&context.workspace.id, "1", &path])
        .await;
    let logs = fs::read_to_string(&path).unwrap();
    assert_eq!(logs.lines().count(), 2, "{logs}");
    let id = stdout
        .strip_prefix("export ")
        .unwrap()
        .split(':')
        .next()
        .unwrap();
    let again = context.path("again.jsonl");
    context.stdout(PROGRAM, &["--resume", id, &again]).await;
    assert_eq!(fs::read_to_string(again).unwrap(), logs);
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_records_are_shipped_once() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_audit_shipper");
    let context = context("audit").await;
    let path = context.path("watermark.json");
    let create = async |name: &str| {
        let body = CreateWorkspaceRequest::builder().name(name);
        context.client.create_workspace().body(body).await.unwrap();
    };
    create("one").await;
    create("two").await;
    let first = context.stdout(PROGRAM, &[&path]).await;
    assert_eq!(
        first
            .lines()
            .filter(|line| line.contains("\"create\""))
            .count(),
        2,
        "{first}"
    );
    assert_eq!(context.stdout(PROGRAM, &[&path]).await, "");
    create("three").await;
    let second = context.stdout(PROGRAM, &[&path]).await;
    assert!(
        second.lines().count() == 1 && second.contains("three"),
        "{second}"
    );
    assert!(!Path::new(&path).with_extension("new").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_stream_continues_with_the_result_of_the_tool() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_chat_stream");
    let context = context("chat").await;
    let question = "What is the weather in Tromsø?";
    let output = context
        .stdout_in_workspace(PROGRAM, &[question, "openai", "anthropic"])
        .await;
    assert!(
        output.contains(r#"The tool said: {"celsius": -4}"#),
        "{output}"
    );
    assert_eq!(context.calls("create_chat_completion"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_client_uses_the_gateway() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_other_client");
    let context = context("other-client").await;
    let output = context
        .stdout_in_workspace(PROGRAM, &["Hello", "openai"])
        .await;
    assert_eq!(output, "You said: Hello\n");
    assert_eq!(context.calls("create_chat_completion"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn guardrail_and_policies_are_created_once() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_guardrail_and_policies");
    let context = context("guardrail").await;
    let arguments = [context.workspace.slug.as_str(), "@openai"];
    let first = context.stdout(PROGRAM, &arguments).await;
    assert_eq!(first.lines().count(), 4, "{first}");
    assert_eq!(context.stdout(PROGRAM, &arguments).await, first);
    for operation in [
        "create_guardrail",
        "create_config",
        "create_usage_limits_policy",
        "create_rate_limits_policy",
    ] {
        assert_eq!(context.calls(operation), 1, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promote_creates_and_then_updates_in_the_other_workspace() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_promote");
    let context = context("promote").await;
    let (client, from) = (&context.client, context.workspace.slug.as_str());
    let (collection, key) = context.collection_and_virtual_key().await;
    let body = CreateWorkspaceRequest::builder().name("Production");
    let to = client.create_workspace().body(body).await.unwrap().slug;
    let body = CreateVirtualKeyRequest::builder()
        .name("Production")
        .provider("openai")
        .key("sample")
        .workspace_id(&to);
    let other = client.create_virtual_key().body(body).await.unwrap();
    let other = other.slug().unwrap();
    let body = CreatePromptRequest::builder()
        .name("greeting")
        .collection_id(collection)
        .string("Greet {{name}}.")
        .parameters(json!({"max_tokens": 10}))
        .model("gpt-4o")
        .virtual_key(&key);
    client.create_prompt().body(body).await.unwrap();
    let body = CreateConfigRequest::builder()
        .name("two targets")
        .config(json!({
            "strategy": {"mode": "loadbalance"}, "note": "kept",
            "targets": [{"provider": format!("@{key}")}, {"virtual_key": key, "weight": 0}],
        }))
        .workspace_id(from);
    client.create_config().body(body).await.unwrap();

    let pair = format!("{key}={other}");
    for expected in ["Created", "Updated"] {
        let output = context.stdout(PROGRAM, &[from, &to, &pair]).await;
        assert_eq!(output.matches(expected).count(), 2, "{output}");
    }
    let configs = client.list_configs().workspace_id(&to).stream();
    let config = configs.find_by_name("two targets").await.unwrap().unwrap();
    let config = client.get_config(config.slug).await.unwrap();
    let expected = json!({
        "strategy": {"mode": "loadbalance"}, "note": "kept",
        "targets": [{"provider": format!("@{other}")}, {"virtual_key": other, "weight": 0.0}],
    });
    assert_eq!(config.config_json().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn synchronous_prints_the_keys_that_expire() {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_synchronous");
    let context = context("synchronous").await;
    let output = context.stdout(PROGRAM, &["30"]).await;
    assert!(output.starts_with("0 keys, "), "{output}");
    let body = CreateApiKeyRequest::builder()
        .name("nightly report")
        .scopes(["analytics.view"])
        .expires_at(SystemTime::now() + Duration::from_secs(7 * 24 * 60 * 60));
    let key = context
        .client
        .create_api_key(ApiKeyType::Organisation, ApiKeySubType::Service);
    key.body(body).await.unwrap();
    let output = context.stdout(PROGRAM, &["30"]).await;
    assert!(output.starts_with("nightly report of "), "{output}");
    assert!(output.contains("\n1 keys, "), "{output}");
}
