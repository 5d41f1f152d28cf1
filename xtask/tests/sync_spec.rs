//! `cargo xtask sync-spec`, run as a maintainer runs it.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::JoinHandle;

use tempfile::TempDir;

const SMALL: &str = "\
openapi: 3.0.0
info: {title: Small, version: 1.2.3}
paths:
  /b: {get: {summary: Prose, responses: {200: {description: Prose}}}}
  /a: {get: {responses: {}}, delete: {responses: {}}}
";

/// A folder that looks like the project, and a file beside it to read from.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("openapi")).unwrap();
        Self { folder }
    }

    /// A project that already holds the distilled `SMALL`.
    fn synced() -> Self {
        let project = Self::new();
        let output = project.sync(SMALL, &["--revision", "r1"]);
        assert!(output.status.success(), "{}", stderr(&output));
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        for scheme in ["http", "https", "all"] {
            command.env_remove(format!("{scheme}_proxy"));
            command.env_remove(format!("{}_PROXY", scheme.to_uppercase()));
        }
        command
            .arg("--root")
            .arg(self.folder.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Writes `text` to a file and syncs from it.
    fn sync(&self, text: &str, more: &[&str]) -> Output {
        let input = self.path("input.yaml");
        std::fs::write(&input, text).unwrap();
        self.sync_from(&input, more)
    }

    fn sync_from(&self, from: &Path, more: &[&str]) -> Output {
        let mut arguments = vec!["sync-spec", "--from", from.to_str().unwrap()];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Names, contents and times of everything in `openapi/`.
    fn state(&self) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
        let mut state: Vec<_> = std::fs::read_dir(self.path("openapi"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                let modified = entry.metadata().unwrap().modified().unwrap();
                (name, std::fs::read(entry.path()).unwrap(), modified)
            })
            .collect();
        state.sort();
        state
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one line that a failed run prints.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(output);
    assert_eq!(text.lines().count(), 1, "{text}");
    text.strip_prefix("error: ").unwrap().trim_end().to_owned()
}

#[test]
fn the_document_and_its_source_are_written() {
    let project = Project::synced();
    let document = project.read("openapi/portkey.yaml");
    assert!(document.contains("version: 1.2.3"), "{document}");
    assert!(!document.contains("Prose"), "{document}");
    let source = project.read("openapi/source.yaml");
    for line in [
        "url: https://raw.githubusercontent.com/Portkey-AI/openapi/master/openapi.yaml",
        "revision: r1",
        "version: 1.2.3",
        "paths: 2",
        "operations: 3",
    ] {
        assert!(
            source.lines().any(|found| found == line),
            "{line}\n{source}"
        );
    }
    let names: Vec<String> = project.state().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["portkey.yaml", "source.yaml"]);
}

#[test]
fn the_same_facts_again_change_nothing() {
    let project = Project::synced();
    let before = project.state();
    let reordered = "\
paths:
  /a: {delete: {responses: {}}, get: {responses: {}, description: Other prose}}
  /b: {get: {responses: {'200': {description: x}}}}
info: {version: 1.2.3}
openapi: 3.0.0
";
    for (text, more) in [(SMALL, &[][..]), (reordered, &["--revision", "r2"][..])] {
        let output = project.sync(text, more);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(project.state(), before);
    }
}

#[test]
fn its_own_output_changes_nothing() {
    let project = Project::synced();
    let before = project.state();
    let output = project.sync_from(&project.path("openapi/portkey.yaml"), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.state(), before);
}

#[test]
fn other_facts_replace_both_files() {
    let project = Project::synced();
    let (document, source) = (
        project.read("openapi/portkey.yaml"),
        project.read("openapi/source.yaml"),
    );
    let output = project.sync(&SMALL.replace("/b", "/c"), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_ne!(project.read("openapi/portkey.yaml"), document);
    let new = project.read("openapi/source.yaml");
    assert_ne!(new, source);
    assert!(
        !new.contains("revision"),
        "the old revision is not the new one: {new}"
    );
}

#[test]
fn an_edited_document_is_restored() {
    let project = Project::synced();
    let document = project.read("openapi/portkey.yaml");
    std::fs::write(project.path("openapi/portkey.yaml"), "half").unwrap();
    let output = project.sync(SMALL, &["--revision", "r1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.read("openapi/portkey.yaml"), document);
}

#[test]
fn json_and_yaml_give_the_same_bytes() {
    let project = Project::synced();
    let before = project.state();
    let json = r#"{"openapi": "3.0.0", "info": {"version": "1.2.3"}, "paths": {
        "/b": {"get": {"responses": {"200": {}}}},
        "/a": {"get": {"responses": {}}, "delete": {"responses": {}}}}}"#;
    let output = project.sync(json, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.state(), before);
}

#[test]
fn a_recorded_url_is_kept_and_a_given_one_wins() {
    let project = Project::synced();
    let other = SMALL.replace("/b", "/c");
    let url = "https://example.com/openapi.yaml";
    assert!(project.sync(&other, &["--url", url]).status.success());
    let line = format!("url: {url}\n");
    assert!(project.read("openapi/source.yaml").contains(&line));
    assert!(project.sync(SMALL, &[]).status.success());
    assert!(project.read("openapi/source.yaml").contains(&line));
}

#[test]
fn a_broken_document_leaves_everything_as_it_was() {
    let project = Project::synced();
    let before = project.state();
    let input = project.path("input.yaml");
    let name = input.to_str().unwrap();
    for (text, problem) in [
        ("openapi: 3.0.0\npaths: {/a: [}\n", ":2:"),
        ("<html></html>", ": $: must be a map, not a string"),
        (
            "openapi: 3.1.0\npaths: {}\n",
            ": $.openapi: only OpenAPI 3.0.x is supported",
        ),
        ("openapi: 3.0.0\n", ": $.paths: missing"),
        (&SMALL[..SMALL.len() - 20], ":6:"),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: '#/components/x'}]}}}",
            ": $.paths['/a'].get.parameters[0]['$ref']: `#/components/x`",
        ),
    ] {
        let refusal = refusal(&project.sync(text, &[]));
        let expected = format!("{name}{problem}");
        assert!(refusal.starts_with(&expected), "{refusal}\nnot {expected}");
        assert_eq!(project.state(), before);
    }
}

#[test]
fn an_input_that_cannot_be_read_is_named() {
    let project = Project::synced();
    let before = project.state();
    let missing = project.path("none.yaml");
    let output = project.sync_from(&missing, &[]);
    assert!(refusal(&output).starts_with(missing.to_str().unwrap()));
    let bytes = project.path("bytes.yaml");
    std::fs::write(&bytes, b"openapi: 3.0.0\npaths: {\xff}").unwrap();
    assert!(refusal(&project.sync_from(&bytes, &[])).starts_with(bytes.to_str().unwrap()));
    assert_eq!(project.state(), before);
}

#[test]
fn a_broken_record_of_the_source_is_named() {
    let project = Project::synced();
    std::fs::write(project.path("openapi/source.yaml"), "url: [").unwrap();
    let before = project.state();
    let refusal = refusal(&project.sync(SMALL, &[]));
    assert!(refusal.starts_with("openapi/source.yaml:2:"), "{refusal}");
    assert_eq!(project.state(), before);
}

#[test]
fn a_target_that_cannot_be_written_leaves_the_other_alone() {
    let project = Project::new();
    std::fs::create_dir(project.path("openapi/portkey.yaml")).unwrap();
    let refused = refusal(&project.sync(SMALL, &[]));
    assert!(refused.contains("portkey.yaml"), "{refused}");
    assert!(!project.path("openapi/source.yaml").exists());

    std::fs::remove_dir_all(project.path("openapi")).unwrap();
    let refused = refusal(&project.sync(SMALL, &[]));
    assert!(refused.contains("portkey.yaml"), "{refused}");
}

#[test]
fn a_wrong_command_line_is_one_clear_line() {
    let project = Project::new();
    for (arguments, expected) in [
        (&[][..], "no command given"),
        (&["sink-spec"], "sink-spec: no such command"),
        (&["sync-spec"], "--from: a path or a URL must be given"),
        (
            &["sync-spec", "--from"],
            "missing argument for option '--from'",
        ),
        (&["sync-spec", "--form", "x"], "invalid option '--form'"),
    ] {
        let refusal = refusal(&project.run(arguments));
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

#[test]
fn help_is_there_for_each_level() {
    let project = Project::new();
    for arguments in [&["--help"][..], &["sync-spec", "--help"]] {
        let output = project.run(arguments);
        assert!(output.status.success());
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("sync-spec")
        );
    }
}

/// Answers one request with `answer`, a whole HTTP response; gives the server's address.
fn serve_once(answer: String) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the request ended early");
            request.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (format!("http://{address}/openapi.yaml"), server)
}

fn answer(status: &str, header: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[test]
fn a_document_is_fetched_and_its_url_recorded() {
    let project = Project::new();
    let (url, server) = serve_once(answer("200 OK", "", SMALL));
    let output = project.run(&["sync-spec", "--from", &url]);
    server.join().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let source = project.read("openapi/source.yaml");
    assert!(source.contains(&format!("url: {url}\n")), "{source}");
    assert_eq!(
        project.read("openapi/portkey.yaml"),
        Project::synced().read("openapi/portkey.yaml")
    );
}

#[test]
fn an_answer_that_is_no_document_leaves_everything_as_it_was() {
    let project = Project::synced();
    let before = project.state();
    for (answer, problem) in [
        (
            answer("404 Not Found", "", "404: Not Found"),
            ": answered 404",
        ),
        (
            answer("302 Found", "location: /elsewhere\r\n", ""),
            ": answered 302",
        ),
        (
            answer("200 OK", "", "<html></html>"),
            ": $: must be a map, not a string",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nopenapi: 3.0.0\n".to_owned(),
            ": ",
        ),
    ] {
        let (url, server) = serve_once(answer);
        let output = project.run(&["sync-spec", "--from", &url]);
        server.join().unwrap();
        let refusal = refusal(&output);
        assert!(refusal.starts_with(&format!("{url}{problem}")), "{refusal}");
        assert_eq!(project.state(), before);
    }
}
