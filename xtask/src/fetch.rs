//! Reads the upstream document from a file or over HTTP.

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
    eprintln!("fetching {url}");
    let mut response = agent.get(url).call()?;
    if response.status() != 200 {
        bail!("expected status 200, got {}", response.status());
    }
    let body = response.body_mut().with_config().limit(MAX_BODY_SIZE);
    Ok(String::from_utf8(body.read_to_vec()?)?)
}
