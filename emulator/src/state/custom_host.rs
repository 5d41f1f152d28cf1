//! The addresses that requests may be sent to: those of public servers (V045).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;
use serde_json::Value;

use crate::error::ApiError;

/// Host names that are refused, beside those of private and reserved addresses.
const REFUSED_HOSTS: [&str; 3] = ["localhost", "metadata", "metadata.google.internal"];

/// Checks the address in a field of a request; null and an empty string are accepted.
pub(crate) fn validate(url: &Value, field_path: &str) -> Result<(), ApiError> {
    let Some(url) = url.as_str().filter(|url| !url.is_empty()) else {
        return Ok(());
    };
    match refusal(url) {
        Some(reason) => Err(ApiError::invalid_field(field_path, reason)),
        None => Ok(()),
    }
}

/// Returns why an address is refused, if it is.
fn refusal(url: &str) -> Option<&'static str> {
    if url.contains('#') {
        return Some("must not have a fragment");
    }
    let Ok(uri) = url.parse::<Uri>() else {
        return Some("is not a valid URL");
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some("must be an http or https URL");
    }
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let is_refused = match host.parse() {
        Ok(IpAddr::V4(address)) => is_private_v4(address),
        Ok(IpAddr::V6(address)) => is_private_v6(address),
        Err(_) => REFUSED_HOSTS.contains(&host) || host.ends_with(".localhost") || host.is_empty(),
    };
    is_refused.then_some("must not be a private or reserved address")
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || is_shared
        || first == 0
        || first >= 224
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_private_v4(mapped);
    }
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn only_public_http_addresses_are_accepted() {
        for url in [
            "https://mcp.example.com/sse",
            "http://203.0.113.7:8080",
            "https://[2001:db8::1]/x",
            "http://service.namespace.svc.cluster.local",
        ] {
            assert_eq!(refusal(url), None, "{url}");
        }
        for url in [
            "https://mcp.example.com/#x",
            "ftp://mcp.example.com",
            "mcp.example.com",
            "http://localhost:3000",
            "http://a.localhost",
            "http://127.0.0.1",
            "http://10.0.0.1",
            "http://169.254.169.254/latest",
            "http://100.64.0.1",
            "http://[::1]",
            "http://[::ffff:10.0.0.1]/",
            "http://[fd00::1]",
            "http://metadata.google.internal",
            "http://",
        ] {
            assert!(refusal(url).is_some(), "{url}");
        }
    }
}
