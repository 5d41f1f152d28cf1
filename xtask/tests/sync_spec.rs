//! `cargo xtask sync-spec`, run as a command.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use support::{Project, error_line, error_lines, stderr, stdout};

const SMALL: &str = "\
openapi: 3.0.0
info: {title: Small, version: 1.2.3}
paths:
  /b: {get: {summary: Prose, responses: {200: {description: Prose}}}}
  /a: {get: {responses: {}}, delete: {responses: {}}}
";

/// Creates a project that has vendored `SMALL`.
fn synced_project() -> Project {
    let project = Project::new();
    let output = project.sync(SMALL, &["--revision", "r1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    project.complete_manifest();
    project
}

#[test]
fn document_and_source_record_are_written() {
    let project = synced_project();
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
fn same_facts_change_nothing() {
    let project = synced_project();
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
fn distilled_output_as_input_changes_nothing() {
    let project = synced_project();
    let before = project.state();
    let output = project.sync_from(&project.path("openapi/portkey.yaml"), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.state(), before);
}

#[test]
fn changed_facts_replace_both_files() {
    let project = synced_project();
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
        "the old revision must not be kept: {new}"
    );
}

#[test]
fn edited_document_is_restored() {
    let project = synced_project();
    let document = project.read("openapi/portkey.yaml");
    // The facts are the same, so only the digest in the record differs.
    project.write(
        "openapi/portkey.yaml",
        &document.replace("'200'", "\"200\""),
    );
    let check = project.sync(SMALL, &["--check"]);
    assert_eq!(check.status.code(), Some(4), "{}", stderr(&check));
    assert!(
        stderr(&check).contains("does not match"),
        "{}",
        stderr(&check)
    );
    let output = project.sync(SMALL, &["--revision", "r1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.read("openapi/portkey.yaml"), document);
}

#[test]
fn damaged_document_is_an_error_and_deleted_one_is_rewritten() {
    let project = synced_project();
    let document = project.read("openapi/portkey.yaml");
    for (text, problem) in [
        (
            "half",
            "openapi/portkey.yaml: $: expected a map, found a string",
        ),
        (
            &document[..document.len() - 30],
            "openapi/portkey.yaml: $.paths",
        ),
        ("openapi: [", "openapi/portkey.yaml:2:"),
    ] {
        project.write("openapi/portkey.yaml", text);
        let before = project.state();
        let error = error_line(&project.sync(SMALL, &[]));
        assert!(error.starts_with(problem), "{error}");
        assert_eq!(project.state(), before);
    }
    std::fs::remove_file(project.path("openapi/portkey.yaml")).unwrap();
    assert_eq!(project.sync(SMALL, &["--check"]).status.code(), Some(4));
    assert!(project.sync(SMALL, &[]).status.success());
    assert_eq!(project.read("openapi/portkey.yaml"), document);
}

#[test]
fn exit_code_of_check_shows_whether_the_document_has_drifted() {
    let project = synced_project();
    let before = project.state();
    let code = |text: &str| project.sync(text, &["--check"]).status.code();
    assert_eq!(code(SMALL), Some(0));
    assert_eq!(code(&SMALL.replace("/b", "/c")), Some(4));
    assert_eq!(code("no document"), Some(1));
    assert_eq!(project.state(), before);
}

#[test]
fn report_is_printed_or_written_to_a_file_in_each_format() {
    let project = synced_project();
    let text = SMALL.replace("/b", "/c");
    let file = project.path("report");
    for (format, start) in [
        ("text", "/"),
        ("markdown", "# Changes in Portkey's OpenAPI document\n"),
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
fn report_without_a_vendored_document_has_no_comparison() {
    for (format, expected) in [
        ("text", "No vendored OpenAPI document to compare with\n"),
        ("markdown", "No vendored OpenAPI document to compare with."),
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
fn document_is_written_even_if_overrides_do_not_fit() {
    let project = synced_project();
    let output = project.sync(&SMALL.replace("/b: {", "/c: {post: {responses: {}}, "), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report = stdout(&output);
    for line in [
        "! stale overrides/operations.yaml: GET /b: get_b",
        "POST /c:\n  id: create_c\n",
        "1 override no longer fits, marked `!` above",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    assert!(project.read("openapi/portkey.yaml").contains("/c:"));
}

#[test]
fn json_and_yaml_produce_the_same_output() {
    let project = synced_project();
    let before = project.state();
    let json = r#"{"openapi": "3.0.0", "info": {"version": "1.2.3"}, "paths": {
        "/b": {"get": {"responses": {"200": {}}}},
        "/a": {"get": {"responses": {}}, "delete": {"responses": {}}}}}"#;
    let output = project.sync(json, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.state(), before);
}

#[test]
fn recorded_url_is_kept_unless_another_is_given() {
    let project = synced_project();
    let other = SMALL.replace("/b", "/c");
    let url = "https://example.com/openapi.yaml";
    assert!(project.sync(&other, &["--url", url]).status.success());
    project.complete_manifest();
    let line = format!("url: {url}\n");
    assert!(project.read("openapi/source.yaml").contains(&line));
    assert!(project.sync(SMALL, &[]).status.success());
    assert!(project.read("openapi/source.yaml").contains(&line));
}

#[test]
fn invalid_document_changes_nothing() {
    let project = synced_project();
    let before = project.state();
    let input = project.path("input.yaml");
    let name = input.to_str().unwrap();
    for (text, problem) in [
        ("openapi: 3.0.0\npaths: {/a: [}\n", ":2:"),
        ("<html></html>", ": $: expected a map, found a string"),
        (
            "openapi: 3.2.0\npaths: {}\n",
            ": $.openapi: expected OpenAPI version 3.0.x or 3.1.x",
        ),
        ("openapi: 3.0.0\n", ": $.paths: missing"),
        (&SMALL[..SMALL.len() - 20], ":6:"),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: '#/components/x'}]}}}",
            ": $.paths['/a'].get.parameters[0]['$ref']: `#/components/x`",
        ),
    ] {
        let error = error_line(&project.sync(text, &[]));
        let expected = format!("{name}{problem}");
        assert!(error.starts_with(&expected), "{error}\nexpected {expected}");
        assert_eq!(project.state(), before);
    }
}

#[test]
fn unreadable_input_is_named_in_the_error() {
    let project = synced_project();
    let before = project.state();
    let missing = project.path("none.yaml");
    let output = project.sync_from(&missing, &[]);
    assert!(error_line(&output).starts_with(missing.to_str().unwrap()));
    let bytes = project.path("bytes.yaml");
    std::fs::write(&bytes, b"openapi: 3.0.0\npaths: {\xff}").unwrap();
    assert!(error_line(&project.sync_from(&bytes, &[])).starts_with(bytes.to_str().unwrap()));
    assert_eq!(project.state(), before);
}

#[test]
fn invalid_source_record_is_named_in_the_error() {
    let project = synced_project();
    std::fs::write(project.path("openapi/source.yaml"), "url: [").unwrap();
    let before = project.state();
    let error = error_line(&project.sync(SMALL, &[]));
    assert!(error.starts_with("openapi/source.yaml:2:"), "{error}");
    assert_eq!(project.state(), before);
}

#[test]
fn unwritable_file_leaves_the_other_unchanged() {
    let project = Project::new();
    std::fs::create_dir(project.path("openapi/portkey.yaml")).unwrap();
    let error = error_line(&project.sync(SMALL, &[]));
    assert!(error.contains("portkey.yaml"), "{error}");
    assert!(!project.path("openapi/source.yaml").exists());

    std::fs::remove_dir_all(project.path("openapi")).unwrap();
    let error = error_line(&project.sync(SMALL, &[]));
    assert!(error.contains("portkey.yaml"), "{error}");
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
fn invalid_overrides_are_errors_with_their_location() {
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
            "overrides/a.overlay.yaml:4: actions[0]: `target: $.paths[` is not a valid JSONPath",
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
        let project = synced_project();
        let before = project.state();
        project.write(&format!("overrides/{file}"), text);
        for more in [&["--check"][..], &[]] {
            let errors = error_lines(&project.sync(&SMALL.replace("/b", "/c"), more));
            assert!(
                errors[0].starts_with(problem),
                "{errors:#?}\nexpected {problem}"
            );
            assert_eq!(project.state(), before);
        }
    }
}

#[test]
fn entry_without_an_operation_is_an_error() {
    let project = synced_project();
    let before = project.state();
    let manifest = project.read("overrides/operations.yaml");
    let entry = &manifest[manifest.find("GET /b:").unwrap()..];
    let unknown = entry
        .replace("GET /b:", "GET /none:")
        .replace("get_b", "get_none");
    project.write("overrides/operations.yaml", &format!("{manifest}{unknown}"));
    let error = error_line(&project.sync(&SMALL.replace("/b", "/c"), &[]));
    let expected = "overrides/operations.yaml: `GET /none` is not an operation";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(project.state(), before);
}

#[test]
fn two_rules_with_the_same_target_path_are_an_error() {
    let project = Project::new();
    assert!(project.sync(SMALL, &[]).status.success());
    project.write("overrides/paths.yaml", RULE);
    project.complete_manifest();
    let before = project.state();
    for (text, problem) in [
        // Two rules rename to the same path.
        (
            SMALL.replace("/b:", "/older/a:"),
            "overrides/paths.yaml: rename[1]: `/older/a` and",
        ),
        // A document with both sides of a rule is valid: the tested path stays.
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
                let error = error_line(&output);
                assert!(error.starts_with(problem), "{error}");
            }
        }
        assert_eq!(project.state(), before);
    }
}

/// A limit on the file size has the same effect as a full disk.
#[cfg(unix)]
#[test]
fn full_disk_changes_nothing() {
    let project = synced_project();
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
    let error = error_line(&output);
    assert!(error.contains("openapi/portkey.yaml: "), "{error}");
    assert_eq!(project.state(), before);
}

/// `/sys` is not writable, even for root.
#[cfg(target_os = "linux")]
#[test]
fn read_only_folder_is_named_in_the_error() {
    let project = Project::new();
    std::fs::remove_dir(project.path("openapi")).unwrap();
    std::os::unix::fs::symlink("/sys", project.path("openapi")).unwrap();
    let error = error_line(&project.sync(SMALL, &[]));
    assert!(error.contains("openapi/portkey.yaml: "), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn unwritable_report_changes_nothing() {
    let project = synced_project();
    let before = project.state();
    let error = error_line(&project.sync(&SMALL.replace("/b", "/c"), &["--output", "/dev/full"]));
    assert!(error.starts_with("/dev/full: "), "{error}");
    assert_eq!(project.state(), before);
}

#[test]
fn invalid_command_line_is_an_error_of_one_line() {
    let project = Project::new();
    for (arguments, expected) in [
        (&[][..], "no command given"),
        (&["sink-spec"], "unknown command `sink-spec`"),
        (
            &["sync-spec", "--format", "xml"],
            "--format: expected text, markdown or json, found `xml`",
        ),
        (
            &["sync-spec", "--from"],
            "missing argument for option '--from'",
        ),
        (&["sync-spec", "--form", "x"], "invalid option '--form'"),
    ] {
        let error = error_line(&project.run(arguments));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn help_is_printed_for_command_and_subcommand() {
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

/// Serves one request with a complete HTTP response. Returns the URL, and the received request when
/// joined.
fn serve_once(response: String) -> (String, JoinHandle<String>) {
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
        stream.write_all(response.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (format!("http://{address}/openapi.yaml"), server)
}

fn http_response(status: &str, header: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[test]
fn document_is_fetched_and_its_url_is_recorded() {
    let project = Project::new();
    let (url, server) = serve_once(http_response("200 OK", "", SMALL));
    let output = project.run(&["sync-spec", "--from", &url]);
    server.join().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let source = project.read("openapi/source.yaml");
    assert!(source.contains(&format!("url: {url}\n")), "{source}");
    assert_eq!(
        project.read("openapi/portkey.yaml"),
        synced_project().read("openapi/portkey.yaml")
    );
}

#[test]
fn recorded_url_is_fetched_without_from() {
    let (url, server) = serve_once(http_response("200 OK", "", &SMALL.replace("/b", "/c")));
    let project = Project::new();
    assert!(project.sync(SMALL, &["--url", &url]).status.success());
    project.complete_manifest();
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
fn proxy_of_the_environment_is_used() {
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
    let error = error_line(&output);
    assert!(
        error.starts_with("http://upstream.invalid/openapi.yaml: "),
        "{error}"
    );
}

#[test]
fn response_that_is_not_a_document_changes_nothing() {
    let project = synced_project();
    let before = project.state();
    for (response, problem) in [
        (
            http_response("404 Not Found", "", "404: Not Found"),
            ": expected status 200, got 404",
        ),
        (
            http_response("302 Found", "location: /elsewhere\r\n", ""),
            ": expected status 200, got 302",
        ),
        (
            http_response("200 OK", "", "<html></html>"),
            ": $: expected a map, found a string",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nopenapi: 3.0.0\n".to_owned(),
            ": ",
        ),
    ] {
        let (url, server) = serve_once(response);
        let output = project.run(&["sync-spec", "--from", &url]);
        server.join().unwrap();
        let error = error_line(&output);
        assert!(error.starts_with(&format!("{url}{problem}")), "{error}");
        assert_eq!(project.state(), before);
    }
}
