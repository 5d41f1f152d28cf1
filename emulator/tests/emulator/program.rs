//! The stand-alone program: output, seed and state file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TempDir, column, string};

/// A running program, which is killed on drop.
pub struct Program {
    child: Child,
    pub base: String,
    /// The URL of the control interface; empty if there is none.
    pub control: String,
    /// The name and value of each key.
    keys: Vec<(String, String)>,
    pub http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portkey-admin-emulator"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    /// Starts the program and reads the URL and the keys that it prints.
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(command(arguments))
    }

    fn spawn(mut command: Command) -> Self {
        let mut program = Self {
            base: String::new(),
            control: String::new(),
            keys: Vec::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            child: command.spawn().unwrap(),
        };
        let out = program.child.stdout.take().unwrap();
        let mut lines = BufReader::new(out).lines().map(Result::unwrap);
        for line in lines.by_ref() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["base", "URL", url] => program.base = (*url).to_owned(),
                ["public" | "MCP" | "prices", ..] => {}
                ["control", "URL", url] => program.control = (*url).to_owned(),
                ["key", value, .., name] => {
                    program.keys.push(((*name).to_owned(), (*value).to_owned()))
                }
                other => panic!("{other:?}"),
            }
            if program
                .keys
                .iter()
                .any(|(name, _)| name == "laptop" || name == "last")
            {
                break;
            }
        }
        assert!(!program.base.is_empty(), "{command:?}");
        program
    }

    pub fn key(&self, name: &str) -> &str {
        &self.keys.iter().find(|(other, _)| other == name).unwrap().1
    }

    pub async fn send(&self, key: &str, method: Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request
            .header("x-portkey-api-key", self.key(key))
            .header("x-portkey-provider", "openai")
            .json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub async fn get(&self, key: &str, path: &str) -> Value {
        self.send(key, Method::GET, path, Value::Null).await
    }

    /// Stops the program with SIGINT and returns its log.
    fn interrupt(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        log
    }
}

fn demo_seed() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo.yaml");
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_demo_starts_serves_and_stops() {
    let program = Program::start(&["--port", "0", "--seed", &demo_seed()]);
    assert!(
        program.base.starts_with("http://127.0.0.1:"),
        "{}",
        program.base
    );
    assert_eq!(
        column(&program.get("reader", "/admin/workspaces").await, "name"),
        ["Production", "Sandbox"]
    );
    assert_eq!(
        column(&program.get("production", "/configs").await, "name"),
        ["Retry twice"]
    );
    assert_eq!(program.get("laptop", "/configs?x=canary").await["total"], 0);
    let secrets: Vec<String> = program
        .keys
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let log = program.interrupt();
    assert!(log.contains("200 GET /v1/configs list_configs"), "{log}");
    assert!(
        !log.contains("canary") && secrets.iter().all(|secret| !log.contains(secret)),
        "{log}"
    );
}

#[test]
fn invalid_arguments_and_files_print_one_error() {
    let directory = TempDir::new();
    let (seed, state) = (directory.file("seed.yaml"), directory.file("state.json"));
    let earlier = directory.file("earlier.json");
    let cases = [
        (vec!["--prot", "1"], "--prot", ""),
        (vec!["--port", "x"], "\"x\"", ""),
        (
            vec!["--seed", "/nowhere/seed.yaml"],
            "/nowhere/seed.yaml",
            "",
        ),
        (vec!["--seed", &seed], "seed.yaml", "a: [b"),
        (
            vec!["--seed", &seed],
            "unknown field `organizations`",
            "organizations: []",
        ),
        (
            vec!["--seed", &seed],
            "seed request 1: POST /v1/configs returned 400",
            "requests: [{method: POST, path: /v1/configs, body: {}}]",
        ),
        (vec!["--state", &state], "not a valid state file", ""),
        (
            vec!["--state", &earlier],
            "written by another version of the emulator",
            "",
        ),
        (vec!["--host", "203.0.113.1"], "203.0.113.1", ""),
    ];
    std::fs::write(&state, "{").unwrap();
    let earlier_state = json!({"generation": 3, "organisations": {"all": []}});
    std::fs::write(&earlier, earlier_state.to_string()).unwrap();
    for (arguments, expected, yaml) in cases {
        std::fs::write(&seed, yaml).unwrap();
        let output = command(&arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments:?}"
        );
        assert!(
            error.starts_with("error: ") && error.contains(expected),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let help = command(&["--help"]).output().unwrap();
    assert!(
        help.status.success()
            && String::from_utf8(help.stdout)
                .unwrap()
                .contains("--state FILE")
    );
}

const SEED_WITH_ONE_KEY: &str =
    "organisations: [{name: O, workspaces: [{name: W}], keys: [{name: last}]}]";

#[tokio::test]
async fn acknowledged_writes_survive_a_kill() {
    let directory = TempDir::new();
    let (seed, state) = (directory.file("seed.yaml"), directory.file("state.json"));
    std::fs::write(&seed, SEED_WITH_ONE_KEY).unwrap();
    let arguments = ["--quiet", "--seed", &seed, "--state", &state];
    let mut expected = vec!["W".to_owned()];
    let mut secret = String::new();
    for round in 0..3 {
        let program = Program::start(&arguments);
        assert_eq!(
            column(&program.get("last", "/admin/workspaces").await, "name"),
            expected
        );
        assert!(secret.is_empty() || secret == program.key("last"));
        secret = program.key("last").to_owned();
        for number in 0..5 {
            let name = format!("w{round}-{number}");
            program
                .send(
                    "last",
                    Method::POST,
                    "/admin/workspaces",
                    json!({"name": name}),
                )
                .await;
            expected.push(name);
        }
        drop(program);
        // An incomplete line was never acknowledged.
        let mut journal = std::fs::OpenOptions::new()
            .append(true)
            .open(format!("{state}.journal"))
            .unwrap();
        std::io::Write::write_all(&mut journal, b"[0,{\"operation\":\"create_wor").unwrap();
    }
    let program = Program::start(&arguments);
    let list = program.get("last", "/admin/workspaces").await;
    assert_eq!(column(&list, "name"), expected);
    // The state after a restart matches the response to the write.
    let created = program
        .send(
            "last",
            Method::POST,
            "/admin/workspaces",
            json!({"name": "x"}),
        )
        .await;
    drop(program);
    let program = Program::start(&arguments);
    let read = program
        .get(
            "last",
            &format!("/admin/workspaces/{}", string(&created["slug"])),
        )
        .await;
    assert_eq!(
        (&read["id"], &read["created_at"]),
        (&created["id"], &created["created_at"])
    );
}

/// The names of created workspaces and, by workspace id, the number at the start of its
/// description.
#[derive(Debug, Default)]
struct Acknowledged {
    created: BTreeSet<String>,
    counted: BTreeMap<String, u64>,
}

/// Writes until the program is killed: new workspaces, and long descriptions of one of them, so
/// that the journal is compacted from time to time.
async fn write(
    client: Writer,
    round: usize,
    number: usize,
    acknowledged: Arc<Mutex<Acknowledged>>,
) {
    let first = client.send(
        Method::POST,
        "",
        json!({"name": format!("{round}-{number}")}),
    );
    let Some(first) = first.await else { return };
    let (id, padding) = (string(&first["id"]), "x".repeat(64 * 1024));
    acknowledged
        .lock()
        .unwrap()
        .created
        .insert(string(&first["name"]));
    for count in 1.. {
        let body = json!({"description": format!("{count} {padding}")});
        if client
            .send(Method::PUT, &format!("/{id}"), body)
            .await
            .is_none()
        {
            return;
        }
        acknowledged
            .lock()
            .unwrap()
            .counted
            .insert(id.clone(), count);
        let name = format!("{round}-{number}-{count}");
        if client
            .send(Method::POST, "", json!({"name": name}))
            .await
            .is_none()
        {
            return;
        }
        acknowledged.lock().unwrap().created.insert(name);
    }
}

/// A client whose requests may fail.
#[derive(Clone)]
struct Writer {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Writer {
    /// Sends a request; returns `None` unless a complete 200 response is received.
    async fn send(&self, method: Method, path: &str, body: Value) -> Option<Value> {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = request.header("x-portkey-api-key", &self.key).json(&body);
        let response = request.send().await.ok()?;
        assert_eq!(response.status(), 200);
        response.json().await.ok()
    }
}

/// The variable that sets the number of rounds of the following test.
const KILL_ROUNDS: &str = "EMULATOR_KILL_ROUNDS";

/// The rounds after which the test starts with a new state, so that each of them takes the same time.
const ROUNDS_PER_STATE: usize = 10;

/// Acknowledged writes are in the state after a restart. Each of the other writes is there either
/// completely or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_a_kill_during_writes() {
    let rounds = std::env::var(KILL_ROUNDS).map_or(4, |rounds| rounds.parse().unwrap());
    let mut written = 0;
    for first in (0..rounds).step_by(ROUNDS_PER_STATE) {
        written += kill_during_writes(ROUNDS_PER_STATE.min(rounds - first)).await;
    }
    println!("{rounds} rounds, {written} acknowledged writes");
    assert!(written > 4, "too few writes were acknowledged");
}

/// Kills the program during writes as often as `rounds` says; returns the number of acknowledged writes.
async fn kill_during_writes(rounds: usize) -> u64 {
    let directory = TempDir::new();
    let (seed, state) = (directory.file("seed.yaml"), directory.file("state.json"));
    std::fs::write(&seed, SEED_WITH_ONE_KEY).unwrap();
    let arguments = ["--quiet", "--seed", &seed, "--state", &state];
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    for round in 0..rounds {
        let mut program = Program::start(&arguments);
        let list = program.get("last", "/admin/workspaces").await;
        compare(&list, &acknowledged);
        let client = Writer {
            http: program.http.clone(),
            url: format!("{}/admin/workspaces", program.base),
            key: program.key("last").to_owned(),
        };
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let (client, acknowledged) = (client.clone(), Arc::clone(&acknowledged));
                tokio::spawn(write(client, round, number, acknowledged))
            })
            .collect();
        let delay = Duration::from_micros(fastrand::u64(1_000..1_000_000));
        tokio::time::sleep(delay).await;
        program.child.kill().unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let program = Program::start(&arguments);
    let list = program.get("last", "/admin/workspaces").await;
    compare(&list, &acknowledged);
    let acknowledged = acknowledged.lock().unwrap();
    let updates: u64 = acknowledged.counted.values().sum();
    updates + acknowledged.created.len() as u64
}

fn compare(list: &Value, acknowledged: &Mutex<Acknowledged>) {
    let acknowledged = acknowledged.lock().unwrap();
    let listed: BTreeSet<String> = column(list, "name").into_iter().collect();
    let lost: Vec<_> = acknowledged.created.difference(&listed).collect();
    assert!(lost.is_empty(), "{lost:?}");
    for workspace in list["data"].as_array().unwrap() {
        let description = workspace["description"].as_str().unwrap_or("0");
        let count = description
            .split(' ')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap();
        let counted = acknowledged
            .counted
            .get(workspace["id"].as_str().unwrap())
            .copied();
        let counted = counted.unwrap_or_default();
        assert!(
            count == counted || count == counted + 1,
            "found {count}, but {counted} was acknowledged"
        );
    }
}

#[tokio::test]
async fn a_state_file_is_locked_and_readable_by_its_owner_only() {
    let directory = TempDir::new();
    let (seed, state) = (directory.file("seed.yaml"), directory.file("state.json"));
    std::fs::write(&seed, SEED_WITH_ONE_KEY).unwrap();
    let arguments = ["--seed", &seed, "--state", &state];
    let program = Program::start(&arguments);
    let second = command(&arguments).output().unwrap();
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(
        !second.status.success() && error.contains("another emulator"),
        "{error}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for name in [state.clone(), format!("{state}.journal")] {
            let mode = std::fs::metadata(&name).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }
    drop(program);
}

#[tokio::test]
async fn a_corrupt_journal_line_is_an_error() {
    let directory = TempDir::new();
    let (seed, state) = (directory.file("seed.yaml"), directory.file("state.json"));
    std::fs::write(&seed, SEED_WITH_ONE_KEY).unwrap();
    let arguments = ["--seed", &seed, "--state", &state];
    let program = Program::start(&arguments);
    for name in ["a", "b"] {
        program
            .send(
                "last",
                Method::POST,
                "/admin/workspaces",
                json!({"name": name}),
            )
            .await;
    }
    drop(program);
    let journal = format!("{state}.journal");
    // The changed line is still valid JSON.
    let damaged =
        std::fs::read_to_string(&journal)
            .unwrap()
            .replacen("\"name\":\"b\"", "\"name\":\"c\"", 1);
    std::fs::write(&journal, damaged).unwrap();
    let output = command(&arguments).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && error.contains("state.json.journal, line 3: damaged"),
        "{error}"
    );
}

/// A program whose files cannot grow beyond about a megabyte, like those on a full disk.
#[cfg(unix)]
fn start_with_small_files(arguments: &[&str]) -> Program {
    let mut command = Command::new("sh");
    // Ignoring the signal makes the write fail instead.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_portkey-admin-emulator")])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Program::spawn(command)
}

/// Sends a write until the state file cannot be written; its reads must then be the same as before.
#[cfg(unix)]
async fn write_until_it_is_refused(
    program: &Program,
    key: &str,
    reads: &str,
    write: impl Fn(usize) -> reqwest::RequestBuilder,
) {
    let mut before = program.get(key, reads).await;
    for number in 0..200 {
        let request = write(number).header("x-portkey-api-key", program.key(key));
        let response = request.send().await.unwrap();
        let status = response.status();
        let after = program.get(key, reads).await;
        if status == 500 {
            let message = response.text().await.unwrap();
            assert!(
                message.contains("failed to write the state file"),
                "{message}"
            );
            assert_eq!(before, after);
            return;
        }
        assert_eq!(status, 200);
        assert_ne!(before, after);
        before = after;
    }
    panic!("no write was refused");
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_that_cannot_be_persisted_is_rolled_back() {
    let directory = TempDir::new();
    let (seed, state) = (directory.file("seed.yaml"), directory.file("state.json"));
    let organisations = "organisations: [{name: O, workspaces: [{name: W}], \
                         keys: [{name: app, workspace: W}, {name: last}]}]";
    std::fs::write(&seed, organisations).unwrap();
    let arguments = ["--quiet", "--seed", &seed, "--state", &state];
    let program = start_with_small_files(&arguments);
    let list = program.get("last", "/admin/workspaces").await;
    let id = string(&list["data"][0]["id"]);
    let url = |path: &str| format!("{}{path}", program.base);
    let padding = "x".repeat(40_000);
    let workspace = format!("/admin/workspaces/{id}");
    write_until_it_is_refused(&program, "last", &workspace, |number| {
        let body = json!({"description": format!("{number} {padding}")});
        program.http.put(url(&workspace)).json(&body)
    })
    .await;
    write_until_it_is_refused(&program, "app", "/files", |number| {
        let part =
            |head: &str| format!("--b\r\ncontent-disposition: form-data; name={head}\r\n\r\n");
        let (purpose, file) = (part("\"purpose\""), part("\"file\"; filename=\"f\""));
        let body = format!("{purpose}batch\r\n{file}{number} {padding}\r\n--b--\r\n");
        let request = program.http.post(url("/files")).body(body);
        let request = request.header("x-portkey-provider", "openai");
        request.header("content-type", "multipart/form-data; boundary=b")
    })
    .await;
    write_until_it_is_refused(&program, "last", "/admin/workspaces", |number| {
        let name = format!("w{number}");
        let body = json!({"name": name, "description": padding});
        program.http.post(url("/admin/workspaces")).json(&body)
    })
    .await;
    let expected = program.get("last", "/admin/workspaces").await;
    let files = program.get("app", "/files").await;
    drop(program);
    let program = Program::start(&arguments);
    assert_eq!(program.get("last", "/admin/workspaces").await, expected);
    assert_eq!(program.get("app", "/files").await, files);
}

/// Returns the program's memory in KiB: `VmRSS:` is the current size, `VmHWM:` the peak.
#[cfg(target_os = "linux")]
fn memory(program: &Program, field: &str) -> u64 {
    let status = format!("/proc/{}/status", program.child.id());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

/// Returns the number of open files and the memory in KiB.
#[cfg(target_os = "linux")]
fn resource_usage(program: &Program) -> (usize, u64) {
    let directory = format!("/proc/{}/fd", program.child.id());
    let files = std::fs::read_dir(directory).unwrap().count();
    (files, memory(program, "VmRSS:"))
}

/// Connects `times` times and disconnects immediately, in the middle of a head, or in the middle of
/// a body. A request in between must be served; waiting for it also keeps the accept backlog of a
/// thousand connections from filling up.
#[cfg(target_os = "linux")]
fn open_and_drop_connections(address: &str, times: usize) {
    use std::io::Write;
    let connect = || std::net::TcpStream::connect(address).unwrap();
    for number in 0..times {
        let mut stream = connect();
        // Reset the connection, since its port would otherwise stay in use for a minute.
        let socket = socket2::SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        let partial_request: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /v1/con",
            _ => b"POST /v1/configs HTTP/1.1\r\nhost: e\r\ncontent-length: 10\r\n\r\n{",
        };
        let _ = stream.write_all(partial_request);
        drop(stream);
        if number % 200 == 0 {
            let mut stream = connect();
            let request = b"GET /v1/configs HTTP/1.1\r\nhost: e\r\nconnection: close\r\n\r\n";
            stream.write_all(request).unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).unwrap();
            assert!(response.starts_with("HTTP/1.1 401"), "{response}");
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_connections_leak_nothing() {
    let directory = TempDir::new();
    let seed = directory.file("seed.yaml");
    std::fs::write(&seed, SEED_WITH_ONE_KEY).unwrap();
    let program = Program::start(&["--quiet", "--seed", &seed]);
    let address = program.base.replace("http://", "").replace("/v1", "");
    let connect_many = async |times: usize| {
        let clients = (0..4).map(|_| {
            let address = address.clone();
            tokio::task::spawn_blocking(move || open_and_drop_connections(&address, times / 4))
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        program.get("last", "/admin/workspaces").await;
    };
    let all = async {
        connect_many(4_000).await;
        let before = resource_usage(&program);
        connect_many(100_000).await;
        let mut after = resource_usage(&program);
        while after.0 > before.0 + 16 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            after = resource_usage(&program);
        }
        (before, after)
    };
    let (before, after) = tokio::time::timeout(Duration::from_secs(300), all)
        .await
        .unwrap();
    assert!(
        after.1 < before.1 + 64 * 1024,
        "{before:?} became {after:?}"
    );
}

/// An upload of 256 MiB takes much less memory than its size.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_upload_uses_constant_memory() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SIZE: u64 = 256 << 20;
    let program = Program::start(&["--port", "0", "--seed", &demo_seed()]);
    let key = "emulator-ws-key-demo";
    let part = |head: &str| format!("--b\r\ncontent-disposition: form-data; name={head}\r\n\r\n");
    let start = part("\"purpose\"") + "batch\r\n" + &part("\"file\"; filename=\"large\"");
    let end = "\r\n--b--\r\n";
    let length = start.len() as u64 + SIZE + end.len() as u64;
    let head = format!(
        "POST /v1/files HTTP/1.1\r\nhost: e\r\nx-portkey-api-key: {key}\r\nconnection: close\r\nx-portkey-provider: openai\r\n\
        content-type: multipart/form-data; boundary=b\r\ncontent-length: {length}\r\n\r\n{start}"
    );
    let address = program.base.replace("http://", "").replace("/v1", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let before = memory(&program, "VmHWM:");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b'a'; 1 << 20];
    for _ in 0..SIZE >> 20 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(end.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(
        response.contains(&format!("\"bytes\":{SIZE}")),
        "{response}"
    );
    let growth = memory(&program, "VmHWM:") - before;
    assert!(growth < 64 << 10, "memory grew by {growth} KiB");
}

/// JSON takes up to a hundred times its size in memory when it is parsed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn wide_json_uses_little_memory() {
    let directory = TempDir::new();
    let seed = directory.file("seed.yaml");
    std::fs::write(&seed, SEED_WITH_ONE_KEY).unwrap();
    let program = Program::start(&["--quiet", "--seed", &seed]);
    let before = memory(&program, "VmHWM:");
    for (item, times, status) in [
        ("0", 7_500_000, 413),
        ("{\"a\":0}", 1_600_000, 413),
        ("\"\"", 5_000_000, 413),
        ("{\"a\":0}", 249_000, 400),
    ] {
        let body = format!("{{\"name\":[{}0]}}", format!("{item},").repeat(times));
        let request = program
            .http
            .post(format!("{}/admin/workspaces", program.base));
        let request = request.header("x-portkey-api-key", program.key("last"));
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), status, "{item}");
        let growth = (memory(&program, "VmHWM:") - before) >> 10;
        println!("{item}: {growth} MiB");
        assert!(growth < 500, "{item}: memory grew by {growth} MiB");
    }
}
