//! Connections that cannot be established, or are closed while they are idle.

use std::time::Duration;

use portkey_admin::{Client, RequestOptions};

use crate::{
    LONG_TIMEOUT, SHORT_TIMEOUT, assert_common_properties, client, create, list, predicates, read,
    support::{
        KEY, attempts, builder,
        server::{ClosedPort, ScriptedResponse, Server, UnresponsivePort},
    },
};

#[tokio::test]
async fn refused_connection_is_retried_for_reads_and_creates() {
    let closed = ClosedPort::new();
    let client = Client::builder().api_key(KEY).base_url(closed.url("/v1"));
    let client = client.options(attempts(3)).build().unwrap();
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(predicates(&error), ["connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (3, false),
            "{error}"
        );
        assert_eq!((error.status(), error.body()), (None, None));
        let line = error.to_string();
        assert!(
            line.contains("no response: ") && line.contains(", after 3 attempts"),
            "{line}"
        );
        assert_common_properties("refused connection", &error);
    }
}

/// How a full accept queue is handled depends on the system; Linux does not reply.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn slow_connection_is_reported_as_timeout_and_connect_error() {
    let deaf = UnresponsivePort::new();
    let client = Client::builder().api_key(KEY).base_url(deaf.url("/v1"));
    let client = client.connect_timeout(Duration::from_millis(100));
    let client = client.options(attempts(2)).build().unwrap();
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(predicates(&error), ["timeout", "connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (2, false),
            "{error}"
        );
        assert_common_properties("slow connection", &error);
    }
}

/// A timeout before the connection is established, for which the request cannot have been sent.
async fn assert_not_sent(client: &Client) {
    let timeout = RequestOptions::new().timeout(Duration::from_millis(300));
    let client = client.with_options(attempts(2)).with_options(timeout);
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(predicates(&error), ["timeout", "connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (2, false),
            "{error}"
        );
        let line = error.to_string();
        assert!(
            line.contains("timed out: no connection within 300ms"),
            "{line}"
        );
        assert_common_properties("no connection", &error);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn attempt_that_times_out_while_connecting_was_not_sent() {
    let deaf = UnresponsivePort::new();
    let client = Client::builder().api_key(KEY).base_url(deaf.url("/v1"));
    assert_not_sent(&client.build().unwrap()).await;
}

#[cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]
#[tokio::test]
async fn attempt_that_times_out_during_the_tls_handshake_was_not_sent() {
    // The system accepts the connection, but no process reads from it.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
    let server = Server::with_response(list());
    let client = builder(&server).base_url(base_url).build().unwrap();
    assert_not_sent(&client).await;
}

#[cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]
#[tokio::test]
async fn attempt_that_times_out_while_a_proxy_connects_was_not_sent() {
    let proxy = Server::with_response(ScriptedResponse::empty(200).sending_nothing().then_stall());
    let client = builder(&proxy)
        .base_url("https://host.example/v1")
        .proxy(proxy.url(""))
        .build()
        .unwrap();
    assert_not_sent(&client).await;
    assert!(
        proxy
            .requests()
            .iter()
            .all(|request| request.method == "CONNECT")
    );
}

#[tokio::test]
async fn attempt_that_times_out_on_a_reused_connection_may_have_been_sent() {
    let server = Server::with_responses([
        list().keep_alive(),
        ScriptedResponse::empty(200).sending_nothing().then_stall(),
    ]);
    let client = client(&server, SHORT_TIMEOUT);
    read(&client).await.unwrap();
    let error = create(&client).await.unwrap_err();
    assert_eq!(predicates(&error), ["timeout"], "{error}");
    assert!(error.may_have_executed(), "{error}");
    assert_eq!(server.connections(), 1);
}

/// The pool may contain a connection that the server has closed in the meantime.
#[tokio::test]
async fn create_on_a_stale_pooled_connection_is_sent_once() {
    for end in [
        ScriptedResponse::sending_nothing,
        |response: ScriptedResponse| response.sending_nothing().then_reset(),
    ] {
        let server =
            Server::with_responses([list().keep_alive(), end(ScriptedResponse::empty(200))]);
        let client = client(&server, LONG_TIMEOUT);
        read(&client).await.unwrap();
        let error = create(&client).await.unwrap_err();
        assert!(error.may_have_executed(), "{error}");
        assert_eq!(error.attempts(), 1, "{error}");
        let methods: Vec<_> = server
            .requests()
            .into_iter()
            .map(|request| request.method)
            .collect();
        assert_eq!(methods, ["GET", "POST"]);
        assert_eq!(
            server.connections(),
            1,
            "the second request must reuse the connection of the first"
        );
    }
}
