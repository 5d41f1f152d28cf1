//! The cost of writing a log export to a file, compared with a loop over the chunks of plain `reqwest`.
//!
//! `cargo bench --bench export` prints the figures in the README. Each candidate runs in its own process.
//! Memory is also shown for a sixteenth of the export, since it should not depend on the length. The file
//! is in the directory for temporary files (`TMPDIR`) and is deleted afterwards; if that directory is on a
//! disk, the benchmark mostly measures the disk.

use std::{fs, path::Path, sync::Arc};

use portkey_admin::Client;
use portkey_admin_testing::benchmark::{
    Result,
    isolated_process::{Meter, Task, Usage, compare_processes, run_if_requested},
    reqwest_baseline,
    server::{CannedResponse, Handler, Server, serve_if_requested},
};
use serde_json::{Value, json};
use tokio::{fs::File, io::AsyncWriteExt};

const EXPORT: u64 = 1 << 30;

/// The number of bytes that the server writes at once.
const CHUNK: usize = 256 * 1024;

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

/// Responds to `/<bytes>/v1/logs/exports/one/download` with a link, and to the link with that number of
/// bytes.
fn handler() -> Handler {
    let line = b"{\"id\":\"00000000-0000-4000-8000-000000000001\",\"cost\":0.1}\n";
    let chunk: Vec<u8> = line.iter().copied().cycle().take(CHUNK).collect();
    Arc::new(move |target, origin| {
        let (bytes, path) = target.strip_prefix('/')?.split_once('/')?;
        match path {
            "v1/logs/exports/one/download" => {
                let link = json!({"signed_url": format!("{origin}/{bytes}/export")});
                Some(CannedResponse::json(&link.to_string()))
            }
            "export" => {
                let times = bytes.parse::<usize>().ok()? / CHUNK;
                Some(CannedResponse::repeated("application/jsonl", &chunk, times))
            }
            _ => None,
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn run_task(task: Task) -> Result<Usage> {
    let [origin, bytes] = &task.details[..] else {
        return Err("origin and bytes".into());
    };
    let base = format!("{origin}/{bytes}/v1");
    let path = std::env::temp_dir().join(format!("portkey-admin-bench-{}", std::process::id()));
    let usage = match task.candidate {
        0 => with_reqwest(&base, &path).await,
        _ => with_client(&base, &path).await,
    };
    let written = fs::metadata(&path).map(|file| file.len());
    fs::remove_file(&path)?;
    match written? == bytes.parse::<u64>()? {
        true => usage,
        false => Err("the file and the export differ in length".into()),
    }
}

async fn with_reqwest(base: &str, path: &Path) -> Result<Usage> {
    let http = reqwest_baseline::reading_client()?;
    let meter = Meter::start();
    let mut file = File::create(path).await?;
    let link: Value =
        reqwest_baseline::get(&http, &format!("{base}/logs/exports/one/download")).await?;
    let url = link["signed_url"]
        .as_str()
        .ok_or("the response has no link")?;
    let mut response = http.get(url).send().await?.error_for_status()?;
    while let Some(chunk) = response.chunk().await? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(meter.stop())
}

async fn with_client(base: &str, path: &Path) -> Result<Usage> {
    let client = Client::builder()
        .api_key(reqwest_baseline::KEY)
        .base_url(base)
        .build()?;
    let meter = Meter::start();
    let mut file = File::create(path).await?;
    let export = client.download_log_export("one").open().await?;
    export.write_to(&mut file, |_| ()).await?;
    Ok(meter.stop())
}

fn main() -> Result<()> {
    serve_if_requested(handler)?;
    run_if_requested(run_task)?;
    let is_benchmark = std::env::args().any(|argument| argument == "--bench");
    let (bytes, rounds) = if is_benchmark {
        (EXPORT, 12)
    } else {
        (EXPORT / 64, 1)
    };
    let server = Server::start()?;
    for bytes in [bytes / 16, bytes] {
        println!("{} MiB to a file", bytes >> 20);
        let details = [&server.origin, &bytes.to_string()];
        compare_processes(&NAMES, &details.map(String::as_str), rounds, |seconds| {
            format!("{:.0} MiB/s", (bytes >> 20) as f64 / seconds)
        })?;
        println!();
    }
    Ok(())
}
