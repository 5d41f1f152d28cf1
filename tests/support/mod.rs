//! Helpers shared by the test files.

// Each test file is a crate of its own and uses a part of this module. A panic fails the test.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod spans;

use std::{future::Future, path::Path, pin::Pin, sync::LazyLock, time::Duration};

use chrono::{DateTime, Utc};
use portkey_admin::{Client, ClientBuilder, Error, RequestOptions, RetryPolicy};
use portkey_admin_codegen::{Patched, Sources, patch};
use serde_json::{Map, Value, json};

use server::{ScriptedResponse, Server};

pub use portkey_admin_testing::server;

/// The API key of every client in the tests. It must not occur in any output meant for people.
pub const KEY: &str = "canary-of-the-key";

/// A response body that most operations can decode.
pub const CREATED: &str = r#"{
    "id": "one", "slug": "one", "key": "canary", "name": "one", "version_id": "one", "object": "one",
    "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z"
}"#;

/// A boxed call whose value is dropped.
pub type BoxedCall = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Boxes a call and drops its value, so that different calls fit into one table.
///
/// The call has a timeout of 20 seconds, so that a call that hangs fails instead of blocking the tests.
pub fn boxed_call<T: 'static>(
    call: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> BoxedCall {
    Box::pin(async { with_timeout(call).await.map(drop) })
}

/// Returns a builder whose three base URLs point to `server`, without retries.
///
/// No test uses TLS, so the system's certificates, which take long to load, are not loaded.
pub fn builder(server: &Server) -> ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url(server.url("/v1"))
        .public_base_url(server.url(""))
        .options(RequestOptions::new().retry(RetryPolicy::none()))
        .configure_http(without_certificates)
}

#[cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]
fn without_certificates(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls")))]
fn without_certificates(http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    http
}

/// Returns options for up to `attempts` attempts, without backoff between them.
pub fn attempts(attempts: u32) -> RequestOptions {
    let policy = RetryPolicy::default().max_attempts(attempts);
    RequestOptions::new().retry(policy.backoff(Duration::ZERO, Duration::ZERO))
}

/// Returns a client of `server`.
pub fn client(server: &Server) -> Client {
    builder(server).build().unwrap()
}

/// Starts a server that sends the same response to each request, and returns it with a client of it.
pub fn server_and_client(response: ScriptedResponse) -> (Server, Client) {
    let server = Server::with_response(response);
    let client = client(&server);
    (server, client)
}

/// Waits until `condition` holds; panics after 20 seconds.
pub async fn wait_until(condition: impl Fn() -> bool) {
    with_timeout(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Renders an error and its causes, with both `Display` and `Debug`.
pub fn render_error(error: &Error) -> String {
    let mut rendered = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        rendered += &format!(" {error} {error:?}");
        cause = error.source();
    }
    rendered
}

/// JSON values that are valid although serde_json rejects them: a lone surrogate, numbers beyond its
/// range, and more than 128 nested levels.
pub fn values_that_serde_json_rejects() -> [String; 4] {
    [
        r#""half \ud83d""#.to_owned(),
        "1e400".to_owned(),
        "123456789012345678901234567890".to_owned(),
        format!("{}1{}", "[".repeat(200), "]".repeat(200)),
    ]
}

/// The patched OpenAPI document and the manifest.
pub static PATCHED: LazyLock<Patched> = LazyLock::new(|| {
    let sources = Sources::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    patch(&sources).unwrap()
});

/// Returns the security settings that an update of a workspace must contain, all of which are on.
pub fn security_settings() -> Map<String, Value> {
    let pointer = "/components/schemas/WorkspaceSecuritySettings/properties";
    let properties = PATCHED.document.pointer(pointer).unwrap();
    let names = properties.as_object().unwrap().keys();
    names.map(|name| (name.clone(), json!(true))).collect()
}

/// Parses a time.
pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

/// Awaits a future; panics after 20 seconds.
pub async fn with_timeout<T>(future: impl Future<Output = T>) -> T {
    let future = tokio::time::timeout(Duration::from_secs(20), future);
    future.await.expect("timed out")
}
