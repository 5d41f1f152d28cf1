//! What it costs to send a file as a form, and to read one, beside bare `reqwest`.
//!
//! `cargo bench --features gateway --bench transfer` prints the figures that the README quotes. Each
//! contender runs in a process of its own; memory is shown for a sixteenth of the file, too, for it
//! should not depend on the length. The file that is sent is one hole, so that no disk is measured, and
//! what is read goes nowhere; `export` writes to a file.

#[allow(dead_code, reason = "other benchmarks use the rest of it")]
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

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use portkey_admin::{Client, FilePart};
use serde_json::{Value, json};
use support::{
    Result,
    alone::{Figures, Meter, Task, compare, run_if_asked},
    bare,
    server::{Answer, Answers, Server, serve_if_asked},
};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncWriteExt, ReadBuf, sink},
};

const FILE: u64 = 1 << 30;

/// What is read or written at once.
const PIECE: usize = 64 * 1024;

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

const WAYS: [&str; 2] = ["up", "down"];

/// Takes files at `/<bytes>/v1/files`, and gives one of so many bytes for its content.
fn answers() -> Answers {
    let piece: Vec<u8> = (0..=u8::MAX).cycle().take(PIECE).collect();
    Arc::new(move |target, _| {
        let (bytes, path) = target.strip_prefix('/')?.split_once('/')?;
        let bytes: usize = bytes.parse().ok()?;
        match path {
            "v1/files" => {
                let file = json!({"id": "one", "object": "file", "bytes": bytes});
                Some(Answer::json(&file.to_string()))
            }
            "v1/files/one/content" => Some(Answer::repeated(
                "application/octet-stream",
                &piece,
                bytes / PIECE,
            )),
            _ => None,
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn work(task: Task) -> Result<Figures> {
    let [origin, bytes, way, path] = &task.details[..] else {
        return Err("origin, bytes, way and path".into());
    };
    let base = format!("{origin}/{bytes}/v1");
    let (http, client) = (bare::reading_client()?, client(&base)?);
    let path = Path::new(path);
    let meter = Meter::start();
    let moved = match (way.as_str(), task.who) {
        ("up", 0) => send_by_hand(&http, &base, path).await?,
        ("up", _) => send_by_crate(&client, path).await?,
        (_, 0) => read_by_hand(&http, &base).await?,
        _ => read_by_crate(&client).await?,
    };
    let figures = meter.stop();
    match moved == bytes.parse::<u64>()? {
        true => Ok(figures),
        false => Err(format!("{moved} bytes of {bytes}").into()),
    }
}

fn client(base: &str) -> Result<Client> {
    let client = Client::builder().api_key(bare::KEY).base_url(base);
    Ok(client.build()?)
}

async fn send_by_crate(client: &Client, path: &Path) -> Result<u64> {
    let call = client.upload_file().file(FilePart::path(path));
    let stored = call.purpose("batch").send().await?;
    Ok(stored.bytes.unwrap_or_default().try_into()?)
}

async fn read_by_crate(client: &Client) -> Result<u64> {
    let content = client.get_file_content("one").open().await?;
    Ok(content.write_to(&mut sink(), |_| ()).await?)
}

async fn send_by_hand(http: &reqwest::Client, base: &str, path: &Path) -> Result<u64> {
    let form = HandForm::open(path).await?;
    let answer = http
        .post(format!("{base}/files"))
        .header("x-portkey-api-key", bare::KEY)
        .header("accept", "application/json")
        .header("content-type", "multipart/form-data; boundary=between")
        .body(reqwest::Body::wrap(form))
        .send()
        .await?
        .error_for_status()?;
    let stored: Value = serde_json::from_slice(&answer.bytes().await?)?;
    stored["bytes"].as_u64().ok_or_else(|| "no length".into())
}

async fn read_by_hand(http: &reqwest::Client, base: &str) -> Result<u64> {
    let answer = http.get(format!("{base}/files/one/content"));
    let answer = answer.header("x-portkey-api-key", bare::KEY).send().await?;
    let (mut answer, mut read) = (answer.error_for_status()?, 0);
    let mut nowhere = sink();
    while let Some(piece) = answer.chunk().await? {
        nowhere.write_all(&piece).await?;
        read += piece.len() as u64;
    }
    Ok(read)
}

/// A form with one file, as short as it can be written.
struct HandForm {
    head: Bytes,
    file: File,
    buffer: Box<[u8]>,
    tail: Bytes,
    left: u64,
}

impl HandForm {
    async fn open(path: &Path) -> Result<Self> {
        let head = "--between\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
            --between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n";
        let tail = "\r\n--between--\r\n";
        let mut file = File::open(path).await?;
        file.set_max_buf_size(PIECE);
        let length = file.metadata().await?.len();
        Ok(Self {
            head: Bytes::from_static(head.as_bytes()),
            file,
            buffer: vec![0; PIECE].into(),
            tail: Bytes::from_static(tail.as_bytes()),
            left: (head.len() + tail.len()) as u64 + length,
        })
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if !self.head.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut self.head)));
        }
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer))?;
        let piece = Bytes::copy_from_slice(buffer.filled());
        Poll::Ready(Ok(match piece.is_empty() {
            true => std::mem::take(&mut self.tail),
            false => piece,
        }))
    }
}

impl Body for HandForm {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(context))?;
        self.left -= piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A file that is one hole; it is removed in the end.
struct Hole(PathBuf);

impl Hole {
    fn new(bytes: u64) -> Result<Self> {
        let name = format!("portkey-admin-bench-{}", std::process::id());
        let hole = Self(std::env::temp_dir().join(name));
        fs::File::create(&hole.0)?.set_len(bytes)?;
        Ok(hole)
    }
}

impl Drop for Hole {
    fn drop(&mut self) {
        // It is a temporary file; whoever empties the folder will find it.
        let _ = fs::remove_file(&self.0);
    }
}

fn main() -> Result<()> {
    serve_if_asked(answers)?;
    run_if_asked(work)?;
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (bytes, rounds) = if measured { (FILE, 9) } else { (FILE / 64, 1) };
    let server = Server::start()?;
    for way in WAYS {
        for bytes in [bytes / 16, bytes] {
            let hole = Hole::new(bytes)?;
            println!("{} MiB {way}", bytes >> 20);
            let path = hole.0.to_str().ok_or("the folder for temporary files")?;
            let details = [&server.origin, &bytes.to_string(), way, path];
            compare(&NAMES, &details, rounds, |seconds| {
                format!("{:.0} MiB/s", (bytes >> 20) as f64 / seconds)
            })?;
            println!();
        }
    }
    Ok(())
}
