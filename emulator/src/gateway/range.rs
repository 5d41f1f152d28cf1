//! Parts of binary answers: `Range` and what is answered to it.

use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use crate::answer::{self, Payload};
use crate::reply::Refusal;

/// What is asked for of so many bytes.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing that is understood: all of it.
    Whole,
    /// From the first up to, but not including, the last.
    Part(u64, u64),
    /// Nothing that there is.
    Nothing,
}

/// Cuts out of a binary answer what the request asks for. Only `GET` has ranges.
pub(super) fn apply(response: &mut Response<Payload>, head: &Parts) {
    let Payload::Stream(streamed) = response.body_mut() else {
        return;
    };
    let Some(size) = streamed.size().filter(|_| head.method == Method::GET) else {
        return;
    };
    // There are no validators here that a condition could be about.
    let range = head.headers.get(RANGE);
    let range = range.filter(|_| !head.headers.contains_key(IF_RANGE));
    let range = range.and_then(|range| range.to_str().ok());
    match range.map_or(Asked::Whole, |range| asked(range, size)) {
        Asked::Whole => {}
        Asked::Part(start, end) => {
            streamed.cut(start, end);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            mark(response, format!("bytes {start}-{}/{size}", end - 1));
        }
        Asked::Nothing => {
            let problem = "header `range`: begins behind the end";
            *response = answer::response(Err(Refusal::new(416, None, problem)));
            mark(response, format!("bytes */{size}"));
        }
    }
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
}

fn mark(response: &mut Response<Payload>, range: String) {
    if let Ok(range) = HeaderValue::try_from(range) {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
}

/// Several ranges are not served, and malformed ones are ignored.
fn asked(range: &str, size: u64) -> Asked {
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
        None | Some((None, None)) => return Asked::Whole,
        Some((Some(first), Some(last))) if first > last => return Asked::Whole,
        Some((Some(first), last)) => {
            let end = last.map_or(size, |last: u64| last.saturating_add(1));
            (first, end.min(size))
        }
        Some((None, Some(last))) => (size.saturating_sub(last), size),
    };
    match start < end {
        true => Asked::Part(start, end),
        false => Asked::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::Asked::{Nothing, Part, Whole};
    use super::asked;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let cases = [
            ("bytes=0-", Part(0, 10)),
            ("bytes=2-4", Part(2, 5)),
            ("bytes=2-400", Part(2, 10)),
            ("bytes=9-9", Part(9, 10)),
            ("bytes=-3", Part(7, 10)),
            ("bytes=-30", Part(0, 10)),
            ("bytes=10-", Nothing),
            ("bytes=-0", Nothing),
            ("bytes=4-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=a-b", Whole),
            ("bytes=-", Whole),
            ("lines=0-1", Whole),
            ("bytes=0-99999999999999999999999", Whole),
        ];
        for (range, expected) in cases {
            assert_eq!(asked(range, 10), expected, "{range}");
        }
        assert_eq!(asked("bytes=0-", 0), Nothing);
    }
}
