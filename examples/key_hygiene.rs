//! Reports API keys that need attention: not active, without expiry, or older than 90 days.
//!
//! `key_hygiene` reports. `key_hygiene --rotate DIRECTORY` also rotates the keys that are too old and
//! writes the new values to files that only their owner can read. The key of the program is never
//! rotated.

use std::{error::Error, fs::OpenOptions, io::Write, path::Path, time::Duration};

use chrono::{TimeDelta, Utc};
use portkey_admin::{Client, api_keys::ApiKey, types::KeyStatus};

const MAX_AGE: TimeDelta = TimeDelta::days(90);
const TRANSITION: Duration = Duration::from_secs(24 * 3600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rotate");
    let directory = arguments.nth(1);
    let own = client.current_api_key().await?.map(|key| key.id);
    let keys = client.list_api_keys().stream().try_collect().await?;
    for key in keys {
        let problems = problems(&key);
        if problems.is_empty() {
            continue;
        }
        let is_own = own.as_deref() == Some(&key.id);
        let note = if is_own { " [this program]" } else { "" };
        println!("{} ({}){note}: {}", key.name, key.id, problems.join(", "));
        match &directory {
            // If the own key is not known, it may be this one.
            Some(directory) if is_old(&key) && own.is_some() && !is_own => {
                rotate(&client, &key, Path::new(directory)).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_old(key: &ApiKey) -> bool {
    Utc::now() - key.created_at > MAX_AGE
}

fn problems(key: &ApiKey) -> Vec<String> {
    let mut problems = Vec::new();
    if key.status != KeyStatus::Active {
        problems.push(key.status.to_string());
    }
    if key.expires_at.is_none() {
        problems.push("no expiry".to_owned());
    }
    if is_old(key) {
        let age = Utc::now() - key.created_at;
        problems.push(format!("{} days old", age.num_days()));
    }
    problems
}

async fn rotate(client: &Client, key: &ApiKey, directory: &Path) -> Result<(), Box<dyn Error>> {
    let path = directory.join(format!("{}.key", key.id));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // The file is created first: the new value is returned only once.
    let mut file = options.open(&path)?;
    let rotated = client.rotate_api_key(&key.id).transition(TRANSITION);
    let rotated = rotated.send().await?;
    file.write_all(rotated.key.expose().as_bytes())?;
    println!("  rotated: {}", path.display());
    Ok(())
}
