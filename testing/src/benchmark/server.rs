//! A server on loopback with canned responses. It is a separate process, so that its cost is not measured.
//!
//! [`Server::start`] starts this program again; a `main` that uses it must first call
//! [`serve_if_requested`]. The server reads and discards the body of a request that has a
//! `content-length`, and keeps connections open.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The argument that makes this program the server.
const SERVE_ARGUMENT: &str = "--serve";

/// The maximum length of the head of a request.
const MAX_HEAD: usize = 16 * 1024;

/// The number of bytes of a body that are read at once.
const CHUNK: usize = 256 * 1024;

/// The server process, killed when dropped.
pub struct Server {
    process: Child,
    /// The address: `http://127.0.0.1:…`.
    pub origin: String,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub fn start() -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(SERVE_ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut origin = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut origin)?;
        }
        let origin = origin.trim().to_owned();
        Ok(Self { process, origin })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if the process has already ended, which does not matter.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A response: `head`, then `chunk` repeated `times` times, then `end`.
#[derive(Clone)]
pub struct CannedResponse {
    head: Vec<u8>,
    chunk: Arc<[u8]>,
    times: usize,
    end: Arc<[u8]>,
}

impl CannedResponse {
    /// Creates a response with a JSON body.
    pub fn json(body: &str) -> Self {
        Self::repeated("application/json", body.as_bytes(), 1)
    }

    /// Creates a response whose body is a repeated chunk.
    pub fn repeated(content_type: &str, chunk: &[u8], times: usize) -> Self {
        Self::repeated_with_end(content_type, chunk, times, b"")
    }

    /// Creates a response whose body is a repeated chunk followed by `end`.
    pub fn repeated_with_end(content_type: &str, chunk: &[u8], times: usize, end: &[u8]) -> Self {
        let length = chunk.len() * times + end.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut response = Self {
            head: head.into_bytes(),
            chunk: chunk.into(),
            times,
            end: end.into(),
        };
        // One write is cheaper than two.
        if times == 1 {
            response.head.extend_from_slice(chunk);
            response.head.extend_from_slice(end);
            (response.times, response.end) = (0, [].into());
        }
        response
    }

    fn not_found() -> Self {
        Self {
            head: b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
            chunk: [].into(),
            times: 0,
            end: [].into(),
        }
    }
}

/// Returns the response for a path with its query, or `None` for 404. The second argument is the origin.
pub type Handler = Arc<dyn Fn(&str, &str) -> Option<CannedResponse> + Send + Sync>;

/// Serves until the parent process ends, if this process was started as the server.
pub fn serve_if_requested(handler: impl FnOnce() -> Handler) -> io::Result<()> {
    if std::env::args().nth(1).as_deref() != Some(SERVE_ARGUMENT) {
        return Ok(());
    }
    // The pipe closes when the parent process ends, for whatever reason.
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let handler = handler();
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(listen(handler))
}

async fn listen(handler: Handler) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let origin: Arc<str> = format!("http://{}", listener.local_addr()?).into();
    println!("{origin}");
    loop {
        let (stream, _) = listener.accept().await?;
        // Errors of a connection, such as a disconnected client, are ignored.
        tokio::spawn(handle_connection(stream, handler.clone(), origin.clone()));
    }
}

async fn handle_connection(
    mut stream: TcpStream,
    handler: Handler,
    origin: Arc<str>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(MAX_HEAD);
    while stream.read_buf(&mut received).await? > 0 {
        let Some(end) = end_of_head(&received) else {
            match received.len() < MAX_HEAD {
                true => continue,
                false => return Err(io::Error::other("the head of the request is too long")),
            }
        };
        let (head, body) = received.split_at(end);
        let response = target(head).and_then(|target| handler(target, &origin));
        let response = response.unwrap_or_else(CannedResponse::not_found);
        let left = content_length(head).saturating_sub(body.len());
        received.clear();
        discard(&mut stream, left).await?;
        stream.write_all(&response.head).await?;
        for _ in 0..response.times {
            stream.write_all(&response.chunk).await?;
        }
        stream.write_all(&response.end).await?;
    }
    Ok(())
}

fn end_of_head(received: &[u8]) -> Option<usize> {
    let blank_line = b"\r\n\r\n";
    let at = received
        .windows(blank_line.len())
        .position(|four| four == blank_line);
    at.map(|at| at + blank_line.len())
}

/// Returns the target in the request line.
fn target(head: &[u8]) -> Option<&str> {
    str::from_utf8(head).ok()?.split(' ').nth(1)
}

/// Returns the value of `content-length`, or 0.
fn content_length(head: &[u8]) -> usize {
    let lines = head.split(|byte| *byte == b'\n');
    let mut fields = lines.filter_map(|line| str::from_utf8(line).ok()?.split_once(':'));
    let field = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    field.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0))
}

/// Reads and discards `left` bytes.
async fn discard(stream: &mut TcpStream, mut left: usize) -> io::Result<()> {
    let mut buffer = vec![0; left.min(CHUNK)];
    while left > 0 {
        let most = left.min(CHUNK);
        match stream.read(&mut buffer[..most]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => left -= read,
        }
    }
    Ok(())
}
