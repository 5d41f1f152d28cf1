//! How long lists take with a hundred thousand API keys: `cargo bench -p portkey-admin-emulator`.
//!
//! Prints, for two sizes, the time of a first page, a last page and a small workspace. What a page
//! costs should not depend on how many keys there are.

use std::error::Error;
use std::time::{Duration, Instant};

use portkey_admin_emulator::{Emulator, Key, Organisation};

/// Requests of each kind that are timed.
const ROUNDS: u32 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for keys in [1_000, 100_000] {
        runtime.block_on(measure(keys))?;
    }
    Ok(())
}

async fn measure(keys: usize) -> Result<(), Box<dyn Error>> {
    let mut organisation = Organisation::named("Load")
        .workspace("Many")
        .workspace("Few");
    for number in 0..keys {
        organisation = organisation.key(Key::workspace("Many", format!("key {number}")));
    }
    organisation = organisation.key(Key::workspace("Few", "alone"));
    let emulator = Emulator::builder()
        .organisation(organisation)
        .start()
        .await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let last = keys / 20;
    println!("{keys} API keys");
    for (name, path) in [
        (
            "first page of 20",
            "/api-keys?page_size=20&current_page=0".to_owned(),
        ),
        (
            "last page of 20",
            format!("/api-keys?page_size=20&current_page={last}"),
        ),
        ("a workspace with one", "/api-keys?page_size=20".to_owned()),
    ] {
        let key = if name.starts_with('a') {
            emulator.key("alone")
        } else {
            None
        };
        let key = key.unwrap_or_else(|| emulator.api_key().to_owned());
        let took = time(&http, &format!("{}{path}", emulator.base_url()), &key).await?;
        println!("  {name:<22} {took:>10.1?}");
    }
    emulator.shutdown().await;
    Ok(())
}

/// The mean time of a request.
async fn time(http: &reqwest::Client, url: &str, key: &str) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    for _ in 0..ROUNDS {
        let request = http.get(url).header("x-portkey-api-key", key);
        request.send().await?.error_for_status()?.bytes().await?;
    }
    Ok(started.elapsed() / ROUNDS)
}
