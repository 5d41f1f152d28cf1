//! What the test files share.

// Every test file is a crate of its own and uses a part of this; a test that panics fails, as it should.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod server;
pub mod spans;

use std::{future::Future, pin::Pin, time::Duration};

use portkey_admin::{Client, ClientBuilder, Error, RequestOptions, RetryPolicy};

use server::{Answer, Server};

/// The key of every client here; nothing that a person reads may hold it.
pub const KEY: &str = "canary-of-the-key";

/// The result of a call whose value does not matter.
pub type Sending = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Drops the value of a call, so that different calls fit into one table.
///
/// A call has 20 seconds: one that hangs fails instead of stopping the tests.
pub fn sending<T: 'static>(
    call: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Sending {
    Box::pin(async {
        tokio::time::timeout(Duration::from_secs(20), call)
            .await
            .expect("the call ends in time")
            .map(drop)
    })
}

/// A configuration whose three bases are `server`, and which tries a call once.
///
/// Nothing here is encrypted, so the certificates of the system, which take long to read, stay unread.
pub fn builder(server: &Server) -> ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url(server.url("/v1"))
        .public_base_url(server.url(""))
        .options(RequestOptions::new().retry(RetryPolicy::none()))
        .configure_http(without_certificates)
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn without_certificates(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn without_certificates(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http
}

/// Options for up to so many attempts, without a pause where nobody asks for one.
pub fn attempts(attempts: u32) -> RequestOptions {
    let policy = RetryPolicy::default().max_attempts(attempts);
    RequestOptions::new().retry(policy.backoff(Duration::ZERO, Duration::ZERO))
}

/// A client of `server`.
pub fn client(server: &Server) -> Client {
    builder(server).build().unwrap()
}

/// A server that gives one answer to everything, and a client of it.
pub fn answered(answer: Answer) -> (Server, Client) {
    let server = Server::answering(answer);
    let client = client(&server);
    (server, client)
}

/// Waits for what another thread or the other side of a connection is about to do.
pub async fn until(what: impl Fn() -> bool) {
    let seen = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), seen).await;
    seen.expect("it happens in time");
}

/// Everything that an error shows: itself and its causes, as text and as `Debug`.
pub fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?}");
        cause = error.source();
    }
    shown
}
