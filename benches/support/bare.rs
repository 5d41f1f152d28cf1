//! What a careful person writes without this crate: `reqwest`, one function, serde.

use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use serde::de::DeserializeOwned;

use super::Result;

/// The key that is sent.
pub const KEY: &str = "key";

/// An HTTP client with the settings that ours has.
#[allow(dead_code, reason = "a benchmark uses one of the two")]
pub fn client() -> Result<Client> {
    Ok(settings().build()?)
}

/// The same for bodies that take as long as they take: it gives up after the silence that ours does.
#[allow(dead_code, reason = "a benchmark uses one of the two")]
pub fn reading_client() -> Result<Client> {
    Ok(settings().read_timeout(Duration::from_secs(60)).build()?)
}

fn settings() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        // What goes over the wire should be the same.
        .user_agent(concat!("portkey-admin/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
}

/// One `GET`, its answer decoded.
pub async fn get<T: DeserializeOwned>(http: &Client, url: &str) -> Result<T> {
    let answer = http
        .get(url)
        .header("x-portkey-api-key", KEY)
        .header("accept", "application/json")
        .timeout(Duration::from_secs(30))
        .send()
        .await?
        .error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}
