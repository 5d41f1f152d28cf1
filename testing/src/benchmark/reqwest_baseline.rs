//! The baseline: what one would write with `reqwest` and serde without this crate.

use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use serde::de::DeserializeOwned;

use super::Result;

/// The API key.
pub const KEY: &str = "key";

/// Returns an HTTP client with the same settings as that of this crate.
pub fn client() -> Result<Client> {
    Ok(settings().build()?)
}

/// Like [`client`], for long bodies: it has the same idle timeout as this crate.
pub fn reading_client() -> Result<Client> {
    Ok(settings().read_timeout(Duration::from_secs(60)).build()?)
}

fn settings() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        // The bytes on the wire should be the same.
        .user_agent(concat!("portkey-admin/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
}

/// Sends a `GET` request and decodes the response.
pub async fn get<T: DeserializeOwned>(http: &Client, url: &str) -> Result<T> {
    let response = http
        .get(url)
        .header("x-portkey-api-key", KEY)
        .header("accept", "application/json")
        .timeout(Duration::from_secs(30))
        .send()
        .await?
        .error_for_status()?;
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}
