//! Downloads from signed URLs.
//!
//! A signed URL grants access to its content, so it does not appear in errors, traces or `Debug`.
//! It leads to a storage outside the service, so neither the key nor the headers of the options are
//! sent.

use http::{HeaderName, HeaderValue, Method};

use super::{Attempt, PreparedRequest};
use crate::{
    ByteStream, Client, Error, Secret,
    client::base_url,
    error::{Envelope, ErrorResponse, Label},
    media_type,
    operation::{Idempotency, Operation},
};

/// Opens a signed URL that an operation returned, with these headers.
pub(crate) async fn open(
    client: &Client,
    operation: &Operation,
    url: &Secret,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Result<ByteStream, Error> {
    let label = Label::Request(format!("{} (signed URL)", operation.id).into());
    let url =
        parse(url, client.allows_insecure_http()).map_err(|error| error.with_operation(&label))?;
    let request = PreparedRequest {
        label,
        plane: None,
        idempotency: Idempotency::Safe,
        method: Method::GET,
        url,
        headers: client.default_headers(None).clone(),
        body: None,
    }
    .with_headers(media_type::ANY, headers);
    match super::send(client, &request, Attempt::send_streaming, |_| None).await {
        Ok(response) => Ok(ByteStream::new(response, request.label)),
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

/// Removes what the storage says about the error, which may quote the URL. The body remains.
fn strip_message(error: Error) -> Error {
    match error.clone().into_response() {
        Some(response) => error.with_response(ErrorResponse {
            envelope: Envelope::default(),
            ..response
        }),
        None => error,
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
