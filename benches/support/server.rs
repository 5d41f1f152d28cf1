//! A server on loopback that sends what it has ready, in a process of its own: what it costs is not
//! counted as the client's.
//!
//! The process is this program again, started by [`Server::start`]; a `main` that uses it begins with
//! [`serve_if_asked`]. It reads the body of a request, if its length is known, lets go of it, and keeps
//! connections open.

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
const SERVE: &str = "--serve";

/// The longest head of a request.
const HEAD: usize = 16 * 1024;

/// How much of a body is read at once.
const PIECE: usize = 256 * 1024;

/// The server's process; it ends with this value.
pub struct Server {
    process: Child,
    /// Where it listens: `http://127.0.0.1:…`.
    pub origin: String,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub fn start() -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(SERVE)
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
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is sent for a request: `head` once, then `piece` some times, then `end`.
#[derive(Clone)]
pub struct Answer {
    head: Vec<u8>,
    piece: Arc<[u8]>,
    times: usize,
    end: Arc<[u8]>,
}

impl Answer {
    /// A JSON body.
    pub fn json(body: &str) -> Self {
        Self::repeated("application/json", body.as_bytes(), 1)
    }

    /// A body that is a piece repeated.
    pub fn repeated(content_type: &str, piece: &[u8], times: usize) -> Self {
        Self::ending(content_type, piece, times, b"")
    }

    /// The same with something behind it.
    pub fn ending(content_type: &str, piece: &[u8], times: usize, end: &[u8]) -> Self {
        let length = piece.len() * times + end.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut answer = Self {
            head: head.into_bytes(),
            piece: piece.into(),
            times,
            end: end.into(),
        };
        // One write is cheaper than two.
        if times == 1 {
            answer.head.extend_from_slice(piece);
            answer.head.extend_from_slice(end);
            (answer.times, answer.end) = (0, [].into());
        }
        answer
    }

    fn missing() -> Self {
        Self {
            head: b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
            piece: [].into(),
            times: 0,
            end: [].into(),
        }
    }
}

/// Gives the answer to a path with its query, if there is one. The second argument is the origin.
pub type Answers = Arc<dyn Fn(&str, &str) -> Option<Answer> + Send + Sync>;

/// Serves until the process that asked for it ends, if this is the server's process.
pub fn serve_if_asked(answers: impl FnOnce() -> Answers) -> io::Result<()> {
    if std::env::args().nth(1).as_deref() != Some(SERVE) {
        return Ok(());
    }
    // The other end of the pipe closes with the process that holds it, however that ends.
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let answers = answers();
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(listen(answers))
}

async fn listen(answers: Answers) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let origin: Arc<str> = format!("http://{}", listener.local_addr()?).into();
    println!("{origin}");
    loop {
        let (stream, _) = listener.accept().await?;
        // A client that goes away in the middle is its own affair.
        tokio::spawn(converse(stream, answers.clone(), origin.clone()));
    }
}

async fn converse(mut stream: TcpStream, answers: Answers, origin: Arc<str>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(HEAD);
    while stream.read_buf(&mut received).await? > 0 {
        let Some(end) = end_of_head(&received) else {
            match received.len() < HEAD {
                true => continue,
                false => return Err(io::Error::other("the head of the request is too long")),
            }
        };
        let (head, body) = received.split_at(end);
        let answer = target(head).and_then(|target| answers(target, &origin));
        let answer = answer.unwrap_or_else(Answer::missing);
        let left = length(head).saturating_sub(body.len());
        received.clear();
        discard(&mut stream, left).await?;
        stream.write_all(&answer.head).await?;
        for _ in 0..answer.times {
            stream.write_all(&answer.piece).await?;
        }
        stream.write_all(&answer.end).await?;
    }
    Ok(())
}

fn end_of_head(received: &[u8]) -> Option<usize> {
    let blank = b"\r\n\r\n";
    let at = received.windows(blank.len()).position(|four| four == blank);
    at.map(|at| at + blank.len())
}

/// What the first line of a request asks for.
fn target(head: &[u8]) -> Option<&str> {
    str::from_utf8(head).ok()?.split(' ').nth(1)
}

/// How long the body is.
fn length(head: &[u8]) -> usize {
    let lines = head.split(|byte| *byte == b'\n');
    let mut fields = lines.filter_map(|line| str::from_utf8(line).ok()?.split_once(':'));
    let field = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    field.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0))
}

/// Reads so many bytes.
async fn discard(stream: &mut TcpStream, mut left: usize) -> io::Result<()> {
    let mut buffer = vec![0; left.min(PIECE)];
    while left > 0 {
        let most = left.min(PIECE);
        match stream.read(&mut buffer[..most]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => left -= read,
        }
    }
    Ok(())
}
