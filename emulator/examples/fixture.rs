//! An example test that runs code against an emulator.
//!
//! Run it with `cargo run -p portkey-admin-emulator --example fixture`; it is also part of the
//! tests. In your own project, replace the function under test and make `main` a `#[tokio::test]`.
//! The client can be `portkey-admin`, the official Python or Node SDK in another process, or plain
//! HTTP as here.

use std::time::{Duration, SystemTime};

use portkey_admin_emulator::{Clock, Emulator, Fault, Key, Organisation, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The code under test: creates a key that expires after a day, and retries while the service is
/// busy.
async fn key_for_a_day(base: &str, key: &str, now: &str, name: &str) -> Outcome<String> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let body = json!({"name": name, "scopes": ["configs.list"], "expires_at": now});
    loop {
        let request = http.post(format!("{base}/api-keys/workspace/service"));
        let response = request
            .header("x-portkey-api-key", key)
            .json(&body)
            .send()
            .await?;
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            let created: Value = response.error_for_status()?.json().await?;
            return Ok(created["key"].as_str().unwrap_or_default().to_owned());
        }
    }
}

async fn status(base: &str, key: &str) -> Outcome<StatusCode> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http.get(format!("{base}/configs"));
    Ok(request
        .header("x-portkey-api-key", key)
        .send()
        .await?
        .status())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    // Given: a fixed time, an organisation with a workspace, a key that may create keys,
    let emulator = Emulator::builder()
        .clock(Clock::fixed(SystemTime::UNIX_EPOCH))
        .organisation(
            Organisation::named("Acme")
                .user("owner@example.com", Role::Owner)
                .workspace("Production")
                .key(
                    Key::workspace("Production", "ci")
                        .scopes(["workspace_service_api_keys.create"]),
                ),
        )
        .start()
        .await?;
    // and a service that is busy for two requests.
    emulator.add_fault(
        Fault::on("create_api_key")
            .times(2)
            .status(429)
            .retry_after("1"),
    )?;

    // When the code runs,
    let ci = emulator.key("ci").ok_or("no key `ci`")?;
    let base = emulator.base_url();
    let secret = key_for_a_day(&base, &ci, "1970-01-02T00:00:00Z", "nightly").await?;

    // then it has sent three requests with the right name,
    let requests = emulator.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.operation.as_deref(), Some("create_api_key"));
        let body: Value = serde_json::from_slice(&request.body)?;
        assert_eq!(body["name"], "nightly");
    }
    // and the key is valid for a day.
    assert_eq!(status(&base, &secret).await?, StatusCode::OK);
    emulator.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(status(&base, &secret).await?, StatusCode::UNAUTHORIZED);

    emulator.shutdown().await;
    println!("the key was created on the third attempt and expired after a day");
    Ok(())
}

#[test]
fn the_example_runs() -> Outcome {
    main()
}
