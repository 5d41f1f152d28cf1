//! Sources of the API key and the base URLs, and the planes to which the key is sent.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{
    ffi::{OsStr, OsString},
    process::Command,
};

use portkey_admin::{Client, ClientBuilder, Error, providers};
use support::{
    KEY, boxed_call, render_error,
    server::{ScriptedResponse, Server},
};

/// Set in a child process: `build` builds a client, `send` also sends three requests with it.
const ROLE: &str = "PORTKEY_ADMIN_TEST_ROLE";
/// Prefix of the lines that a child reports.
const REPORT_PREFIX: &str = "child reports: ";

/// Runs this test again in a child process with `variables` and no other `PORTKEY_…` variables, and
/// returns the report of [`run_as_child`]. Tests share their environment, so they must not change it.
fn in_child(test: &str, role: &str, variables: &[(&str, &OsStr)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if upper.starts_with("PORTKEY_") || upper.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    command.env(ROLE, role).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.strip_prefix(REPORT_PREFIX))
        .collect();
    assert!(output.status.success() && !report.is_empty(), "{lines}");
    report.join("\n")
}

/// Builds a client and reports the result, if this is a child process; returns `None` in the parent.
fn run_as_child() -> Option<()> {
    let role = std::env::var(ROLE).ok()?;
    match Client::from_env() {
        Err(error) => {
            assert!(error.is_configuration());
            eprintln!("{REPORT_PREFIX}refused: {}", render_error(&error));
        }
        Ok(client) => {
            eprintln!("{REPORT_PREFIX}built: {client:?}");
            if role == "send" {
                send_to_every_plane(&client);
            }
        }
    }
    Some(())
}

#[tokio::main(flavor = "current_thread")]
async fn send_to_every_plane(client: &Client) {
    let results = [
        boxed_call(client.get_workspace("one").send()).await,
        boxed_call(client.get_log("one").send()).await,
        boxed_call(client.get_model_pricing("one", "two").send()).await,
        boxed_call(client.list_mcp_registry_servers().send()).await,
        boxed_call(client.list_provider_pricing("one").send()).await,
    ];
    for error in results.into_iter().filter_map(Result::err) {
        eprintln!("{REPORT_PREFIX}sent: {error}");
    }
}

/// Starts a server for a child; returns it with the variables that point to it.
fn server_and_base_urls() -> (Server, [(&'static str, OsString); 4]) {
    let server = Server::with_response(ScriptedResponse::empty(404));
    let base_urls = [
        ("PORTKEY_BASE_URL", server.url("/v1").into()),
        ("PORTKEY_PUBLIC_BASE_URL", server.url("").into()),
        ("PORTKEY_MCP_BASE_URL", server.url("/v0.1").into()),
        ("PORTKEY_PRICES_BASE_URL", server.url("/prices").into()),
    ];
    (server, base_urls)
}

#[test]
fn invalid_key_is_refused_without_showing_it() {
    if run_as_child().is_some() {
        return;
    }
    let name = "invalid_key_is_refused_without_showing_it";
    let missing = in_child(name, "build", &[]);
    assert!(
        missing.starts_with("refused: ") && missing.contains("PORTKEY_API_KEY"),
        "{missing}"
    );
    for value in [
        "",
        " ",
        "\r\n",
        "canaryü",
        "日本-canary",
        "canary canary",
        "canary\ncanary",
        "canary\u{7f}",
        "\u{feff}canary",
    ] {
        let report = in_child(name, "build", &[("PORTKEY_API_KEY", value.as_ref())]);
        assert!(report.starts_with("refused: "), "{value:?}: {report}");
        assert!(report.contains("PORTKEY_API_KEY"), "{value:?}: {report}");
        assert!(!report.contains("canary"), "{value:?}: {report}");
    }
}

#[cfg(unix)]
#[test]
fn non_utf8_key_is_refused_without_showing_it() {
    use std::os::unix::ffi::OsStrExt;

    if run_as_child().is_some() {
        return;
    }
    let name = "non_utf8_key_is_refused_without_showing_it";
    let value = OsStr::from_bytes(b"canary\xff");
    let report = in_child(name, "build", &[("PORTKEY_API_KEY", value)]);
    assert!(
        report.starts_with("refused: ") && report.contains("PORTKEY_API_KEY"),
        "{report}"
    );
    assert!(!report.contains("canary"), "{report}");
}

#[test]
fn key_is_trimmed() {
    if run_as_child().is_some() {
        return;
    }
    for value in [
        KEY.to_owned(),
        format!("{KEY}\n"),
        format!(" \t{KEY}\r\n"),
        format!("\u{a0}{KEY}\u{2003}"),
    ] {
        let (server, base_urls) = server_and_base_urls();
        let mut variables = vec![("PORTKEY_API_KEY", OsStr::new(&value))];
        variables.extend(base_urls.iter().map(|(name, url)| (*name, url.as_os_str())));
        let report = in_child("key_is_trimmed", "send", &variables);
        assert!(!report.contains(KEY), "{report}");
        for request in server.requests() {
            let expected: &[&str] = match request.path() {
                "/model-configs/pricing/one/two" | "/prices/pricing/one.json" => &[],
                _ => &[KEY],
            };
            assert_eq!(request.header("x-portkey-api-key"), expected, "{value:?}");
        }
        assert_eq!(server.requests().len(), 5);
    }
}

#[test]
fn invalid_base_url_is_refused_without_showing_it() {
    if run_as_child().is_some() {
        return;
    }
    let name = "invalid_base_url_is_refused_without_showing_it";
    for variable in [
        "PORTKEY_BASE_URL",
        "PORTKEY_GATEWAY_BASE_URL",
        "PORTKEY_PUBLIC_BASE_URL",
        "PORTKEY_MCP_BASE_URL",
        "PORTKEY_PRICES_BASE_URL",
    ] {
        for value in [
            "",
            "  ",
            "/",
            "canary",
            "canary.example/v1",
            "http://canary.example/v1",
            "https://canary:canary@host.example/v1",
            "https://canary@host.example/v1",
            "https://host.example/v1?key=canary",
            "https://host.example/v1#canary",
            "https://can ary.example/v1",
            "https://canary.example:99999/v1",
            "ftp://canary.example/v1",
        ] {
            let variables = [
                ("PORTKEY_API_KEY", KEY.as_ref()),
                (variable, value.as_ref()),
            ];
            let report = in_child(name, "build", &variables);
            assert!(report.starts_with("refused: "), "{value:?}: {report}");
            assert!(report.contains(variable), "{value:?}: {report}");
            assert!(!report.contains("canary"), "{value:?}: {report}");
        }
    }
}

#[test]
fn base_urls_are_read_from_the_environment() {
    if run_as_child().is_some() {
        return;
    }
    let name = "base_urls_are_read_from_the_environment";
    let key = ("PORTKEY_API_KEY", OsStr::new(KEY));

    let hosted = in_child(name, "build", &[key]);
    let expected = r#"base_url: "https://api.portkey.ai/v1", gateway_base_url: "https://api.portkey.ai/v1", public_base_url: "https://api.portkey.ai", mcp_base_url: Some("https://mcp.portkey.ai/v0.1"), prices_base_url: Some("https://configs.portkey.ai")"#;
    assert!(hosted.contains(expected), "{hosted}");

    // Without a gateway URL, a self-hosted control plane is also used as the gateway.
    let (server, base_urls) = server_and_base_urls();
    let gateway = Server::with_response(ScriptedResponse::empty(404));
    let mut variables = vec![key];
    variables.extend(base_urls.iter().map(|(name, url)| (*name, url.as_os_str())));
    in_child(name, "send", &variables);
    assert_eq!(
        paths(&server),
        [
            "/v1/admin/workspaces/one",
            "/v1/logs/one",
            "/model-configs/pricing/one/two",
            "/v0.1/servers",
            "/prices/pricing/one.json"
        ]
    );

    // With a gateway URL, each plane has its own server.
    let (server, base_urls) = server_and_base_urls();
    let gateway_url = OsString::from(gateway.url("/v1/"));
    let mut variables = vec![key, ("PORTKEY_GATEWAY_BASE_URL", &gateway_url)];
    variables.extend(base_urls.iter().map(|(name, url)| (*name, url.as_os_str())));
    in_child(name, "send", &variables);
    assert_eq!(
        paths(&server),
        [
            "/v1/admin/workspaces/one",
            "/model-configs/pricing/one/two",
            "/v0.1/servers",
            "/prices/pricing/one.json"
        ]
    );
    assert_eq!(paths(&gateway), ["/v1/logs/one"]);
    assert_eq!(gateway.request().header("x-portkey-api-key"), [KEY]);
}

fn paths(server: &Server) -> Vec<String> {
    let requests = server.requests().into_iter();
    requests.map(|request| request.target).collect()
}

/// Plain `http://` is allowed for loopback because it cannot be intercepted; a proxy could do so.
#[test]
fn proxy_of_the_environment_is_not_used_for_loopback() {
    if run_as_child().is_some() {
        return;
    }
    let (server, base_urls) = server_and_base_urls();
    let proxy = Server::with_response(ScriptedResponse::empty(502));
    let proxy_url = OsString::from(proxy.url(""));
    let mut variables = vec![("PORTKEY_API_KEY", OsStr::new(KEY))];
    variables.extend(
        ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, &*proxy_url)),
    );
    variables.extend(base_urls.iter().map(|(name, url)| (*name, url.as_os_str())));
    in_child(
        "proxy_of_the_environment_is_not_used_for_loopback",
        "send",
        &variables,
    );
    assert_eq!(proxy.connections(), 0, "{:?}", proxy.requests());
    assert_eq!(server.requests().len(), 5);
}

/// A request that bypasses a proxy would expose the key to the network.
#[test]
fn unusable_proxy_of_the_environment_is_refused() {
    if run_as_child().is_some() {
        return;
    }
    let name = "unusable_proxy_of_the_environment_is_refused";
    let key = ("PORTKEY_API_KEY", OsStr::new(KEY));
    for variable in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        for (value, problem) in [
            ("htpp://canary@127.0.0.1:9", "the scheme htpp"),
            ("ftp://canary:canary@host.example", "the scheme ftp"),
            ("garbage", "neither a scheme nor a port"),
            ("http://canary canary", "not a valid proxy URL"),
        ] {
            let report = in_child(name, "build", &[key, (variable, value.as_ref())]);
            assert!(report.starts_with("refused: "), "{value:?}: {report}");
            assert!(report.contains(variable), "{value:?}: {report}");
            assert!(report.contains(problem), "{value:?}: {report}");
            assert!(!report.contains("canary"), "{value:?}: {report}");
        }
        let report = in_child(name, "build", &[key, (variable, "".as_ref())]);
        assert!(report.starts_with("built: "), "{variable}: {report}");
    }
    // The variable in upper case takes precedence, and neither is used in a CGI program.
    let usable = ("HTTPS_PROXY", OsStr::new("http://127.0.0.1:9"));
    for (first, second) in [
        (usable, ("https_proxy", "garbage")),
        (
            ("https_proxy", "garbage".as_ref()),
            ("REQUEST_METHOD", "GET"),
        ),
    ] {
        let second = (second.0, OsStr::new(second.1));
        let report = in_child(name, "build", &[key, first, second]);
        assert!(report.starts_with("built: "), "{report}");
    }
}

#[tokio::test]
async fn public_plane_requests_have_no_key() {
    let (server, client) = support::server_and_client(ScriptedResponse::json(200, "{}"));
    client.get_model_pricing("one", "two").send().await.unwrap();
    let request = server.request();
    assert_eq!(request.path(), "/model-configs/pricing/one/two");
    assert_eq!(request.header("authorization"), [""; 0]);
    let debug_output = format!("{request:?}");
    assert!(
        !debug_output.contains("x-portkey-api-key"),
        "{debug_output}"
    );
    assert!(!debug_output.contains(KEY), "{debug_output}");
}

#[tokio::test]
async fn trailing_slashes_of_a_base_url_are_ignored() {
    for end in ["", "/", "//"] {
        let server = Server::with_response(ScriptedResponse::empty(404));
        let client = Client::builder()
            .api_key(KEY)
            .base_url(server.url("/v1") + end)
            .gateway_base_url(server.url("/gateway/v1") + end)
            .public_base_url(server.url("/public") + end)
            .build()
            .unwrap();
        client.get_workspace("one").send().await.unwrap_err();
        client.get_log("one").send().await.unwrap_err();
        client
            .get_model_pricing("one", "two")
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            paths(&server),
            [
                "/v1/admin/workspaces/one",
                "/gateway/v1/logs/one",
                "/public/model-configs/pricing/one/two"
            ]
        );
    }
}

/// Sends a request to a base URL that ends in `path`; returns its target and the error message.
async fn send_to_base(path: &str, status: u16) -> (String, String) {
    let server = Server::with_response(ScriptedResponse::empty(status));
    let client = support::builder(&server)
        .base_url(server.url(path))
        .public_base_url(server.url(path))
        .build()
        .unwrap();
    let error = client.get_workspace("one").send().await.unwrap_err();
    (server.request().target, error.to_string())
}

#[tokio::test]
async fn base_url_without_a_version_is_used_unchanged_with_a_hint_in_errors() {
    for (path, target) in [
        ("", "/admin/workspaces/one"),
        ("/api", "/api/admin/workspaces/one"),
        ("/v1/api", "/v1/api/admin/workspaces/one"),
        ("/notv1", "/notv1/admin/workspaces/one"),
    ] {
        for status in [400, 404] {
            let (arrived, error) = send_to_base(path, status).await;
            assert_eq!(arrived, target);
            assert!(
                error.contains("/v1; check that this is intended"),
                "{error}"
            );
        }
        for status in [401, 403, 409, 500] {
            let (_, error) = send_to_base(path, status).await;
            assert!(!error.contains("/v1"), "{status}: {error}");
        }
    }
    for status in [400, 404] {
        let (arrived, error) = send_to_base("/v1", status).await;
        assert_eq!(arrived, "/v1/admin/workspaces/one");
        assert!(!error.contains("/v1"), "{error}");
    }
}

#[tokio::test]
async fn public_base_url_needs_no_version() {
    let server = Server::with_response(ScriptedResponse::empty(404));
    let client = support::client(&server);
    let call = client.get_model_pricing("one", "two");
    let error = call.send().await.unwrap_err();
    assert!(!error.to_string().contains("/v1"), "{error}");
}

/// A setter of a base URL.
type SetBaseUrl = fn(ClientBuilder, &str) -> ClientBuilder;

/// Every base URL setter with its name.
const BASE_URL_SETTERS: [(&str, SetBaseUrl); 5] = [
    ("base_url", |builder, url| builder.base_url(url)),
    ("gateway_base_url", |builder, url| {
        builder.gateway_base_url(url)
    }),
    ("public_base_url", |builder, url| {
        builder.public_base_url(url)
    }),
    ("mcp_base_url", |builder, url| builder.mcp_base_url(url)),
    ("prices_base_url", |builder, url| {
        builder.prices_base_url(url)
    }),
];

fn builder_with_base_url(set: SetBaseUrl, url: &str) -> ClientBuilder {
    set(Client::builder().api_key(KEY), url)
}

#[test]
fn plain_http_is_only_allowed_for_loopback_or_with_the_option() {
    for (name, set) in BASE_URL_SETTERS {
        for url in [
            "http://host.example/v1",
            "http://10.0.0.1/v1",
            "http://0.0.0.0:8080/v1",
            "http://[::2]/v1",
            "http://127.0.0.1.host.example/v1",
            "http://localhost.host.example/v1",
            "HTTP://host.example/v1",
        ] {
            let error = builder_with_base_url(set, url).build().unwrap_err();
            assert!(error.is_configuration());
            let text = error.to_string();
            assert!(text.contains(name) && text.contains("http://"), "{text}");
            assert!(
                builder_with_base_url(set, url)
                    .allow_insecure_http(true)
                    .build()
                    .is_ok(),
                "{url}"
            );
            let not_allowed = builder_with_base_url(set, url)
                .allow_insecure_http(true)
                .allow_insecure_http(false);
            assert!(not_allowed.build().is_err(), "{url}");
        }
        for url in [
            "https://host.example/v1",
            "http://127.0.0.1:8080/v1",
            "http://127.9.9.9/v1",
            "http://[::1]:8080/v1",
            "http://localhost/v1",
            "http://LOCALHOST/v1",
        ] {
            assert!(builder_with_base_url(set, url).build().is_ok(), "{url}");
        }
    }
}

#[test]
fn base_url_with_credentials_is_refused_without_showing_them() {
    for (name, set) in BASE_URL_SETTERS {
        for url in [
            "https://user:canary@host.example/v1",
            "https://canary@host.example/v1",
            "https://:canary@host.example/v1",
            "http://user:canary@127.0.0.1/v1",
        ] {
            for insecure in [false, true] {
                let builder = builder_with_base_url(set, url).allow_insecure_http(insecure);
                let error = builder.build().unwrap_err();
                let text = render_error(&error);
                assert!(error.is_configuration() && text.contains(name), "{text}");
                assert!(!text.contains("canary"), "{text}");
            }
        }
    }
}

#[test]
fn a_client_needs_a_key() {
    let error = Client::builder().build().unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        (error.operation(), error.status(), error.body()),
        (None, None, None)
    );
    assert!(error.to_string().contains("PORTKEY_API_KEY"), "{error}");
    assert!(error.to_string().contains("api_key"), "{error}");
    for key in ["", " \n", "canaryü", "canary canary", "canary\0"] {
        let error = Client::builder().api_key(key).build().unwrap_err();
        let text = render_error(&error);
        assert!(text.contains("api_key"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn key_is_not_in_debug_output_or_errors() {
    // A service that echoes the key, as some do for a wrong key.
    let server = Server::start(|request| {
        let key = request.header("x-portkey-api-key").join("");
        let echo =
            format!(r#"{{"success":false,"data":{{"message":"no {key}","errorCode":"{key}"}}}}"#);
        ScriptedResponse::json(401, echo).with_header("x-echo", key)
    });
    let builder = support::builder(&server);
    let client = builder.clone().build().unwrap();
    let body = providers::CreateVirtualKeyRequest::builder().key(KEY);
    let call = client.create_virtual_key().body(body.clone());
    let get = client.get_workspace(KEY).clone();
    let query = client.list_users().email(KEY);
    let error: Error = client.list_users().send().await.unwrap_err();
    assert!(error.is_unauthorized());
    for printed in [
        format!("{builder:?} {builder:#?}"),
        format!("{client:?} {client:#?}"),
        format!("{body:?} {body:#?}"),
        format!("{call:?} {call:#?}"),
        format!("{get:?} {get:#?}"),
        format!("{query:?} {query:#?}"),
        render_error(&error),
    ] {
        assert!(!printed.contains(KEY), "{printed}");
    }
}
