//! Downloads from signed URLs.
//!
//! A signed URL grants access to its content, so it does not appear in errors, traces or `Debug`.
//! It leads to a storage outside the service, so neither the key nor the headers of the options are
//! sent.

use http::StatusCode;

use crate::{
    ByteStream, Client, Error, Secret, base_url,
    error::{ErrorResponse, Label},
    operation::{Idempotency, Operation},
    transport::{self, Exchange, PreparedRequest},
};

/// Opens a signed URL that an operation returned.
pub(crate) async fn open(
    client: &Client,
    operation: &Operation,
    url: &Secret,
) -> Result<ByteStream, Error> {
    let label = Label::Request(format!("{} (signed URL)", operation.id).into());
    let url =
        parse(url, client.allows_insecure_http()).map_err(|error| error.with_operation(&label))?;
    let exchange = Exchange {
        client: client.clone(),
        label: label.clone(),
        plane: None,
        idempotency: Idempotency::Safe,
        request: PreparedRequest::signed_url(url),
    };
    // Boxed to keep the caller's future small.
    match Box::pin(exchange.open()).await {
        Ok(response) => Ok(ByteStream::new(response, label)),
        Err(error) => Err(strip_message(error)),
    }
}

/// Parses a signed URL. Errors contain no part of it.
fn parse(url: &Secret, allow_insecure: bool) -> Result<reqwest::Url, Error> {
    let url = reqwest::Url::parse(url.expose())
        .map_err(|_| Error::unexpected_response("the signed URL is not a valid URL"))?;
    match base_url::problem(&url, allow_insecure) {
        None => Ok(url),
        Some(problem) => Err(Error::unexpected_response(format!(
            "the signed URL {problem}"
        ))),
    }
}

/// Removes the storage's code and message, which may quote the URL. The body remains.
fn strip_message(error: Error) -> Error {
    match error.clone().into_response() {
        Some(response) => error.with_response(ErrorResponse {
            code: None,
            message: None,
            ..response
        }),
        None => error,
    }
}

/// Returns the likely cause of an error status of a storage, if known.
pub(crate) fn hint(status: StatusCode) -> Option<String> {
    // Most storages respond to an expired signature with 403, some with 400 or 401.
    match status.as_u16() {
        400 | 401 | 403 => Some("the signed URL may have expired; request a new one".to_owned()),
        _ => transport::redirect_hint(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insecure_and_invalid_urls_are_rejected_without_being_shown() {
        for (url, allow_insecure, problem) in [
            ("https://h.example/a?sig=canary", false, None),
            ("http://127.0.0.1:8/a?sig=canary", false, None),
            ("http://[::1]:8/a?sig=canary", false, None),
            ("http://h.example/a?sig=canary", true, None),
            ("http://h.example/a?sig=canary", false, Some("plain http")),
            ("https://canary@h.example/a", false, Some("credentials")),
            ("https://a:canary@h.example/a", true, Some("credentials")),
            ("canary:a", false, Some("scheme")),
            ("file:///canary", true, Some("scheme")),
            ("canary", false, Some("not a valid URL")),
            ("", false, Some("not a valid URL")),
        ] {
            let parsed = parse(&url.into(), allow_insecure);
            let Some(problem) = problem else {
                assert!(parsed.is_ok(), "{url}");
                continue;
            };
            let shown = format!("{:?}", parsed.unwrap_err());
            assert!(shown.contains(problem), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
