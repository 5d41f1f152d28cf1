//! Prints the records of the audit log that are new since the last run, one JSON object a line.
//!
//! `audit_shipper WATERMARK.JSON` starts with the last 24 hours if the file does not exist. It is
//! written after each record, so a run that is interrupted repeats at most one record.

use std::{error::Error, fs, io::Write, path::Path};

use chrono::{TimeDelta, Utc};
use portkey_admin::{AuditLogWatermark, Client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: audit_shipper WATERMARK.JSON")?;
    let path = Path::new(&path);
    let client = Client::from_env()?;
    let mut records = client
        .list_audit_logs()
        .organisation_id(organisation(&client).await?)
        .since(read(path)?);
    let mut output = std::io::stdout().lock();
    while let Some(record) = records.next().await {
        serde_json::to_writer(&mut output, &record?)?;
        writeln!(output)?;
        output.flush()?;
        write(path, records.watermark())?;
    }
    Ok(())
}

/// Returns the id of the organisation, which every API key contains.
async fn organisation(client: &Client) -> Result<String, Box<dyn Error>> {
    let mut keys = client.list_api_keys().stream().limit(1);
    let key = keys.next().await.ok_or("there is no API key")??;
    Ok(key.organisation_id)
}

fn read(path: &Path) -> Result<AuditLogWatermark, Box<dyn Error>> {
    match path.exists() {
        true => Ok(serde_json::from_slice(&fs::read(path)?)?),
        false => Ok(AuditLogWatermark::new(Utc::now() - TimeDelta::hours(24))),
    }
}

/// Replaces the file at once, so that it is complete after a crash.
fn write(path: &Path, watermark: &AuditLogWatermark) -> Result<(), Box<dyn Error>> {
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(watermark)?)?;
    Ok(fs::rename(new, path)?)
}
