//! A scripted HTTP server on loopback that keeps what it saw, byte for byte.
//!
//! It is plain sockets, so that nothing between the client and the test tidies up a request, and
//! so that it can answer what no proper server would: late, in crumbs, half, or not at all.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

/// Nothing here waits longer than this for the other side.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; its threads end with the process.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What a server keeps.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    hangups: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The target of the request line, undecoded.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// When all of it was there.
    pub at: Instant,
}

/// What the server writes back, and what it does to the connection then.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    /// Sent in the place of status and headers.
    head: Option<Bytes>,
    /// How many bytes of the answer are sent.
    cut: Option<usize>,
    /// Whether the head says how long the body is.
    has_length: bool,
    /// The wait after each byte.
    pause: Option<Duration>,
    then: Then,
}

/// What happens to a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Close,
    /// The next request may use it.
    Keep,
    /// It breaks off, as if the machine were gone.
    Reset,
    /// It stays open, and nothing comes.
    Stall,
}

impl Answer {
    /// An answer with nothing in it.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            head: None,
            cut: None,
            has_length: true,
            pause: None,
            then: Then::Close,
        }
    }

    /// An answer that says it is JSON, whatever `body` is.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::empty(status)
            .with_header("content-type", "application/json")
            .with_body(body)
    }

    /// Bytes that are no HTTP.
    pub fn garbage(bytes: impl Into<Bytes>) -> Self {
        Self {
            head: Some(bytes.into()),
            ..Self::empty(200)
        }
    }

    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn with_body(self, body: impl Into<String>) -> Self {
        self.with_bytes(body.into())
    }

    pub fn with_bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The head promises the whole body, but `missing` bytes of its end never come.
    pub fn closing_early(mut self, missing: usize) -> Self {
        self.cut = Some(self.head().len() + self.body.len() - missing);
        self
    }

    /// Only the first `sent` bytes of the answer come, its head included.
    pub fn cut_after(mut self, sent: usize) -> Self {
        self.cut = Some(sent);
        self
    }

    /// The connection closes without an answer.
    pub fn hanging_up(self) -> Self {
        self.cut_after(0)
    }

    /// The connection is reset after the answer, or what is left of it.
    pub fn then_reset(mut self) -> Self {
        self.then = Then::Reset;
        self
    }

    /// The connection stays open after the answer, or what is left of it, until the client closes it.
    pub fn then_stall(mut self) -> Self {
        self.then = Then::Stall;
        self
    }

    /// Nothing more comes `missing` bytes before the end, but the connection stays open.
    pub fn stalling(self, missing: usize) -> Self {
        self.closing_early(missing).then_stall()
    }

    /// The head does not say how long the body is, which ends with the connection.
    pub fn without_length(mut self) -> Self {
        self.has_length = false;
        self
    }

    /// The connection can be used again.
    pub fn keeping_alive(mut self) -> Self {
        self.then = Then::Keep;
        self
    }

    /// Each byte of the body comes alone, with a pause after it.
    pub fn trickling(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    fn head(&self) -> Vec<u8> {
        if let Some(head) = &self.head {
            return head.to_vec();
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        if self.then != Then::Keep {
            head += "connection: close\r\n";
        }
        if self.status != 204 && self.has_length {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }

    /// Writes the answer, as far as the other side takes it.
    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let (mut head, mut body) = (self.head(), self.body.clone());
        let sent = self.cut.unwrap_or(usize::MAX);
        body.truncate(sent.saturating_sub(head.len()));
        head.truncate(sent);
        stream.write_all(&head)?;
        let Some(pause) = self.pause else {
            return stream.write_all(&body);
        };
        for byte in body {
            stream.write_all(&[byte])?;
            thread::sleep(pause);
        }
        Ok(())
    }
}

impl Server {
    /// A server that asks `script` for every answer.
    pub fn start(script: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let (seen, script) = (server.seen.clone(), Arc::new(Mutex::new(script)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, script) = (seen.clone(), script.clone());
                let answer = move |request: &Request| script.lock().unwrap()(request);
                thread::spawn(move || seen.serve(stream, answer));
            }
        });
        server
    }

    /// A server that gives one answer to everything.
    pub fn answering(answer: Answer) -> Self {
        Self::start(move |_| answer.clone())
    }

    /// A server that gives these answers, one after the other, and the last one for ever.
    pub fn playing(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<Answer> = answers.into_iter().collect();
        let next = AtomicUsize::new(0);
        Self::start(move |_| {
            let index = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            answers[index].clone()
        })
    }

    /// A base URL that ends in `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often anybody connected, whether a request followed or not.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many connections the client has closed while it was waiting for an answer.
    pub fn hangups(&self) -> usize {
        self.seen.hangups.load(Ordering::SeqCst)
    }

    /// What arrived so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// What arrived since the last time that somebody asked so.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut *self.seen.requests.lock().unwrap())
    }

    /// The one request that arrived.
    pub fn request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

impl Seen {
    /// Answers what comes over a connection.
    fn serve(&self, stream: TcpStream, answer: impl Fn(&Request) -> Answer) {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream);
        while let Some(request) = read(&mut reader) {
            // Kept before it is answered: whoever has the answer finds the request.
            self.requests.lock().unwrap().push(request.clone());
            let answer = answer(&request);
            let written = answer.write(reader.get_mut());
            match answer.then {
                Then::Keep if written.is_ok() => continue,
                Then::Keep | Then::Close => {}
                Then::Reset => {
                    let _ = SockRef::from(reader.get_ref()).set_linger(Some(Duration::ZERO));
                }
                Then::Stall => self.stall(&mut reader),
            }
            return;
        }
    }

    /// Waits until the client goes away.
    fn stall(&self, reader: &mut impl Read) {
        let gone = match reader.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        if gone {
            self.hangups.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// An address that nobody listens on, and that nobody else gets.
pub struct Closed(Socket);

impl Closed {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    /// A base URL that ends in `path`.
    pub fn url(&self, path: &str) -> String {
        address(&self.0) + path
    }
}

/// An address where connecting gets no answer at all: its queue is full.
pub struct Deaf {
    listener: Socket,
    _queue: TcpStream,
}

impl Deaf {
    pub fn new() -> Self {
        let Closed(listener) = Closed::new();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        Self {
            listener,
            _queue: TcpStream::connect(address).unwrap(),
        }
    }

    /// A base URL that ends in `path`.
    pub fn url(&self, path: &str) -> String {
        address(&self.listener) + path
    }
}

fn address(socket: &Socket) -> String {
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    format!("http://{address}")
}

impl Request {
    /// The path and the query of the target, undecoded.
    fn parts(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    pub fn path(&self) -> &str {
        self.parts().0
    }

    /// The segments of the path, each decoded.
    pub fn segments(&self) -> Vec<String> {
        self.path().split('/').skip(1).map(decoded).collect()
    }

    /// The query, in its order, with `%` escapes decoded and nothing else.
    pub fn query(&self) -> Vec<(String, String)> {
        let pairs = self.parts().1.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    }

    /// Every value of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// Reads one request; `None` if the other side went away or sent something else.
fn read(reader: &mut impl BufRead) -> Option<Request> {
    let first = line(reader)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        target,
        headers,
        body: Vec::new(),
        at: Instant::now(),
    };
    if request.header("transfer-encoding") == ["chunked"] {
        request.body = chunks(reader)?;
    } else {
        let length = request.header("content-length").first().copied();
        request.body = vec![0; length.map_or(Some(0), |length| length.parse().ok())?];
        reader.read_exact(&mut request.body).ok()?;
    }
    request.at = Instant::now();
    Some(request)
}

/// Reads a body that comes in chunks, to its end.
fn chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&line(reader)?, 16).ok()?;
        let start = body.len();
        body.resize(start + length, 0);
        reader.read_exact(&mut body[start..]).ok()?;
        line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}
