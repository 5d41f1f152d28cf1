//! What the test files share.

// Every test file is a crate of its own and uses a part of this; a test that panics fails, as it should.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod server;

use std::{future::Future, pin::Pin, time::Duration};

use portkey_admin::{Client, ClientBuilder, Error, Options, RetryPolicy};

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
pub fn builder(server: &Server) -> ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url(server.url("/v1"))
        .public_base_url(server.url(""))
        .options(Options::new().retry(RetryPolicy::none()))
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
