//! Proxy URLs.
//!
//! reqwest sends a request directly if it cannot use a proxy. The checks here prevent that.

use std::borrow::Cow;

use reqwest::Url;

use super::{setting::Setting, tls};
use crate::{Error, Secret};

/// The schemes that reqwest supports, some of them with a feature; those of socks are
/// case-sensitive.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The variables for each kind of target, of which reqwest reads the first that is set.
const VARIABLES: [[&str; 2]; 3] = [
    ["ALL_PROXY", "all_proxy"],
    ["HTTPS_PROXY", "https_proxy"],
    ["HTTP_PROXY", "http_proxy"],
];

/// Parses the URL of a proxy. The error names the setting `name` and contains no credentials.
pub(super) fn parse(name: &str, value: &Secret) -> Result<reqwest::Proxy, Error> {
    let value = value.expose();
    // reqwest adds a missing scheme and normalises the URL before it uses it.
    let normalized = match Url::parse(value) {
        Ok(url) if value.contains("://") => Cow::from(String::from(url)),
        _ => Cow::from(value.trim()),
    };
    check(name, &normalized)?;
    // Without the cause, which may quote the URL and its credentials.
    reqwest::Proxy::all(value)
        .map_err(|_| Error::configuration(format!("{name} is not a valid proxy URL")))
}

/// Checks the proxies of the environment.
pub(super) fn check_environment() -> Result<(), Error> {
    // In a CGI program, the variables may come from headers of a request.
    if std::env::var_os("REQUEST_METHOD").is_some() {
        return Ok(());
    }
    for [upper, lower] in VARIABLES {
        let setting = match Setting::from_env(upper)? {
            None => Setting::from_env(lower)?,
            setting => setting,
        };
        if let Some(Setting { name, value }) = setting
            && !value.expose().is_empty()
        {
            check(name, value.expose())?;
        }
    }
    Ok(())
}

/// Checks that reqwest can use a proxy URL, which is parsed like there.
fn check(name: &str, value: &str) -> Result<(), Error> {
    let refuse = |problem: String| Err(Error::configuration(format!("{name} {problem}")));
    let scheme = value.split_once("://").map(|(scheme, _)| scheme);
    if let Some(scheme) = scheme.filter(|scheme| !is_supported(scheme)) {
        let expected = SCHEMES.join(", ");
        return match is_scheme(scheme) {
            true => refuse(format!(
                "has the scheme {scheme}, expected one of {expected}"
            )),
            false => refuse(format!("has no valid scheme, expected one of {expected}")),
        };
    }
    if let Some(problem) = scheme.and_then(missing_feature) {
        return refuse(problem.to_owned());
    }
    let Ok(uri) = value.parse::<http::Uri>() else {
        return refuse("is not a valid proxy URL".to_owned());
    };
    let authority = uri.authority();
    let Some(authority) = authority.filter(|authority| !authority.host().is_empty()) else {
        return refuse("has no host".to_owned());
    };
    let has_port = !authority.as_str().ends_with(authority.host());
    match authority.port_u16() {
        None if has_port => refuse("has no valid port".to_owned()),
        None if scheme.is_none() => {
            refuse("has neither a scheme nor a port, expected `http://host:port`".to_owned())
        }
        _ => Ok(()),
    }
}

fn is_supported(scheme: &str) -> bool {
    let is_http = |name| scheme.eq_ignore_ascii_case(name);
    SCHEMES.contains(&scheme) || is_http("http") || is_http("https")
}

/// Returns which feature a supported scheme needs, as a predicate, if it is not enabled.
fn missing_feature(scheme: &str) -> Option<&'static str> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => tls::PROBLEM,
        _ if scheme.starts_with("socks") && !cfg!(feature = "socks") => {
            Some("uses socks, which needs the feature `socks`")
        }
        _ => None,
    }
}

/// Returns `true` if a string has the form of a scheme, so that it contains no credentials.
fn is_scheme(string: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    string.starts_with(|c: char| c.is_ascii_alphabetic()) && string.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_proxies_are_accepted() {
        for value in [
            "http://127.0.0.1:3128",
            "HTTP://host.example:3128",
            "https://host.example",
            "http://user:p%40ss@host.example:3128/",
            "host.example:3128",
            "user:password@host.example:3128",
            "socks4://host.example:1080",
            "socks4a://host.example",
            "socks5://user:password@[::1]:1080",
            "socks5h://host.example",
        ] {
            assert!(check("proxy", value).is_ok(), "{value}");
            assert!(parse("proxy", &value.into()).is_ok(), "{value}");
        }
        assert!(parse("proxy", &" http://b\u{fc}cher.example:80\n".into()).is_ok());
        assert!(parse("proxy", &"SOCKS5://host.example".into()).is_ok());
    }

    #[test]
    fn unusable_proxies_are_refused_without_credentials() {
        for (value, problem) in [
            (
                "htpp://canary@127.0.0.1:9",
                "the scheme htpp, expected one of http, https",
            ),
            ("ftp://a:canary@host.example", "the scheme ftp"),
            ("socks://host.example:1080", "the scheme socks"),
            ("socks6://host.example:1080", "the scheme socks6"),
            ("file:///canary", "the scheme file"),
            ("a:canary@b://host.example", "no valid scheme"),
            ("://canary", "no valid scheme"),
            ("canary", "neither a scheme nor a port"),
            ("host.canary.example", "neither a scheme nor a port"),
            ("http://", "not a valid proxy URL"),
            ("http://canary canary:1", "not a valid proxy URL"),
            ("http://host.example:canary", "no valid port"),
            ("http://host.example:99999", "no valid port"),
            ("/canary", "no host"),
            ("", "not a valid proxy URL"),
        ] {
            for refused in [
                check("HTTPS_PROXY", value),
                parse("HTTPS_PROXY", &value.into()).map(drop),
            ] {
                let shown = format!("{:?}", refused.expect_err(value));
                assert!(shown.contains("HTTPS_PROXY"), "{value:?}: {shown}");
                assert!(shown.contains(problem), "{value:?}: {shown}");
                assert!(!shown.contains("canary"), "{value:?}: {shown}");
            }
        }
    }

    #[test]
    fn values_that_only_the_setter_normalizes_are_refused_in_the_environment() {
        for value in [
            " http://host.example:3128",
            "http://b\u{fc}cher.example:80",
            "SOCKS5://host.example:1080",
        ] {
            assert!(check("HTTPS_PROXY", value).is_err(), "{value}");
        }
    }
}
