//! Sends a request through the gateway with another HTTP client: `reqwest`, in place of any
//! OpenAI-compatible client that takes a base URL and headers.
//!
//! `other_client QUESTION PROVIDER`; the provider is `@` and its slug.

use std::error::Error;

use portkey_admin::{Client, RequestOptions, gateway::GatewayOptions};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [question, provider] = arguments.as_slice() else {
        return Err("usage: other_client QUESTION PROVIDER".into());
    };
    let gateway = GatewayOptions::new()
        .provider(provider)
        .metadata([("_user", "42")])
        .cache_force_refresh(true);
    let client = Client::from_env()?.with_options(RequestOptions::new().gateway(gateway));
    let connection = client.gateway_connection()?;

    let other = reqwest::Client::builder()
        .default_headers(connection.expose_headers())
        .build()?;
    let request = json!({
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": question}],
    });
    let response = other
        .post(format!("{}/chat/completions", connection.base_url()))
        .header("content-type", "application/json")
        .body(request.to_string())
        .send()
        .await?
        .error_for_status()?;
    let completion: Value = serde_json::from_slice(&response.bytes().await?)?;
    let answer = completion["choices"][0]["message"]["content"].as_str();
    println!("{}", answer.unwrap_or_default());
    Ok(())
}
