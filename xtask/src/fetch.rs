//! Reads the upstream document from a file or over HTTP.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);

/// The document has about 1 MB; a much larger body is something else.
const MAX_BODY_SIZE: u64 = 64 * 1024 * 1024;

/// Whether `from` is a URL rather than a path.
pub fn is_url(from: &str) -> bool {
    from.starts_with("https://") || from.starts_with("http://")
}

/// Reads the text at `from`, a path or a URL.
pub fn read(from: &str) -> Result<String> {
    let text = if is_url(from) {
        download(from)
    } else {
        std::fs::read_to_string(Path::new(from)).map_err(Into::into)
    };
    text.with_context(|| from.to_owned())
}

/// Downloads `url`. Uses the proxy from the environment and the system's root certificates, because
/// a proxy may use its own certificate authority. An `https` URL is never redirected to plain HTTP,
/// and a plain one is not redirected at all.
fn download(url: &str) -> Result<String> {
    let is_https = url.starts_with("https://");
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TOTAL_TIMEOUT))
        .https_only(is_https)
        .max_redirects(if is_https { 5 } else { 0 })
        .http_status_as_error(false)
        .build()
        .into();
    let mut progress = Progress::new(url);
    let mut response = agent.get(url).call()?;
    if response.status() != 200 {
        bail!("expected status 200, got {}", response.status());
    }
    let body = response.body_mut().with_config().limit(MAX_BODY_SIZE);
    let mut body = body.reader();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match body.read(&mut buffer)? {
            0 => break,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
        progress.update(bytes.len());
    }
    progress.show(&format!("{} KB", bytes.len() / 1024));
    Ok(String::from_utf8(bytes)?)
}

/// Progress of a download on standard error: a line that is rewritten on a terminal, and written
/// once otherwise.
struct Progress<'a> {
    url: &'a str,
    is_terminal: bool,
    shown: usize,
}

impl<'a> Progress<'a> {
    fn new(url: &'a str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        if !is_terminal {
            eprintln!("fetching {url}");
        }
        let progress = Self {
            url,
            is_terminal,
            shown: 0,
        };
        progress.show("…");
        progress
    }

    /// Prints the number of bytes received, once per step.
    fn update(&mut self, bytes: usize) {
        const STEP: usize = 64 * 1024;
        if bytes / STEP > self.shown / STEP {
            self.shown = bytes;
            self.show(&format!("{} KB", bytes / 1024));
        }
    }

    fn show(&self, state: &str) {
        if self.is_terminal {
            eprint!("\rfetching {}: {state:<12}", self.url);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.is_terminal {
            eprintln!();
        }
    }
}
