//! Simulated connection tests: no connection is made. A URL counts as reachable unless its host
//! ends with `.invalid`, a top-level domain that is guaranteed not to exist.

/// Returns an error message if the URL is not reachable.
pub(crate) fn connection_error(url: &str) -> Option<&'static str> {
    host(url)
        .ends_with(".invalid")
        .then_some("the host name does not resolve")
}

/// Returns the host name of a URL, in lower case.
pub(crate) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::connection_error;

    #[test]
    fn only_invalid_hosts_are_unreachable() {
        for url in [
            "https://mcp.invalid/x",
            "http://MCP.Invalid.:80",
            "https://a@b.invalid?x",
        ] {
            assert!(connection_error(url).is_some(), "{url}");
        }
        for url in [
            "https://example.com/x.invalid",
            "",
            "http://invalid.example.com",
        ] {
            assert!(connection_error(url).is_none(), "{url}");
        }
    }
}
