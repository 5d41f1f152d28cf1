//! Headers that callers set, and the encoding of their values.

use http::{HeaderName, HeaderValue};

use crate::Error;

/// Headers that the client sets itself or that belong to the connection.
const RESERVED: [&str; 13] = [
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-portkey-api-key",
];

/// The prefix of the headers of a websocket handshake, which are reserved as well.
const WEBSOCKET_PREFIX: &str = "sec-websocket-";

/// The header whose value is JSON.
pub(crate) const METADATA: &str = "x-portkey-metadata";

/// Parses a header that the caller sets. The value is marked as sensitive.
pub(crate) fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let name: HeaderName = name
        .parse()
        .map_err(|_| Error::invalid_request(format!("`{name}` is not a valid header name")))?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with(WEBSOCKET_PREFIX) {
        return Err(Error::invalid_request(format!(
            "header `{name}` is set by the client and cannot be overridden"
        )));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| invalid_value(name.as_str()))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Converts a header that an operation declares. The value is marked as sensitive.
pub(crate) fn declared(
    name: &'static str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), Error> {
    let value = match name {
        METADATA => HeaderValue::try_from(ascii_json(value)),
        _ => HeaderValue::from_str(value),
    };
    let mut value = value.map_err(|_| invalid_value(name))?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(name), value))
}

/// Returns the error of a header value with invalid characters.
fn invalid_value(name: &str) -> Error {
    Error::invalid_request(format!(
        "header `{name}` contains characters that are not allowed in a header value"
    ))
}

/// Escapes non-ASCII characters in JSON, so that a header can hold it.
pub(crate) fn ascii_json(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' => ascii.push(c),
            // Includes DEL, which is valid in JSON, but not in a header.
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    ascii += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    ascii
}
