//! A program without `async`: prints the API keys that expire within a number of days.
//!
//! `synchronous DAYS`

use std::error::Error;

use chrono::{TimeDelta, Utc};
use portkey_admin::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let days = std::env::args().nth(1).ok_or("usage: synchronous DAYS")?;
    let end = Utc::now() + TimeDelta::days(days.parse()?);
    let client = Client::from_env()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    // A page of the list is requested when its first item is.
    let mut keys = client.list_api_keys().stream();
    let keys = std::iter::from_fn(|| runtime.block_on(keys.next()));
    let mut found = 0;
    for key in keys {
        let key = key?;
        if let Some(expiry) = key.expires_at.filter(|expiry| *expiry < end) {
            println!(
                "{} of {}: {}",
                key.name,
                key.organisation_id,
                expiry.date_naive()
            );
            found += 1;
        }
    }

    // Several calls at once.
    let (configs, workspaces) = runtime.block_on(async {
        tokio::join!(
            client.list_configs().stream().try_collect(),
            client.list_workspaces().stream().try_collect(),
        )
    });
    println!(
        "{found} keys, {} configs, {} workspaces",
        configs?.len(),
        workspaces?.len()
    );
    Ok(())
}
