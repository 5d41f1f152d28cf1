//! A scripted HTTP server on loopback that records each request byte for byte.
//!
//! It uses plain sockets, so that no HTTP library normalises a request on its way to the test, and
//! so that it can send responses that a proper server never would: delayed, in small chunks,
//! truncated, or never.

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

/// Read timeout of a connection.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// A running server. Its threads end with the process.
pub struct Server {
    address: SocketAddr,
    state: Arc<ServerState>,
}

/// What a server has recorded.
#[derive(Default)]
struct ServerState {
    connections: AtomicUsize,
    client_disconnects: AtomicUsize,
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
    /// When the whole request had been read.
    pub received_at: Instant,
}

/// What the server writes back, and what it does to the connection afterwards.
#[derive(Debug, Clone)]
pub struct ScriptedResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    /// Sent instead of status line and headers.
    raw_head: Option<Bytes>,
    /// How many bytes of the response are sent, if not all.
    truncate_at: Option<usize>,
    /// Whether the head has a `content-length`.
    has_content_length: bool,
    /// The pause after each byte of the body, which is then sent byte by byte.
    byte_pause: Option<Duration>,
    /// Whether the body is sent again and again.
    is_endless: bool,
    after: After,
}

/// What happens to a connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Close,
    /// The next request may use it.
    Keep,
    /// The connection is reset, as if the machine had crashed.
    Reset,
    /// The connection stays open, but nothing more is sent.
    Stall,
}

impl ScriptedResponse {
    /// Creates a response without headers and body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            raw_head: None,
            truncate_at: None,
            has_content_length: true,
            byte_pause: None,
            is_endless: false,
            after: After::Close,
        }
    }

    /// Creates a response with the content type of JSON; `body` need not be valid JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::empty(status)
            .with_header("content-type", "application/json")
            .with_body(body)
    }

    /// Creates a response of bytes that are not HTTP.
    pub fn garbage(bytes: impl Into<Bytes>) -> Self {
        Self {
            raw_head: Some(bytes.into()),
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

    /// Omits the last `missing` bytes of the body; `content-length` still counts them.
    pub fn truncated_by(mut self, missing: usize) -> Self {
        self.truncate_at = Some(self.head().len() + self.body.len() - missing);
        self
    }

    /// Sends only the first `sent` bytes of the response, including its head.
    pub fn truncated_after(mut self, sent: usize) -> Self {
        self.truncate_at = Some(sent);
        self
    }

    /// Sends nothing at all.
    pub fn sending_nothing(self) -> Self {
        self.truncated_after(0)
    }

    /// Resets the connection after the response, truncated or not.
    pub fn then_reset(mut self) -> Self {
        self.after = After::Reset;
        self
    }

    /// Keeps the connection open after the response, truncated or not, until the client closes it.
    pub fn then_stall(mut self) -> Self {
        self.after = After::Stall;
        self
    }

    /// Stops sending `missing` bytes before the end, but keeps the connection open.
    pub fn stalling(self, missing: usize) -> Self {
        self.truncated_by(missing).then_stall()
    }

    /// Sends no `content-length`: the body ends when the connection closes.
    pub fn without_content_length(mut self) -> Self {
        self.has_content_length = false;
        self
    }

    /// Sends the body again and again, until the client closes the connection.
    pub fn endless(mut self) -> Self {
        self.has_content_length = false;
        self.is_endless = true;
        self
    }

    /// Keeps the connection open for the next request.
    pub fn keep_alive(mut self) -> Self {
        self.after = After::Keep;
        self
    }

    /// Sends the body byte by byte, with a pause after each.
    pub fn byte_by_byte(mut self, pause: Duration) -> Self {
        self.byte_pause = Some(pause);
        self
    }

    fn head(&self) -> Vec<u8> {
        if let Some(head) = &self.raw_head {
            return head.to_vec();
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        if self.after != After::Keep {
            head += "connection: close\r\n";
        }
        if self.status != 204 && self.has_content_length {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }

    /// Writes the response until the client stops reading.
    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let (mut head, mut body) = (self.head(), self.body.clone());
        let sent = self.truncate_at.unwrap_or(usize::MAX);
        body.truncate(sent.saturating_sub(head.len()));
        head.truncate(sent);
        stream.write_all(&head)?;
        if self.is_endless {
            loop {
                stream.write_all(&body)?;
            }
        }
        let Some(pause) = self.byte_pause else {
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
    /// Starts a server that calls `script` for each response.
    pub fn start(script: impl Fn(&Request) -> ScriptedResponse + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let (state, script) = (server.state.clone(), Arc::new(Mutex::new(script)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                state.connections.fetch_add(1, Ordering::SeqCst);
                let (state, script) = (state.clone(), script.clone());
                let response = move |request: &Request| script.lock().unwrap()(request);
                thread::spawn(move || state.serve(stream, response));
            }
        });
        server
    }

    /// Starts a server that sends the same response to each request.
    pub fn with_response(response: ScriptedResponse) -> Self {
        Self::start(move |_| response.clone())
    }

    /// Starts a server that sends these responses in order, and then repeats the last one.
    pub fn with_responses(responses: impl IntoIterator<Item = ScriptedResponse>) -> Self {
        let responses: Vec<ScriptedResponse> = responses.into_iter().collect();
        let next = AtomicUsize::new(0);
        Self::start(move |_| {
            let index = next.fetch_add(1, Ordering::SeqCst).min(responses.len() - 1);
            responses[index].clone()
        })
    }

    /// Returns a base URL that ends in `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the number of connections, with or without a request.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Returns how many connections the client has closed while a response was stalled.
    pub fn client_disconnects(&self) -> usize {
        self.state.client_disconnects.load(Ordering::SeqCst)
    }

    /// Returns the requests received so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Returns the requests received since the previous call of this method.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.state.requests.lock().unwrap())
    }

    /// Returns the only request received.
    pub fn request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

impl ServerState {
    /// Responds to the requests of a connection.
    fn serve(&self, stream: TcpStream, response: impl Fn(&Request) -> ScriptedResponse) {
        let _ = stream.set_read_timeout(Some(READ_TIMEOUT));
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream);
        while let Some(request) = read_request(&mut reader) {
            // Recorded before the response is sent: a test that has the response finds the request.
            self.requests.lock().unwrap().push(request.clone());
            let response = response(&request);
            let written = response.write(reader.get_mut());
            match response.after {
                After::Keep if written.is_ok() => continue,
                After::Keep | After::Close => {}
                After::Reset => {
                    let _ = SockRef::from(reader.get_ref()).set_linger(Some(Duration::ZERO));
                }
                After::Stall => self.wait_for_disconnect(&mut reader),
            }
            return;
        }
    }

    /// Waits until the client closes the connection.
    fn wait_for_disconnect(&self, reader: &mut impl Read) {
        let disconnected = match reader.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        if disconnected {
            self.client_disconnects.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A bound port on which nothing listens, so that connections are refused.
pub struct ClosedPort(Socket);

impl ClosedPort {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    /// Returns a base URL that ends in `path`.
    pub fn url(&self, path: &str) -> String {
        address(&self.0) + path
    }
}

/// A port at which a connection attempt gets no reply, because its accept queue is full.
pub struct UnresponsivePort {
    listener: Socket,
    _queue: TcpStream,
}

impl UnresponsivePort {
    pub fn new() -> Self {
        let ClosedPort(listener) = ClosedPort::new();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        Self {
            listener,
            _queue: TcpStream::connect(address).unwrap(),
        }
    }

    /// Returns a base URL that ends in `path`.
    pub fn url(&self, path: &str) -> String {
        address(&self.listener) + path
    }
}

fn address(socket: &Socket) -> String {
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    format!("http://{address}")
}

impl Request {
    /// Returns the path and the query of the target, undecoded.
    fn path_and_query(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    pub fn path(&self) -> &str {
        self.path_and_query().0
    }

    /// Returns the segments of the path, each decoded.
    pub fn segments(&self) -> Vec<String> {
        self.path()
            .split('/')
            .skip(1)
            .map(percent_decoded)
            .collect()
    }

    /// Returns the query in the order in which it was sent, with only `%` escapes decoded.
    pub fn query(&self) -> Vec<(String, String)> {
        let pairs = self
            .path_and_query()
            .1
            .split('&')
            .filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
            .collect()
    }

    /// Returns every value of a header.
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

fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// Reads one request; `None` if the client closed the connection or sent something else.
fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let request_line = read_line(reader)?;
    let mut words = request_line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
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
        received_at: Instant::now(),
    };
    if request.header("transfer-encoding") == ["chunked"] {
        request.body = read_chunked_body(reader)?;
    } else {
        let length = request.header("content-length").first().copied();
        request.body = vec![0; length.map_or(Some(0), |length| length.parse().ok())?];
        reader.read_exact(&mut request.body).ok()?;
    }
    request.received_at = Instant::now();
    Some(request)
}

/// Reads a chunked body to its end.
fn read_chunked_body(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(reader)?, 16).ok()?;
        let start = body.len();
        body.resize(start + length, 0);
        reader.read_exact(&mut body[start..]).ok()?;
        read_line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}
