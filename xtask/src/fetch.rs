//! Reading the upstream document, from a file or over HTTP.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::Agent;

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

/// Fetches `url`. Whoever names an `https` URL never gets a body that came over plain HTTP, and a
/// plain one is not led elsewhere.
fn download(url: &str) -> Result<String> {
    let secure = url.starts_with("https://");
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TOTAL_TIMEOUT))
        .https_only(secure)
        .max_redirects(if secure { 5 } else { 0 })
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent.get(url).call()?;
    if response.status() != 200 {
        bail!("answered {}, not 200", response.status());
    }
    let body = response.body_mut().with_config().limit(LARGEST_BODY);
    Ok(String::from_utf8(body.read_to_vec()?)?)
}
