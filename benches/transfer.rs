//! The cost of uploading a file as a form, and of downloading one, compared with plain `reqwest`.
//!
//! `cargo bench --features gateway --bench transfer` prints the figures in the README. Each candidate runs
//! in its own process. Memory is also shown for a sixteenth of the file, since it should not depend on the
//! length. The uploaded file is sparse, so that the disk is not measured, and downloads are discarded;
//! `export` writes to a file.

#[allow(dead_code, reason = "other benchmarks use the rest of it")]
use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use portkey_admin::{Client, gateway::FilePart};
use portkey_admin_testing::benchmark::{
    Result,
    isolated_process::{Meter, Task, Usage, compare_processes, run_if_requested},
    reqwest_baseline,
    server::{CannedResponse, Handler, Server, serve_if_requested},
};
use serde_json::{Value, json};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncWriteExt, ReadBuf, sink},
};

const FILE: u64 = 1 << 30;

/// The number of bytes that are read or written at once.
const CHUNK: usize = 64 * 1024;

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

const DIRECTIONS: [&str; 2] = ["upload", "download"];

/// Accepts uploads at `/<bytes>/v1/files`, and responds to the content of a file with that number of
/// bytes.
fn handler() -> Handler {
    let chunk: Vec<u8> = (0..=u8::MAX).cycle().take(CHUNK).collect();
    Arc::new(move |target, _| {
        let (bytes, path) = target.strip_prefix('/')?.split_once('/')?;
        let bytes: usize = bytes.parse().ok()?;
        match path {
            "v1/files" => {
                let file = json!({"id": "one", "object": "file", "bytes": bytes});
                Some(CannedResponse::json(&file.to_string()))
            }
            "v1/files/one/content" => Some(CannedResponse::repeated(
                "application/octet-stream",
                &chunk,
                bytes / CHUNK,
            )),
            _ => None,
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn run_task(task: Task) -> Result<Usage> {
    let [origin, bytes, direction, path] = &task.details[..] else {
        return Err("expected origin, bytes, direction and path".into());
    };
    let base = format!("{origin}/{bytes}/v1");
    let (http, client) = (reqwest_baseline::reading_client()?, client(&base)?);
    let path = Path::new(path);
    let meter = Meter::start();
    let transferred = match (direction.as_str(), task.candidate) {
        ("upload", 0) => upload_with_reqwest(&http, &base, path).await?,
        ("upload", _) => upload_with_client(&client, path).await?,
        (_, 0) => download_with_reqwest(&http, &base).await?,
        _ => download_with_client(&client).await?,
    };
    let usage = meter.stop();
    match transferred == bytes.parse::<u64>()? {
        true => Ok(usage),
        false => Err(format!("{transferred} bytes of {bytes}").into()),
    }
}

fn client(base: &str) -> Result<Client> {
    let client = Client::builder()
        .api_key(reqwest_baseline::KEY)
        .base_url(base);
    Ok(client.build()?)
}

async fn upload_with_client(client: &Client, path: &Path) -> Result<u64> {
    let call = client.upload_file().file(FilePart::path(path));
    let stored = call.purpose("batch").send().await?;
    Ok(stored.bytes.unwrap_or_default().try_into()?)
}

async fn download_with_client(client: &Client) -> Result<u64> {
    let content = client.get_file_content("one").open().await?;
    Ok(content.write_to(&mut sink(), |_| ()).await?)
}

async fn upload_with_reqwest(http: &reqwest::Client, base: &str, path: &Path) -> Result<u64> {
    let form = BaselineForm::open(path).await?;
    let response = http
        .post(format!("{base}/files"))
        .header("x-portkey-api-key", reqwest_baseline::KEY)
        .header("accept", "application/json")
        .header("content-type", "multipart/form-data; boundary=between")
        .body(reqwest::Body::wrap(form))
        .send()
        .await?
        .error_for_status()?;
    let stored: Value = serde_json::from_slice(&response.bytes().await?)?;
    stored["bytes"]
        .as_u64()
        .ok_or_else(|| "the response has no length".into())
}

async fn download_with_reqwest(http: &reqwest::Client, base: &str) -> Result<u64> {
    let response = http.get(format!("{base}/files/one/content"));
    let response = response
        .header("x-portkey-api-key", reqwest_baseline::KEY)
        .send()
        .await?;
    let (mut response, mut read) = (response.error_for_status()?, 0);
    let mut discard = sink();
    while let Some(chunk) = response.chunk().await? {
        discard.write_all(&chunk).await?;
        read += chunk.len() as u64;
    }
    Ok(read)
}

/// A minimal multipart body with one file.
struct BaselineForm {
    head: Bytes,
    file: File,
    buffer: Box<[u8]>,
    tail: Bytes,
    left: u64,
}

impl BaselineForm {
    async fn open(path: &Path) -> Result<Self> {
        let head = "--between\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
            --between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n";
        let tail = "\r\n--between--\r\n";
        let mut file = File::open(path).await?;
        file.set_max_buf_size(CHUNK);
        let length = file.metadata().await?.len();
        Ok(Self {
            head: Bytes::from_static(head.as_bytes()),
            file,
            buffer: vec![0; CHUNK].into(),
            tail: Bytes::from_static(tail.as_bytes()),
            left: (head.len() + tail.len()) as u64 + length,
        })
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if !self.head.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut self.head)));
        }
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer))?;
        let chunk = Bytes::copy_from_slice(buffer.filled());
        Poll::Ready(Ok(match chunk.is_empty() {
            true => std::mem::take(&mut self.tail),
            false => chunk,
        }))
    }
}

impl Body for BaselineForm {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.poll_chunk(context))?;
        self.left -= chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A sparse file, deleted when dropped.
struct SparseFile(PathBuf);

impl SparseFile {
    fn new(bytes: u64) -> Result<Self> {
        let name = format!("portkey-admin-bench-{}", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        fs::File::create(&file.0)?.set_len(bytes)?;
        Ok(file)
    }
}

impl Drop for SparseFile {
    fn drop(&mut self) {
        // A failure leaves a temporary file behind, which does not matter.
        let _ = fs::remove_file(&self.0);
    }
}

fn main() -> Result<()> {
    serve_if_requested(handler)?;
    run_if_requested(run_task)?;
    let is_benchmark = std::env::args().any(|argument| argument == "--bench");
    let (bytes, rounds) = if is_benchmark {
        (FILE, 9)
    } else {
        (FILE / 64, 1)
    };
    let server = Server::start()?;
    for direction in DIRECTIONS {
        for bytes in [bytes / 16, bytes] {
            let file = SparseFile::new(bytes)?;
            println!("{} MiB {direction}", bytes >> 20);
            let path = file
                .0
                .to_str()
                .ok_or("the path of the temporary directory is not UTF-8")?;
            let details = [&server.origin, &bytes.to_string(), direction, path];
            compare_processes(&NAMES, &details, rounds, |seconds| {
                format!("{:.0} MiB/s", (bytes >> 20) as f64 / seconds)
            })?;
            println!();
        }
    }
    Ok(())
}
