//! What can be set for all calls, for some of them, and for the HTTP client below.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::time::Duration;

use http::Method;
use portkey_admin::{Client, RequestOptions, RetryPolicy, types};
use serde_json::json;
use support::{
    KEY, Sending, answered, attempts, builder, sending,
    server::{Answer, Closed, Server},
    shown,
};

fn done() -> Answer {
    Answer::json(200, "{}")
}

fn read(client: &Client) -> Sending {
    sending(client.list_users().send())
}

// ---- One client from another

#[tokio::test]
async fn other_options_never_change_the_original() {
    let (server, client) = answered(done());
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

/// A builder took its client along; what happens to others later is nothing to it.
#[tokio::test]
async fn a_builder_keeps_the_options_that_it_was_made_with() {
    let (server, client) = answered(done());
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
async fn what_is_not_said_stays_as_it_was() {
    let server = Server::answering(done());
    let base = RequestOptions::new()
        .header("x-a", "1")
        .header("x-b", "1")
        .workspace_id("one");
    let client = builder(&server).options(base).build().unwrap();
    let other = client.with_options(RequestOptions::new().header("x-b", "2").header("x-c", "2"));
    other.list_configs().send().await.unwrap();
    let request = server.request();
    assert_eq!(request.target, "/v1/configs?workspace_id=one");
    let sent = ["x-a", "x-b", "x-c"].map(|name| request.header(name).join(","));
    assert_eq!(sent, ["1", "2", "2"]);
}

#[tokio::test]
async fn options_given_twice_to_a_builder_add_up() {
    let server = Server::answering(done());
    let client = builder(&server)
        .options(RequestOptions::new().header("x-a", "1").workspace_id("one"))
        .options(RequestOptions::new().header("x-b", "2"))
        .build()
        .unwrap();
    client.list_configs().send().await.unwrap();
    let request = server.request();
    assert_eq!(request.target, "/v1/configs?workspace_id=one");
    assert_eq!(
        (request.header("x-a"), request.header("x-b")),
        (vec!["1"], vec!["2"])
    );
}

#[tokio::test]
async fn other_options_share_the_connections() {
    let server = Server::answering(done().keeping_alive());
    let client = support::client(&server);
    for number in 0..5 {
        let header = RequestOptions::new().header("x-tenant", number.to_string());
        read(&client.with_options(header)).await.unwrap();
    }
    read(&client.clone()).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (1, 6));
}

#[tokio::test]
async fn retries_and_timeouts_can_be_said_for_one_call() {
    let stalled = Answer::empty(200).hanging_up().then_stall();
    let server = Server::playing([Answer::empty(500), done(), Answer::empty(500), stalled]);
    let client = builder(&server).options(attempts(2)).build().unwrap();
    read(&client).await.unwrap();
    let once = client.with_options(RequestOptions::new().retry(RetryPolicy::none()));
    assert_eq!(read(&once).await.unwrap_err().attempts(), 1);
    let hasty = once.with_options(RequestOptions::new().timeout(Duration::from_millis(100)));
    assert!(read(&hasty).await.unwrap_err().is_timeout());
}

// ---- Headers

/// Those that the client sets itself, or that belong to the connection.
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
    let (server, client) = answered(done());
    for name in RESERVED {
        let options = || RequestOptions::new().header(name, "canary");
        let error = builder(&server).options(options()).build().unwrap_err();
        assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
        assert!(!shown(&error).contains("canary"));

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
            assert!(error.operation().is_some() && !shown(&error).contains("canary"));
        }
    }
    assert_eq!(server.connections(), 0);
}

/// A wrong header does not go away by setting a right one.
#[tokio::test]
async fn a_wrong_header_stays_wrong() {
    let (server, client) = answered(done());
    let wrong = client.with_options(RequestOptions::new().header("host", "one"));
    let patched = wrong.with_options(RequestOptions::new().header("x-a", "1"));
    assert!(read(&patched).await.unwrap_err().is_invalid_request());
    assert_eq!(server.connections(), 0);
    read(&client).await.unwrap();
}

#[tokio::test]
async fn headers_go_to_the_service_and_not_to_the_public() {
    let (server, client) = answered(done());
    let client = client.with_options(RequestOptions::new().header("x-tenant", "one"));
    read(&client).await.unwrap();
    sending(client.get_log("one").send()).await.unwrap();
    sending(client.get_model_pricing("one", "two").send())
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
async fn the_default_workspace_goes_where_the_ledger_says() {
    let (server, client) = answered(done());
    let client = client.with_options(RequestOptions::new().workspace_id("one/ü"));
    let target = async |call: Sending| {
        call.await.unwrap();
        server.requests().pop().unwrap().target
    };
    let list = sending(client.list_configs().send());
    assert_eq!(target(list).await, "/v1/configs?workspace_id=one%2F%C3%BC");
    let get = sending(client.get_provider("two").send());
    assert_eq!(
        target(get).await,
        "/v1/providers/two?workspace_id=one%2F%C3%BC"
    );
    // No operation takes it unasked, whatever its parameters are called.
    let get = sending(client.delete_user("two").send());
    assert_eq!(target(get).await, "/v1/admin/users/two");
    let list = sending(client.list_api_keys().send());
    assert_eq!(target(list).await, "/v1/api-keys");
}

#[tokio::test]
async fn a_call_may_name_another_workspace_or_none() {
    let (server, client) = answered(done());
    let client = client.with_options(RequestOptions::new().workspace_id("one"));
    let call = client.list_configs().workspace_id("two");
    call.send().await.unwrap();
    let none = client.with_options(RequestOptions::new().no_workspace_id());
    none.list_configs().send().await.unwrap();
    none.list_configs()
        .workspace_id("three")
        .send()
        .await
        .unwrap();
    client.list_configs().workspace_id("").send().await.unwrap();
    let targets: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(
        targets,
        [
            "/v1/configs?workspace_id=two",
            "/v1/configs",
            "/v1/configs?workspace_id=three",
            "/v1/configs?workspace_id=",
        ]
    );
}

#[tokio::test]
async fn the_default_workspace_is_never_put_into_a_body() {
    let (server, client) = answered(done());
    let client = client.with_options(RequestOptions::new().workspace_id("one"));
    let body = types::UpdateProviderRequest::builder().name("two");
    sending(client.update_provider("two").body(body).send())
        .await
        .unwrap();
    let body = types::CreateVirtualKeyRequest::builder();
    let body = body.name("two").provider("openai").key("three");
    sending(client.create_virtual_key().body(body).send())
        .await
        .unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target, "/v1/providers/two?workspace_id=one");
    assert_eq!(requests[0].json(), json!({"name": "two"}));
    assert_eq!(requests[1].target, "/v1/virtual-keys");
    assert!(requests[1].json().get("workspace_id").is_none());
}

// ---- Proxies

/// A proxy with credentials that must not show.
fn proxied(proxy: &str) -> String {
    proxy.replace("http://", "http://canary-user:canary-password@")
}

#[tokio::test]
async fn a_proxy_that_is_set_sees_everything_loopback_included() {
    let (server, proxy) = (Server::answering(done()), Server::answering(done()));
    let client = builder(&server)
        .proxy(proxied(&proxy.url("")))
        .build()
        .unwrap();
    read(&client).await.unwrap();
    sending(client.get_model_pricing("one", "two").send())
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
async fn a_proxy_learns_no_key_of_what_is_encrypted() {
    let proxy = Server::answering(Answer::empty(407));
    let client = Client::builder()
        .api_key(KEY)
        .base_url("https://host.example/v1")
        .proxy(proxied(&proxy.url("")))
        .options(attempts(2))
        .build()
        .unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed(), "{error}");
    assert_eq!(error.attempts(), 2);
    assert!(!shown(&error).contains("canary"), "{}", shown(&error));
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
async fn the_credentials_of_a_proxy_show_in_no_error() {
    let (server, closed) = (Server::answering(done()), Closed::new());
    let refusing = Server::answering(Answer::empty(407).with_header("proxy-authenticate", "Basic"));
    let hanging_up = Server::answering(Answer::empty(200).hanging_up());
    for proxy in [closed.url(""), refusing.url(""), hanging_up.url("")] {
        let builder = builder(&server).proxy(proxied(&proxy));
        let client = builder.clone().build().unwrap();
        let error = read(&client).await.unwrap_err();
        for printed in [shown(&error), format!("{builder:?} {client:?}")] {
            assert!(!printed.contains("canary"), "{printed}");
        }
    }
    for proxy in [
        "",
        "canary",
        "http://",
        "http://canary:canary@",
        "http://canary:99999",
        "canary://canary",
    ] {
        let built = builder(&server).proxy(proxy).build();
        if let Err(error) = built {
            assert!(error.is_configuration(), "{error}");
            assert!(
                !shown(&error).contains("canary"),
                "{proxy}: {}",
                shown(&error)
            );
            assert!(error.to_string().contains("proxy"), "{error}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_is_no_proxy_is_a_configuration_error() {
    for proxy in ["http://canary:99999", "http://", "http://ca nary"] {
        let builder = Client::builder().api_key(KEY).proxy(proxy);
        let error = builder.build().unwrap_err();
        assert!(error.is_configuration(), "{proxy}: {error}");
    }
}

// ---- The HTTP client below

#[tokio::test]
async fn the_hook_cannot_bring_back_redirects() {
    let other = Server::answering(done());
    let server = Server::answering(Answer::empty(302).with_header("location", other.url("/")));
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

/// What repeats requests below us knows nothing of what may be repeated.
#[tokio::test]
async fn the_hook_cannot_bring_retries_of_its_own() {
    let server = Server::answering(Answer::empty(503));
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
    let body = portkey_admin::types::CreateWorkspaceRequest::builder().name("one");
    let error = client
        .create_workspace()
        .body(body)
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn the_hook_cannot_shorten_an_attempt() {
    let server = Server::answering(done().trickling(Duration::from_millis(100)));
    let client = builder(&server)
        .configure_http(|http| http.timeout(Duration::from_millis(1)))
        .build()
        .unwrap();
    read(&client).await.unwrap();
}

#[tokio::test]
async fn the_hook_cannot_change_who_asks() {
    let server = Server::answering(done());
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
async fn the_user_agent_can_be_set() {
    let server = Server::answering(done());
    let client = builder(&server).user_agent("tool/1.0").build().unwrap();
    read(&client).await.unwrap();
    assert_eq!(server.request().header("user-agent"), ["tool/1.0"]);
    let error = builder(&server).user_agent("a\nb").build().unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("user_agent"),
        "{error}"
    );
}
