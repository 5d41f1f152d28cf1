//! Exports the failed requests of a workspace to a file, with a progress bar.
//!
//! `log_export WORKSPACE HOURS LOGS.JSONL` creates an export. `log_export --resume ID LOGS.JSONL`
//! continues one that was interrupted.

use std::{error::Error, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use portkey_admin::{
    Client, LogExportProgress,
    analytics::AnalyticsFilters,
    logs::{CreateLogExportRequest, LogExportField},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [first, second, path] = arguments.as_slice() else {
        return Err("usage: log_export WORKSPACE HOURS LOGS.JSONL".into());
    };
    let client = Client::from_env()?;
    let export = match first.as_str() {
        "--resume" => client.download_log_export(second).to_file(path),
        workspace => {
            let range = Duration::from_secs(second.parse::<u64>()? * 3600);
            let filters = AnalyticsFilters::last(range).status_code([400, 429, 500, 502, 503]);
            let body = CreateLogExportRequest::builder()
                .workspace_id(workspace)
                .filters(filters)
                .requested_data([
                    LogExportField::Id,
                    LogExportField::CreatedAt,
                    LogExportField::ResponseStatusCode,
                ]);
            client.create_log_export().body(body).to_file(path)
        }
    };
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}")?;
    let shown = bar.clone();
    let export = export
        .timeout(Duration::from_secs(3600))
        .progress(move |step| match step {
            LogExportProgress::Created { id, total } => {
                shown.set_message(format!("export {id}: {} logs", total.unwrap_or_default()));
            }
            LogExportProgress::Downloading(progress) => {
                if let Some(total) = progress
                    .total
                    .filter(|total| Some(*total) != shown.length())
                {
                    shown.set_style(style.clone());
                    shown.set_length(total);
                }
                shown.set_position(progress.received);
            }
            _ => shown.set_message("waiting"),
        });
    let export = export.send().await?;
    bar.finish_and_clear();
    println!("export {}: {} bytes in {path}", export.id, export.bytes);
    Ok(())
}
