//! Base URLs: where requests go, and which of them may carry the key.

use reqwest::Url;

use crate::{Error, operation::ApiVersion};

/// A checked base URL without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    /// The same, parsed once for all requests: parsing costs more than all else that builds one.
    url: Url,
    v1: String,
    v2: String,
    loopback: bool,
}

impl BaseUrl {
    /// Checks `text`; `name` is the setting that errors refer to.
    pub(crate) fn parse(name: &str, text: &str, insecure: bool) -> Result<Self, Error> {
        let text = text.trim().trim_end_matches('/');
        if text.is_empty() {
            return Err(Error::configuration(format!("{name} is empty")));
        }
        let url = Url::parse(text)
            .map_err(|error| Error::configuration(format!("{name} is no URL: {error}")))?;
        if let Some(problem) = problem(&url, insecure) {
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
            text: url.as_str().trim_end_matches('/').to_owned(),
            loopback: is_loopback(&url),
            url,
        })
    }

    /// The path of a version of the API, which those of its operations are appended to.
    pub(crate) fn root(&self, base: ApiVersion) -> &str {
        match base {
            ApiVersion::V1 => &self.v1,
            ApiVersion::V2 => &self.v2,
        }
    }

    /// The URL with another path, a whole one, which is encoded.
    pub(crate) fn with_path(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Whether the URL ends in a version segment, as the service's own do.
    pub(crate) fn has_version(&self) -> bool {
        self.text.ends_with("/v1") || self.text.ends_with("/v2")
    }

    /// Whether it names this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }

    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, also where it is the scheme's.
    pub(crate) fn port(&self) -> Option<u16> {
        self.url.port_or_known_default()
    }

    /// The URL as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// What is wrong with where a URL leads, and on which way; nothing of the URL is in it.
pub(crate) fn problem(url: &Url, insecure: bool) -> Option<&'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Some("must not hold credentials");
    }
    match url.scheme() {
        "https" => None,
        "http" if insecure || is_loopback(url) => None,
        "http" => Some(
            "is plain http:// to a host that is not loopback, so others could read along; \
             use https:// or allow_insecure_http(true)",
        ),
        _ => Some("has a scheme other than https and http"),
    }
}

/// Whether a URL names this machine.
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

    fn parse(text: &str) -> Result<BaseUrl, Error> {
        BaseUrl::parse("base_url", text, false)
    }

    fn joined(base: &str, version: ApiVersion, path: &str) -> String {
        let base = parse(base).unwrap();
        base.with_path(&[base.root(version), path].concat()).into()
    }

    #[test]
    fn an_encoded_path_stays_as_it_is() {
        let path = "/a%2Fb/%252e%252e/%3F%23%5C%00/~c";
        assert_eq!(
            joined("https://h.example/api/v1", ApiVersion::V1, path),
            format!("https://h.example/api/v1{path}")
        );
    }

    #[test]
    fn a_trailing_slash_is_ignored() {
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
    fn version_two_replaces_only_a_final_version_one() {
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
    fn plain_http_is_for_loopback_only() {
        for good in [
            "http://localhost:1/v1",
            "http://127.0.0.1:8/v1",
            "http://[::1]:8/v1",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://host.example/v1",
            "http://127.0.0.1.example/v1",
            "ftp://h.example",
            "nonsense",
            "",
            "https://u:p@h.example",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(BaseUrl::parse("base_url", "http://host.example", true).is_ok());
    }
}
