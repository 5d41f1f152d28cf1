//! Signed URLs: fetched without the key, and shown nowhere.
//!
//! Whoever has such a URL has what is behind it, so it stands in no error, no trace and no `Debug`;
//! and since it leads to a storage that is no part of the service, nothing of ours goes there.

use http::StatusCode;

use crate::{
    ByteStream, Client, Error, Secret, base_url,
    error::{ErrorResponse, Label},
    operation::{Idempotency, Operation},
    transport::{self, Exchange, PreparedRequest},
};

/// Opens what is behind a signed URL that an operation has answered.
pub(crate) async fn open(
    client: &Client,
    operation: &Operation,
    link: &Secret,
) -> Result<ByteStream, Error> {
    let label = Label::Request(format!("{} (signed URL)", operation.id).into());
    let url = checked(link, client.is_insecure()).map_err(|error| error.of(&label))?;
    let exchange = Exchange {
        client: client.clone(),
        label: label.clone(),
        plane: None,
        retry: Idempotency::Safe,
        request: PreparedRequest::link(url),
    };
    // Boxed: the future of a call is part of the future of whoever calls.
    match Box::pin(exchange.open()).await {
        Ok(opened) => Ok(ByteStream::new(opened, label)),
        Err(error) => Err(strip_message(error)),
    }
}

/// A URL that may be asked. What is wrong is said without a word of it.
fn checked(link: &Secret, insecure: bool) -> Result<reqwest::Url, Error> {
    let url = reqwest::Url::parse(link.expose())
        .map_err(|_| Error::unusable("the signed URL is no URL"))?;
    match base_url::problem(&url, insecure) {
        None => Ok(url),
        Some(problem) => Err(Error::unusable(format!("the signed URL {problem}"))),
    }
}

/// The same error without what the storage says about it, which may quote the URL; the body is kept.
fn strip_message(error: Error) -> Error {
    match error.clone().into_response() {
        Some(answer) => error.with_response(ErrorResponse {
            code: None,
            message: None,
            ..answer
        }),
        None => error,
    }
}

/// What a person should look at when a storage refuses.
pub(crate) fn hint(status: StatusCode) -> Option<String> {
    // Storages answer differently to a signature that has run out: 403 mostly, but also 400 and 401.
    match status.as_u16() {
        400 | 401 | 403 => Some("the signed URL may have expired; ask for a new one".to_owned()),
        _ => transport::redirect_hint(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_url_that_keeps_its_secret_is_asked() {
        for (link, insecure, problem) in [
            ("https://h.example/a?sig=canary", false, None),
            ("http://127.0.0.1:8/a?sig=canary", false, None),
            ("http://[::1]:8/a?sig=canary", false, None),
            ("http://h.example/a?sig=canary", true, None),
            ("http://h.example/a?sig=canary", false, Some("plain http")),
            ("https://canary@h.example/a", false, Some("credentials")),
            ("https://a:canary@h.example/a", true, Some("credentials")),
            ("canary:a", false, Some("scheme")),
            ("file:///canary", true, Some("scheme")),
            ("canary", false, Some("no URL")),
            ("", false, Some("no URL")),
        ] {
            let checked = checked(&link.into(), insecure);
            let Some(problem) = problem else {
                assert!(checked.is_ok(), "{link}");
                continue;
            };
            let shown = format!("{:?}", checked.unwrap_err());
            assert!(shown.contains(problem), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
