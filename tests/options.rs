//! Options of a client, of a derived client, and of the underlying HTTP client.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::Duration;

use http::Method;
use portkey_admin::{Client, RequestOptions, RetryPolicy, providers};
use serde_json::json;
use support::{
    BoxedCall, KEY, attempts, boxed_call, builder, render_error,
    server::{ClosedPort, ScriptedResponse, Server},
    server_and_client,
};

fn success() -> ScriptedResponse {
    ScriptedResponse::json(200, "{}")
}

fn read(client: &Client) -> BoxedCall {
    boxed_call(client.list_users().send())
}

// ---- Derived clients

#[tokio::test]
async fn derived_client_does_not_change_the_original() {
    let (server, client) = server_and_client(success());
    let before = format!("{client:?}");
    let other = client.with_options(
        RequestOptions::new()
            .header("x-tenant", "one")
            .workspace_id("one")
            .timeout(Duration::from_secs(1))
            .retry(RetryPolicy::none())
            .idempotent(true),
    );
    assert_eq!(format!("{client:?}"), before);
    assert_ne!(format!("{other:?}"), before);
    client.list_configs().send().await.unwrap();
    let request = server.request();
    assert_eq!(request.target, "/v1/configs");
    assert_eq!(request.header("x-tenant"), [""; 0]);
}

/// A call builder holds a clone of its client, so later changes of other clients do not affect it.
#[tokio::test]
async fn call_builder_keeps_the_options_of_its_client() {
    let (server, client) = server_and_client(success());
    let tenant = client.with_options(RequestOptions::new().header("x-tenant", "one"));
    let (first, second) = (client.list_users(), tenant.list_users());
    drop((client, tenant));
    first.send().await.unwrap();
    second.send().await.unwrap();
    let requests = server.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| request.header("x-tenant").len())
        .collect();
    assert_eq!(sent, [0, 1]);
}

#[tokio::test]
async fn derived_client_keeps_options_that_are_not_overridden() {
    let server = Server::with_response(success());
    let defaults = RequestOptions::new()
        .header("x-a", "1")
        .header("x-b", "1")
        .workspace_id("one");
    let client = builder(&server).options(defaults).build().unwrap();
    let other = client.with_options(RequestOptions::new().header("x-b", "2").header("x-c", "2"));
    other.list_virtual_keys().send().await.unwrap();
    let request = server.request();
    assert_eq!(request.target, "/v1/virtual-keys?workspace_id=one");
    let sent = ["x-a", "x-b", "x-c"].map(|name| request.header(name).join(","));
    assert_eq!(sent, ["1", "2", "2"]);
}

#[tokio::test]
async fn options_set_twice_on_a_builder_are_merged() {
    let server = Server::with_response(success());
    let client = builder(&server)
        .options(RequestOptions::new().header("x-a", "1").workspace_id("one"))
        .options(RequestOptions::new().header("x-b", "2"))
        .build()
        .unwrap();
    client.list_virtual_keys().send().await.unwrap();
    let request = server.request();
    assert_eq!(request.target, "/v1/virtual-keys?workspace_id=one");
    assert_eq!(
        (request.header("x-a"), request.header("x-b")),
        (vec!["1"], vec!["2"])
    );
}

#[tokio::test]
async fn derived_clients_share_connections() {
    let server = Server::with_response(success().keep_alive());
    let client = support::client(&server);
    for number in 0..5 {
        let header = RequestOptions::new().header("x-tenant", number.to_string());
        read(&client.with_options(header)).await.unwrap();
    }
    read(&client.clone()).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (1, 6));
}

#[tokio::test]
async fn retries_and_timeout_can_be_set_for_one_call() {
    let stalled = ScriptedResponse::empty(200).sending_nothing().then_stall();
    let server = Server::with_responses([
        ScriptedResponse::empty(500),
        success(),
        ScriptedResponse::empty(500),
        stalled,
    ]);
    let client = builder(&server).options(attempts(2)).build().unwrap();
    read(&client).await.unwrap();
    let once = client.with_options(RequestOptions::new().retry(RetryPolicy::none()));
    assert_eq!(read(&once).await.unwrap_err().attempts(), 1);
    let with_short_timeout =
        once.with_options(RequestOptions::new().timeout(Duration::from_millis(100)));
    assert!(read(&with_short_timeout).await.unwrap_err().is_timeout());
}

// ---- Headers

/// The headers that the client sets itself, and those that control the connection.
const RESERVED: [&str; 13] = [
    "X-Portkey-API-Key",
    "accept",
    "connection",
    "content-encoding",
    "Content-Length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

#[tokio::test]
async fn reserved_headers_cannot_be_overridden() {
    let (server, client) = server_and_client(success());
    for name in RESERVED {
        let options = || RequestOptions::new().header(name, "canary");
        let error = builder(&server).options(options()).build().unwrap_err();
        assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
        assert!(!render_error(&error).contains("canary"));

        let other = client.with_options(options());
        for error in [
            read(&other).await.unwrap_err(),
            other
                .request(Method::GET, "/")
                .send_raw()
                .await
                .unwrap_err(),
        ] {
            assert!(error.is_invalid_request(), "{error}");
            assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
            assert!(error.operation().is_some() && !render_error(&error).contains("canary"));
        }
    }
    assert_eq!(server.connections(), 0);
}

/// Adding a valid header does not remove the error of an invalid one.
#[tokio::test]
async fn invalid_header_stays_an_error_in_derived_clients() {
    let (server, client) = server_and_client(success());
    let invalid = client.with_options(RequestOptions::new().header("host", "one"));
    let derived = invalid.with_options(RequestOptions::new().header("x-a", "1"));
    assert!(read(&derived).await.unwrap_err().is_invalid_request());
    assert_eq!(server.connections(), 0);
    read(&client).await.unwrap();
}

#[tokio::test]
async fn option_headers_are_not_sent_to_the_public_plane() {
    let (server, client) = server_and_client(success());
    let client = client.with_options(RequestOptions::new().header("x-tenant", "one"));
    read(&client).await.unwrap();
    boxed_call(client.get_log("one").send()).await.unwrap();
    boxed_call(client.get_model_pricing("one", "two").send())
        .await
        .unwrap();
    let requests = server.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| request.header("x-tenant").len())
        .collect();
    assert_eq!(sent, [1, 1, 0]);
}

// ---- The default workspace

#[tokio::test]
async fn default_workspace_is_sent_to_the_operations_marked_in_the_manifest() {
    let (server, client) = server_and_client(success());
    let client = client.with_options(RequestOptions::new().workspace_id("one/ü"));
    let target = async |call: BoxedCall| {
        call.await.unwrap();
        server.requests().pop().unwrap().target
    };
    let list = boxed_call(client.list_virtual_keys().send());
    assert_eq!(
        target(list).await,
        "/v1/virtual-keys?workspace_id=one%2F%C3%BC"
    );
    let get = boxed_call(client.get_provider("two").send());
    assert_eq!(
        target(get).await,
        "/v1/providers/two?workspace_id=one%2F%C3%BC"
    );
    // Operations without `workspace: true` do not get it, even if they have such a parameter.
    let get = boxed_call(client.delete_user("two").send());
    assert_eq!(target(get).await, "/v1/admin/users/two");
    let list = boxed_call(client.list_api_keys().send());
    assert_eq!(target(list).await, "/v1/api-keys");
    let list = boxed_call(client.list_configs().send());
    assert_eq!(target(list).await, "/v1/configs");
}

#[tokio::test]
async fn default_workspace_can_be_overridden_or_removed_for_a_call() {
    let (server, client) = server_and_client(success());
    let client = client.with_options(RequestOptions::new().workspace_id("one"));
    let call = client.list_virtual_keys().workspace_id("two");
    call.send().await.unwrap();
    let none = client.with_options(RequestOptions::new().no_workspace_id());
    none.list_virtual_keys().send().await.unwrap();
    none.list_virtual_keys()
        .workspace_id("three")
        .send()
        .await
        .unwrap();
    client
        .list_virtual_keys()
        .workspace_id("")
        .send()
        .await
        .unwrap();
    let targets: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(
        targets,
        [
            "/v1/virtual-keys?workspace_id=two",
            "/v1/virtual-keys",
            "/v1/virtual-keys?workspace_id=three",
            "/v1/virtual-keys?workspace_id=",
        ]
    );
}

#[tokio::test]
async fn default_workspace_is_never_added_to_a_body() {
    let (server, client) = server_and_client(success());
    let client = client.with_options(RequestOptions::new().workspace_id("one"));
    let body = providers::UpdateProviderRequest::builder().name("two");
    boxed_call(client.update_provider("two").body(body).send())
        .await
        .unwrap();
    let body = providers::CreateVirtualKeyRequest::builder();
    let body = body.name("two").provider("openai").key("three");
    boxed_call(client.create_virtual_key().body(body).send())
        .await
        .unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target, "/v1/providers/two?workspace_id=one");
    assert_eq!(requests[0].json(), json!({"name": "two"}));
    assert_eq!(requests[1].target, "/v1/virtual-keys");
    assert!(requests[1].json().get("workspace_id").is_none());
}

// ---- Proxies

/// Adds credentials to a proxy URL; they must not occur in any output.
fn with_credentials(proxy: &str) -> String {
    proxy.replace("http://", "http://canary-user:canary-password@")
}

#[tokio::test]
async fn configured_proxy_is_used_for_all_requests_including_loopback() {
    let (server, proxy) = (
        Server::with_response(success()),
        Server::with_response(success()),
    );
    let client = builder(&server)
        .proxy(with_credentials(&proxy.url("")))
        .build()
        .unwrap();
    read(&client).await.unwrap();
    boxed_call(client.get_model_pricing("one", "two").send())
        .await
        .unwrap();
    assert_eq!(server.connections(), 0);
    let requests = proxy.requests();
    assert_eq!(requests[0].target, server.url("/v1/admin/users"));
    assert_eq!(requests[0].header("x-portkey-api-key"), [KEY]);
    assert_eq!(requests[0].header("proxy-authorization").len(), 1);
    assert_eq!(requests[1].header("x-portkey-api-key"), [""; 0]);
}

#[tokio::test]
async fn api_key_is_not_sent_to_a_proxy_of_https_requests() {
    let proxy = Server::with_response(ScriptedResponse::empty(407));
    let client = Client::builder()
        .api_key(KEY)
        .base_url("https://host.example/v1")
        .proxy(with_credentials(&proxy.url("")))
        .options(attempts(2))
        .build()
        .unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed(), "{error}");
    assert_eq!(error.attempts(), 2);
    assert!(
        !render_error(&error).contains("canary"),
        "{}",
        render_error(&error)
    );
    for request in proxy.requests() {
        assert_eq!(
            (&*request.method, &*request.target),
            ("CONNECT", "host.example:443")
        );
        assert_eq!(request.header("x-portkey-api-key"), [""; 0]);
    }
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn proxy_credentials_are_not_in_errors_or_debug_output() {
    let (server, closed) = (Server::with_response(success()), ClosedPort::new());
    let refusing = Server::with_response(
        ScriptedResponse::empty(407).with_header("proxy-authenticate", "Basic"),
    );
    let disconnecting = Server::with_response(ScriptedResponse::empty(200).sending_nothing());
    for proxy in [closed.url(""), refusing.url(""), disconnecting.url("")] {
        let builder = builder(&server).proxy(with_credentials(&proxy));
        let client = builder.clone().build().unwrap();
        let error = read(&client).await.unwrap_err();
        for printed in [render_error(&error), format!("{builder:?} {client:?}")] {
            assert!(!printed.contains("canary"), "{printed}");
        }
    }
    for proxy in [
        "",
        "canary",
        "http://",
        "http://canary:canary@",
        "http://canary:99999",
        "ftp://canary:canary@canary",
        "canary:canary@canary",
    ] {
        let error = builder(&server).proxy(proxy).build().unwrap_err();
        assert!(error.is_configuration(), "{error}");
        assert!(
            !render_error(&error).contains("canary"),
            "{proxy}: {}",
            render_error(&error)
        );
        assert!(error.to_string().contains("proxy"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

/// Accepts a connection as a SOCKS5 proxy without authentication, and responds to the request that is
/// sent through it; returns the host and port that were asked for, and the request.
async fn socks5_proxy(listener: tokio::net::TcpListener) -> (String, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), 5);
    let mut methods = vec![0; stream.read_u8().await.unwrap().into()];
    stream.read_exact(&mut methods).await.unwrap();
    stream.write_all(&[5, 0]).await.unwrap();
    // Version, CONNECT, reserved, and a domain name.
    let mut connect = [0; 4];
    stream.read_exact(&mut connect).await.unwrap();
    assert_eq!(connect, [5, 1, 0, 3]);
    let mut host = vec![0; stream.read_u8().await.unwrap().into()];
    stream.read_exact(&mut host).await.unwrap();
    let port = stream.read_u16().await.unwrap();
    let bound = [5, 0, 0, 1, 127, 0, 0, 1, 0, 0];
    stream.write_all(&bound).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"data\":[]}";
    stream.write_all(response).await.unwrap();
    let host = String::from_utf8(host).unwrap();
    (format!("{host}:{port}"), String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn socks_proxy_is_used() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(socks5_proxy(listener));
    let server = Server::with_response(success());
    let client = builder(&server)
        .base_url("http://host.example:81/v1")
        .allow_insecure_http(true)
        .proxy(format!("socks5h://{address}"))
        .build()
        .unwrap();
    read(&client).await.unwrap();
    let (target, head) = proxy.await.unwrap();
    assert_eq!(target, "host.example:81");
    assert!(
        head.starts_with("GET /v1/admin/users HTTP/1.1\r\n"),
        "{head}"
    );
}

#[test]
fn proxy_with_an_unsupported_scheme_is_a_configuration_error() {
    for scheme in ["htpp", "ftp", "socks", "ws"] {
        let proxy = format!("{scheme}://canary:canary@127.0.0.1:9");
        let built = Client::builder().api_key(KEY).proxy(proxy).build();
        let error = built.unwrap_err();
        let text = render_error(&error);
        assert!(
            error.is_configuration() && !text.contains("canary"),
            "{text}"
        );
        assert!(text.contains(&format!("the scheme {scheme}")), "{text}");
    }
}

#[test]
fn invalid_proxy_url_is_a_configuration_error() {
    for proxy in ["http://canary:99999", "http://", "http://ca nary"] {
        let builder = Client::builder().api_key(KEY).proxy(proxy);
        let error = builder.build().unwrap_err();
        assert!(error.is_configuration(), "{proxy}: {error}");
    }
}

// ---- The underlying HTTP client

#[tokio::test]
async fn configure_http_cannot_enable_redirects() {
    let other = Server::with_response(success());
    let server =
        Server::with_response(ScriptedResponse::empty(302).with_header("location", other.url("/")));
    let client = builder(&server)
        .configure_http(|http| {
            http.redirect(reqwest::redirect::Policy::limited(10))
                .referer(true)
        })
        .build()
        .unwrap();
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 302);
    assert_eq!((other.connections(), server.requests().len()), (0, 1));
}

/// Retries in the HTTP client would ignore whether an operation is idempotent.
#[tokio::test]
async fn configure_http_cannot_enable_retries_of_the_http_client() {
    let server = Server::with_response(ScriptedResponse::empty(503));
    let client = builder(&server)
        .configure_http(|http| {
            let always = reqwest::retry::for_host("127.0.0.1")
                .no_budget()
                .max_retries_per_request(3)
                .classify_fn(|outcome| outcome.retryable());
            http.retry(always)
        })
        .build()
        .unwrap();
    let body = portkey_admin::workspaces::CreateWorkspaceRequest::builder().name("one");
    let error = client
        .create_workspace()
        .body(body)
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn configure_http_cannot_set_a_timeout() {
    let server = Server::with_response(success().byte_by_byte(Duration::from_millis(100)));
    let client = builder(&server)
        .configure_http(|http| http.timeout(Duration::from_millis(1)))
        .build()
        .unwrap();
    read(&client).await.unwrap();
}

#[tokio::test]
async fn configure_http_cannot_change_the_key_or_the_user_agent() {
    let server = Server::with_response(success());
    let client = builder(&server)
        .configure_http(|http| {
            let headers = [
                (
                    http::HeaderName::from_static("x-portkey-api-key"),
                    "other".parse().unwrap(),
                ),
                (
                    http::HeaderName::from_static("x-from-hook"),
                    "one".parse().unwrap(),
                ),
            ];
            http.default_headers(headers.into_iter().collect())
                .user_agent("other")
        })
        .user_agent("tool/1.0")
        .build()
        .unwrap();
    read(&client).await.unwrap();
    let request = server.request();
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
    assert_eq!(request.header("user-agent"), ["tool/1.0"]);
    assert_eq!(request.header("x-from-hook"), ["one"]);
}

#[tokio::test]
async fn user_agent_can_be_configured() {
    let server = Server::with_response(success());
    let client = builder(&server).user_agent("tool/1.0").build().unwrap();
    read(&client).await.unwrap();
    assert_eq!(server.request().header("user-agent"), ["tool/1.0"]);
    let error = builder(&server).user_agent("a\nb").build().unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("user_agent"),
        "{error}"
    );
}
