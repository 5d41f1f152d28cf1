//! Parts of binary answers: `Range` and what is answered to it.

use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use crate::http_response::{self, HttpBody};
use crate::response::ApiError;

/// What is asked for of so many bytes.
#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    /// Nothing that is understood: all of it.
    Full,
    /// From the first up to, but not including, the last.
    Part(u64, u64),
    /// Nothing that there is.
    Unsatisfiable,
}

/// Cuts out of a binary answer what the request asks for. Only `GET` has ranges.
pub(super) fn apply(response: &mut Response<HttpBody>, head: &Parts) {
    let HttpBody::Stream(stream) = response.body_mut() else {
        return;
    };
    let Some(size) = stream.size().filter(|_| head.method == Method::GET) else {
        return;
    };
    // There are no validators here that a condition could be about.
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
            let problem = "header `range`: begins behind the end";
            *response = http_response::from_result(Err(ApiError::new(416, None, problem)));
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

/// Several ranges are not served, and malformed ones are ignored.
fn parse_range(range: &str, size: u64) -> RequestedRange {
    let parsed = range.trim().strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.trim().split_once('-')?;
        let number = |text: &str| match text.trim() {
            "" => Some(None),
            text if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok().map(Some),
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
