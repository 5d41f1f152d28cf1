//! Range requests for binary responses.

use hyper::Method;
use hyper::header::{IF_RANGE, RANGE};
use hyper::http::request::Parts;

/// The requested range of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// Only `GET` supports ranges.
    Unsupported,
    /// No range, or an unsupported one: the complete content.
    Full,
    /// Start (inclusive) and end (exclusive).
    Part(u64, u64),
    /// The range is outside the content.
    Unsatisfiable,
}

/// Returns the range that a request asks for, of a content with this size.
pub(super) fn requested_range(head: &Parts, size: u64) -> RequestedRange {
    if head.method != Method::GET {
        return RequestedRange::Unsupported;
    }
    // Responses have no validators, so that a range with `If-Range` is ignored.
    let range = head.headers.get(RANGE);
    let range = range.filter(|_| !head.headers.contains_key(IF_RANGE));
    let range = range.and_then(|range| range.to_str().ok());
    range.map_or(RequestedRange::Full, |range| parse_range(range, size))
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
