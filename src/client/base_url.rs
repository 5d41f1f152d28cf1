//! Base URLs.

use reqwest::Url;

use super::tls;
use crate::{Error, operation::ApiVersion};

/// A valid base URL without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    string: String,
    /// Parsed once, because parsing is the most expensive part of building a request.
    url: Url,
    v1: String,
    v2: String,
    loopback: bool,
}

impl BaseUrl {
    /// Parses a base URL; errors name the setting `name`.
    pub(crate) fn parse(name: &str, value: &str, allow_insecure: bool) -> Result<Self, Error> {
        let value = value.trim().trim_end_matches('/');
        if value.is_empty() {
            return Err(Error::configuration(format!("{name} is empty")));
        }
        let url = Url::parse(value)
            .map_err(|error| Error::configuration(format!("{name} is not a valid URL: {error}")))?;
        if let Some(problem) = problem(&url, allow_insecure) {
            return Err(Error::configuration(format!("{name} {problem}")));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::configuration(format!(
                "{name} must not have a query or a fragment"
            )));
        }
        let v1 = url.path().trim_end_matches('/').to_owned();
        Ok(Self {
            v2: match v1.strip_suffix("/v1") {
                Some(stem) => format!("{stem}/v2"),
                None => v1.clone(),
            },
            v1,
            string: url.as_str().trim_end_matches('/').to_owned(),
            loopback: is_loopback(&url),
            url,
        })
    }

    /// Returns the path of a version of the API, below which its operations are.
    pub(crate) fn root(&self, version: ApiVersion) -> &str {
        match version {
            ApiVersion::V1 => &self.v1,
            ApiVersion::V2 => &self.v2,
        }
    }

    /// Returns the URL with its path replaced by `path`, which must be percent-encoded.
    pub(crate) fn with_path(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Returns `true` if the URL ends in a version segment, as those of the hosted service do.
    pub(crate) fn has_version(&self) -> bool {
        self.string.ends_with("/v1") || self.string.ends_with("/v2")
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Returns `true` if the URL has this scheme and host, and the default port: `https://host`.
    pub(crate) fn has_origin(&self, origin: &str) -> bool {
        self.url.origin().ascii_serialization() == origin
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.string
    }
}

/// Returns why requests must not be sent to a URL, as a predicate that contains no part of the URL.
pub(crate) fn problem(url: &Url, allow_insecure: bool) -> Option<&'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Some("must not contain credentials");
    }
    match url.scheme() {
        "https" => tls::PROBLEM,
        "http" if allow_insecure || is_loopback(url) => None,
        "http" => Some(
            "uses plain http:// for a host that is not loopback; \
             use https:// or allow_insecure_http(true)",
        ),
        _ => Some("must have the scheme https or http"),
    }
}

/// Returns `true` if the host of a URL is `localhost` or a loopback address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<BaseUrl, Error> {
        BaseUrl::parse("base_url", value, false)
    }

    fn joined(base: &str, version: ApiVersion, path: &str) -> String {
        let base = parse(base).unwrap();
        base.with_path(&[base.root(version), path].concat()).into()
    }

    #[test]
    fn encoded_path_is_not_changed() {
        let path = "/a%2Fb/%252e%252e/%3F%23%5C%00/~c";
        assert_eq!(
            joined("https://h.example/api/v1", ApiVersion::V1, path),
            format!("https://h.example/api/v1{path}")
        );
    }

    #[test]
    fn trailing_slash_is_ignored() {
        assert_eq!(
            parse("https://host.example/v1/").unwrap().as_str(),
            "https://host.example/v1"
        );
        assert_eq!(
            joined("https://host.example", ApiVersion::V1, "/a"),
            "https://host.example/a"
        );
    }

    #[test]
    fn v2_replaces_only_a_final_v1() {
        assert_eq!(
            joined("https://h.example/v1", ApiVersion::V2, "/a"),
            "https://h.example/v2/a"
        );
        assert_eq!(
            joined("https://h.example/api", ApiVersion::V2, "/a"),
            "https://h.example/api/a"
        );
    }

    #[test]
    fn plain_http_is_allowed_for_loopback_only() {
        for valid in [
            "http://localhost:1/v1",
            "http://127.0.0.1:8/v1",
            "http://[::1]:8/v1",
        ] {
            assert!(parse(valid).is_ok(), "{valid}");
        }
        for invalid in [
            "http://host.example/v1",
            "http://127.0.0.1.example/v1",
            "ftp://h.example",
            "nonsense",
            "",
            "https://u:p@h.example",
        ] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
        assert!(BaseUrl::parse("base_url", "http://host.example", true).is_ok());
    }
}
