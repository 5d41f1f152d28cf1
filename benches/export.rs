//! What it costs to write a log export to a file, beside a loop over the pieces that bare `reqwest`
//! gives.
//!
//! `cargo bench --bench export` prints the figures that the README quotes. Each contender runs in a
//! process of its own; memory is shown for a sixteenth of the export, too, for it should not depend on
//! the length. The file is in the folder for temporary files (`TMPDIR`) and removed afterwards: where
//! that is a disk, the disk is what is measured.

mod support {
    pub mod alone;
    pub mod bare;
    pub mod cpu;
    pub mod figures;
    pub mod memory;
    pub mod server;

    /// Whatever goes wrong ends the run.
    pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
}

use std::{fs, path::Path, sync::Arc};

use portkey_admin::Client;
use serde_json::{Value, json};
use support::{
    Result,
    alone::{Figures, Meter, Task, compare, run_if_asked},
    bare,
    server::{Answer, Answers, Server, serve_if_asked},
};
use tokio::{fs::File, io::AsyncWriteExt};

const EXPORT: u64 = 1 << 30;

/// What the server writes at once.
const PIECE: usize = 256 * 1024;

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

/// Answers `/<bytes>/v1/logs/exports/one/download` with a link, and the link with so many bytes.
fn answers() -> Answers {
    let line = b"{\"id\":\"00000000-0000-4000-8000-000000000001\",\"cost\":0.1}\n";
    let piece: Vec<u8> = line.iter().copied().cycle().take(PIECE).collect();
    Arc::new(move |target, origin| {
        let (bytes, path) = target.strip_prefix('/')?.split_once('/')?;
        match path {
            "v1/logs/exports/one/download" => {
                let link = json!({"signed_url": format!("{origin}/{bytes}/export")});
                Some(Answer::json(&link.to_string()))
            }
            "export" => {
                let times = bytes.parse::<usize>().ok()? / PIECE;
                Some(Answer::repeated("application/jsonl", &piece, times))
            }
            _ => None,
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn work(task: Task) -> Result<Figures> {
    let [origin, bytes] = &task.details[..] else {
        return Err("origin and bytes".into());
    };
    let base = format!("{origin}/{bytes}/v1");
    let path = std::env::temp_dir().join(format!("portkey-admin-bench-{}", std::process::id()));
    let figures = match task.who {
        0 => by_hand(&base, &path).await,
        _ => by_crate(&base, &path).await,
    };
    let written = fs::metadata(&path).map(|file| file.len());
    fs::remove_file(&path)?;
    match written? == bytes.parse::<u64>()? {
        true => figures,
        false => Err("the file is not as long as the export".into()),
    }
}

async fn by_hand(base: &str, path: &Path) -> Result<Figures> {
    let http = bare::reading_client()?;
    let meter = Meter::start();
    let mut file = File::create(path).await?;
    let link: Value = bare::get(&http, &format!("{base}/logs/exports/one/download")).await?;
    let url = link["signed_url"].as_str().ok_or("there is no link")?;
    let mut answer = http.get(url).send().await?.error_for_status()?;
    while let Some(piece) = answer.chunk().await? {
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(meter.stop())
}

async fn by_crate(base: &str, path: &Path) -> Result<Figures> {
    let client = Client::builder()
        .api_key(bare::KEY)
        .base_url(base)
        .build()?;
    let meter = Meter::start();
    let mut file = File::create(path).await?;
    let export = client.download_log_export("one").open().await?;
    export.write_to(&mut file, |_| ()).await?;
    Ok(meter.stop())
}

fn main() -> Result<()> {
    serve_if_asked(answers)?;
    run_if_asked(work)?;
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (bytes, rounds) = if measured {
        (EXPORT, 12)
    } else {
        (EXPORT / 64, 1)
    };
    let server = Server::start()?;
    for bytes in [bytes / 16, bytes] {
        println!("{} MiB to a file", bytes >> 20);
        let details = [&server.origin, &bytes.to_string()];
        compare(&NAMES, &details.map(String::as_str), rounds, |seconds| {
            format!("{:.0} MiB/s", (bytes >> 20) as f64 / seconds)
        })?;
        println!();
    }
    Ok(())
}
