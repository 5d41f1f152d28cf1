//! `cargo xtask sync-spec`, run as a maintainer runs it.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use support::{Project, refusal, stderr, stdout};

const SMALL: &str = "\
openapi: 3.0.0
info: {title: Small, version: 1.2.3}
paths:
  /b: {get: {summary: Prose, responses: {200: {description: Prose}}}}
  /a: {get: {responses: {}}, delete: {responses: {}}}
";

/// A project that already holds the distilled `SMALL`.
fn synced() -> Project {
    let project = Project::new();
    let output = project.sync(SMALL, &["--revision", "r1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    project.complete_ledger();
    project
}

#[test]
fn the_document_and_its_source_are_written() {
    let project = synced();
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
    let project = synced();
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
    let project = synced();
    let before = project.state();
    let output = project.sync_from(&project.path("openapi/portkey.yaml"), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.state(), before);
}

#[test]
fn other_facts_replace_both_files() {
    let project = synced();
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
    let project = synced();
    let document = project.read("openapi/portkey.yaml");
    // The facts are the same, so only the record can tell.
    project.write(
        "openapi/portkey.yaml",
        &document.replace("'200'", "\"200\""),
    );
    let check = project.sync(SMALL, &["--check"]);
    assert_eq!(check.status.code(), Some(4), "{}", stderr(&check));
    assert!(
        stderr(&check).contains("does not describe"),
        "{}",
        stderr(&check)
    );
    let output = project.sync(SMALL, &["--revision", "r1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.read("openapi/portkey.yaml"), document);
}

#[test]
fn a_damaged_document_is_named_and_one_that_was_deleted_is_written_anew() {
    let project = synced();
    let document = project.read("openapi/portkey.yaml");
    for (text, problem) in [
        (
            "half",
            "openapi/portkey.yaml: $: must be a map, not a string",
        ),
        (
            &document[..document.len() - 30],
            "openapi/portkey.yaml: $.paths",
        ),
        ("openapi: [", "openapi/portkey.yaml:2:"),
    ] {
        project.write("openapi/portkey.yaml", text);
        let before = project.state();
        let refusal = refusal(&project.sync(SMALL, &[]));
        assert!(refusal.starts_with(problem), "{refusal}");
        assert_eq!(project.state(), before);
    }
    std::fs::remove_file(project.path("openapi/portkey.yaml")).unwrap();
    assert_eq!(project.sync(SMALL, &["--check"]).status.code(), Some(4));
    assert!(project.sync(SMALL, &[]).status.success());
    assert_eq!(project.read("openapi/portkey.yaml"), document);
}

#[test]
fn check_says_by_its_exit_code_whether_the_document_has_drifted() {
    let project = synced();
    let before = project.state();
    let code = |text: &str| project.sync(text, &["--check"]).status.code();
    assert_eq!(code(SMALL), Some(0));
    assert_eq!(code(&SMALL.replace("/b", "/c")), Some(4));
    assert_eq!(code("no document"), Some(1));
    assert_eq!(project.state(), before);
}

#[test]
fn the_report_is_printed_or_written_to_a_file_in_each_format() {
    let project = synced();
    let text = SMALL.replace("/b", "/c");
    let file = project.path("report");
    for (format, start) in [
        ("text", "/"),
        ("markdown", "# Portkey's document\n"),
        ("json", "{\n  \"schema\": 1,"),
    ] {
        let printed = project.sync(&text, &["--check", "--format", format]);
        assert!(stdout(&printed).starts_with(start), "{}", stdout(&printed));
        let more = [
            "--check",
            "--format",
            format,
            "--output",
            file.to_str().unwrap(),
        ];
        let written = project.sync(&text, &more);
        assert_eq!(stdout(&written), "");
        assert_eq!(project.read("report"), stdout(&printed));
    }
}

#[test]
fn where_nothing_is_vendored_yet_the_report_says_so() {
    for (format, expected) in [
        ("text", "There is no vendored document to compare with\n"),
        ("markdown", "There is no vendored document to compare with."),
        ("json", "\"compared\": false"),
    ] {
        let project = Project::new();
        let file = project.path("report");
        let more = ["--format", format, "--output", file.to_str().unwrap()];
        let output = project.sync(SMALL, &more);
        assert!(output.status.success(), "{}", stderr(&output));
        let report = project.read("report");
        assert!(report.contains(expected), "{report}");
        assert!(!report.contains("No changes"), "{report}");
        assert!(project.read("openapi/portkey.yaml").contains("/b:"));
    }
}

#[test]
fn a_document_that_the_overrides_do_not_fit_is_written_and_the_report_says_what_fails() {
    let project = synced();
    let output = project.sync(&SMALL.replace("/b: {", "/c: {post: {responses: {}}, "), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report = stdout(&output);
    for line in [
        "! overrides/operations.yaml: GET /b: get__b",
        "POST /c:\n  id: create_c\n",
        "1 override that does not fit, marked `!` above",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    assert!(project.read("openapi/portkey.yaml").contains("/c:"));
}

#[test]
fn json_and_yaml_give_the_same_bytes() {
    let project = synced();
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
    let project = synced();
    let other = SMALL.replace("/b", "/c");
    let url = "https://example.com/openapi.yaml";
    assert!(project.sync(&other, &["--url", url]).status.success());
    project.complete_ledger();
    let line = format!("url: {url}\n");
    assert!(project.read("openapi/source.yaml").contains(&line));
    assert!(project.sync(SMALL, &[]).status.success());
    assert!(project.read("openapi/source.yaml").contains(&line));
}

#[test]
fn a_broken_document_leaves_everything_as_it_was() {
    let project = synced();
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
    let project = synced();
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
    let project = synced();
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

const RULE: &str = "\
rename:
  - from: /a
    to: /tested/a
    evidence: {documented: {status: 404, on: 2025-12-31}, tested: {status: 200, on: 2025-12-31}}
  - from: /older/a
    to: /tested/a
    evidence: {documented: {status: 404, on: 2025-12-31}, tested: {status: 200, on: 2025-12-31}}
";

#[test]
fn broken_overrides_are_named_with_their_place() {
    let overlay = |action: &str| {
        format!("overlay: 1.1.0\ninfo: {{title: T, version: '1'}}\nactions:\n- {action}\n")
    };
    let (path, nothing) = (
        overlay("{target: '$.paths[', remove: true}"),
        overlay("{target: $.paths.none, remove: true}"),
    );
    for (file, text, problem) in [
        (
            "a.overlay.yaml",
            path.as_str(),
            "overrides/a.overlay.yaml:4: actions[0]: `target: $.paths[` is no JSONPath",
        ),
        (
            "a.overlay.yaml",
            &nothing,
            "overrides/a.overlay.yaml:4: actions[0]: target `$.paths.none`: matches nothing",
        ),
        (
            "operations.yaml",
            "GET /none:\n  id: get_none\n",
            "overrides/operations.yaml: GET /none: missing field",
        ),
        (
            "operations.yaml",
            "{}\n",
            "overrides/operations.yaml: no entry for `GET /a`",
        ),
        (
            "paths.yaml",
            "rename: [{from: /x}]\n",
            "overrides/paths.yaml: rename[0]: ",
        ),
    ] {
        let project = synced();
        let before = project.state();
        project.write(&format!("overrides/{file}"), text);
        for more in [&["--check"][..], &[]] {
            let refusal = refusal(&project.sync(&SMALL.replace("/b", "/c"), more));
            assert!(refusal.starts_with(problem), "{refusal}\nnot {problem}");
            assert_eq!(project.state(), before);
        }
    }
}

#[test]
fn an_entry_for_no_operation_is_named() {
    let project = synced();
    let before = project.state();
    let ledger = project.read("overrides/operations.yaml");
    let entry = &ledger[ledger.find("GET /b:").unwrap()..];
    let stray = entry
        .replace("GET /b:", "GET /none:")
        .replace("get__b", "get_none");
    project.write("overrides/operations.yaml", &format!("{ledger}{stray}"));
    let refusal = refusal(&project.sync(&SMALL.replace("/b", "/c"), &[]));
    let expected = "overrides/operations.yaml: `GET /none` is not an operation";
    assert!(refusal.starts_with(expected), "{refusal}");
    assert_eq!(project.state(), before);
}

#[test]
fn two_operations_that_meet_at_one_path_are_an_error() {
    let project = Project::new();
    assert!(project.sync(SMALL, &[]).status.success());
    project.write("overrides/paths.yaml", RULE);
    project.complete_ledger();
    let before = project.state();
    for (text, problem) in [
        // Two rules lead to one path.
        (
            SMALL.replace("/b:", "/older/a:"),
            "overrides/paths.yaml: rename[1]: `/older/a` and",
        ),
        // Both sides of a rule are no error: the tested one stays.
        (
            SMALL
                .replace("/a:", "/tested/a: {get: {responses: {}}}\n  /a:")
                .replace("/b:", "/older/a:"),
            "",
        ),
    ] {
        let output = project.sync(&text, &["--check"]);
        match problem.is_empty() {
            true => assert_eq!(output.status.code(), Some(4), "{}", stderr(&output)),
            false => {
                let refusal = refusal(&output);
                assert!(refusal.starts_with(problem), "{refusal}");
            }
        }
        assert_eq!(project.state(), before);
    }
}

/// A disk is as good as full for whoever may not write a longer file.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let project = synced();
    let before = project.state();
    let paths: String = (0..200)
        .map(|n| format!("  /p{n}: {{get: {{responses: {{}}}}}}\n"))
        .collect();
    project.write("input.yaml", &format!("{SMALL}{paths}"));
    let input = project.path("input.yaml");
    let command = project.command(&[
        "sync-spec",
        "--output",
        "/dev/null",
        "--from",
        input.to_str().unwrap(),
    ]);
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .unwrap();
    let refusal = refusal(&output);
    assert!(refusal.contains("openapi/portkey.yaml: "), "{refusal}");
    assert_eq!(project.state(), before);
}

/// Nobody may make a file there, not even root.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_named() {
    let project = Project::new();
    std::fs::remove_dir(project.path("openapi")).unwrap();
    std::os::unix::fs::symlink("/sys", project.path("openapi")).unwrap();
    let refusal = refusal(&project.sync(SMALL, &[]));
    assert!(refusal.contains("openapi/portkey.yaml: "), "{refusal}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_leaves_everything_as_it_was() {
    let project = synced();
    let before = project.state();
    let refusal = refusal(&project.sync(&SMALL.replace("/b", "/c"), &["--output", "/dev/full"]));
    assert!(refusal.starts_with("/dev/full: "), "{refusal}");
    assert_eq!(project.state(), before);
}

#[test]
fn a_wrong_command_line_is_one_clear_line() {
    let project = Project::new();
    for (arguments, expected) in [
        (&[][..], "no command given"),
        (&["sink-spec"], "sink-spec: no such command"),
        (
            &["sync-spec", "--format", "xml"],
            "--format: `xml` is none of text, markdown, json",
        ),
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

/// Answers one request with `answer`, a whole HTTP response; gives the server's address, and in the
/// end the request.
fn serve_once(answer: String) -> (String, JoinHandle<String>) {
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
        String::from_utf8(request).unwrap()
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
        synced().read("openapi/portkey.yaml")
    );
}

#[test]
fn without_from_the_recorded_url_is_fetched() {
    let (url, server) = serve_once(answer("200 OK", "", &SMALL.replace("/b", "/c")));
    let project = Project::new();
    assert!(project.sync(SMALL, &["--url", &url]).status.success());
    project.complete_ledger();
    let output = project.run(&["sync-spec"]);
    server.join().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        stderr(&output).lines().next().unwrap(),
        format!("fetching {url}")
    );
    assert!(stdout(&output).starts_with(&url), "{}", stdout(&output));
    assert!(project.read("openapi/portkey.yaml").contains("/c:"));
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let (proxy, server) = serve_once("HTTP/1.1 403 Forbidden\r\n\r\n".to_owned());
    let project = Project::new();
    let mut command = project.command(&[
        "sync-spec",
        "--from",
        "http://upstream.invalid/openapi.yaml",
    ]);
    let proxy = proxy.trim_end_matches("/openapi.yaml");
    let output = command
        .env("http_proxy", proxy)
        .env("ALL_PROXY", proxy)
        .output()
        .unwrap();
    let request = server.join().unwrap();
    assert!(request.contains("upstream.invalid"), "{request}");
    let refusal = refusal(&output);
    assert!(
        refusal.starts_with("http://upstream.invalid/openapi.yaml: "),
        "{refusal}"
    );
}

#[test]
fn an_answer_that_is_no_document_leaves_everything_as_it_was() {
    let project = synced();
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
