//! Reading the upstream document, from a file or over HTTP.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A document is about one megabyte; what is much larger is something else.
const LARGEST_BODY: u64 = 64 * 1024 * 1024;

/// Whether `from` is a URL rather than a path.
pub fn is_url(from: &str) -> bool {
    from.starts_with("https://") || from.starts_with("http://")
}

/// The text at `from`, a path or a URL.
pub fn read(from: &str) -> Result<String> {
    let text = if is_url(from) {
        download(from)
    } else {
        std::fs::read_to_string(Path::new(from)).map_err(Into::into)
    };
    text.with_context(|| from.to_owned())
}

/// Fetches `url`, through the proxy of the environment where there is one, and trusts whom the system
/// trusts: such a proxy may bring an authority of its own. Whoever names an `https` URL never gets a body
/// that came over plain HTTP, and a plain one is not led elsewhere.
fn download(url: &str) -> Result<String> {
    let secure = url.starts_with("https://");
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TOTAL_TIMEOUT))
        .https_only(secure)
        .max_redirects(if secure { 5 } else { 0 })
        .http_status_as_error(false)
        .build()
        .into();
    let mut progress = Progress::new(url);
    let mut response = agent.get(url).call()?;
    if response.status() != 200 {
        bail!("answered {}, not 200", response.status());
    }
    let body = response.body_mut().with_config().limit(LARGEST_BODY);
    let mut body = body.reader();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match body.read(&mut buffer)? {
            0 => break,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
        progress.at(bytes.len());
    }
    progress.show(&format!("{} KB", bytes.len() / 1024));
    Ok(String::from_utf8(bytes)?)
}

/// One line on standard error that says how far a download has come. It is rewritten where that is a
/// terminal, and written once otherwise.
struct Progress<'a> {
    url: &'a str,
    live: bool,
    shown: usize,
}

impl<'a> Progress<'a> {
    fn new(url: &'a str) -> Self {
        let live = std::io::stderr().is_terminal();
        if !live {
            eprintln!("fetching {url}");
        }
        let progress = Self {
            url,
            live,
            shown: 0,
        };
        progress.show("…");
        progress
    }

    /// Says how many bytes have come, now and then.
    fn at(&mut self, bytes: usize) {
        const STEP: usize = 64 * 1024;
        if bytes / STEP > self.shown / STEP {
            self.shown = bytes;
            self.show(&format!("{} KB", bytes / 1024));
        }
    }

    fn show(&self, state: &str) {
        if self.live {
            eprint!("\rfetching {}: {state:<12}", self.url);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.live {
            eprintln!();
        }
    }
}
