//! Range requests for binary responses.

use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use crate::http_response::{self, HttpBody};
use crate::response::ApiError;

/// The requested range of a content.
#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    /// No range, or an unsupported one: the complete content.
    Full,
    /// Start (inclusive) and end (exclusive).
    Part(u64, u64),
    /// The range is outside the content.
    Unsatisfiable,
}

/// Limits a binary response to the requested range. Only `GET` supports ranges.
pub(super) fn apply(response: &mut Response<HttpBody>, head: &Parts) {
    let HttpBody::Stream(stream) = response.body_mut() else {
        return;
    };
    let Some(size) = stream.size().filter(|_| head.method == Method::GET) else {
        return;
    };
    // Responses have no validators, so that a range with `If-Range` is ignored.
    let range = head.headers.get(RANGE);
    let range = range.filter(|_| !head.headers.contains_key(IF_RANGE));
    let range = range.and_then(|range| range.to_str().ok());
    match range.map_or(RequestedRange::Full, |range| parse_range(range, size)) {
        RequestedRange::Full => {}
        RequestedRange::Part(start, end) => {
            stream.set_range(start, end);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set_content_range(response, format!("bytes {start}-{}/{size}", end - 1));
        }
        RequestedRange::Unsatisfiable => {
            let message = "header `range`: starts after the end of the content";
            *response = http_response::from_result(Err(ApiError::new(416, None, message)));
            set_content_range(response, format!("bytes */{size}"));
        }
    }
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
}

fn set_content_range(response: &mut Response<HttpBody>, range: String) {
    if let Ok(range) = HeaderValue::try_from(range) {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
}

/// Parses a `Range` header. Multiple and malformed ranges are ignored.
fn parse_range(range: &str, size: u64) -> RequestedRange {
    let parsed = range.trim().strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.trim().split_once('-')?;
        let number = |string: &str| match string.trim() {
            "" => Some(None),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok().map(Some),
            _ => None,
        };
        Some((number(first)?, number(last)?))
    });
    let (start, end) = match parsed {
        None | Some((None, None)) => return RequestedRange::Full,
        Some((Some(first), Some(last))) if first > last => return RequestedRange::Full,
        Some((Some(first), last)) => {
            let end = last.map_or(size, |last: u64| last.saturating_add(1));
            (first, end.min(size))
        }
        Some((None, Some(last))) => (size.saturating_sub(last), size),
    };
    match start < end {
        true => RequestedRange::Part(start, end),
        false => RequestedRange::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::RequestedRange::{Full, Part, Unsatisfiable};
    use super::parse_range;

    #[test]
    fn ranges_are_parsed_as_in_the_rfc() {
        let cases = [
            ("bytes=0-", Part(0, 10)),
            ("bytes=2-4", Part(2, 5)),
            ("bytes=2-400", Part(2, 10)),
            ("bytes=9-9", Part(9, 10)),
            ("bytes=-3", Part(7, 10)),
            ("bytes=-30", Part(0, 10)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=4-2", Full),
            ("bytes=0-1,3-4", Full),
            ("bytes=a-b", Full),
            ("bytes=-", Full),
            ("lines=0-1", Full),
            ("bytes=0-99999999999999999999999", Full),
        ];
        for (range, expected) in cases {
            assert_eq!(parse_range(range, 10), expected, "{range}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Unsatisfiable);
    }
}
