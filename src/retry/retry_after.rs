//! How long the service asks to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// `retry-after-ms`, else `Retry-After` as seconds (whole or fractional) or as an HTTP date.
///
/// A date in the past is no wait; what cannot be read counts as absent.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = || seconds(text("retry-after-ms")?, 1000.0);
    let standard = || {
        let text = text(header::RETRY_AFTER.as_str())?;
        seconds(text, 1.0).or_else(|| until(text, now))
    };
    milliseconds().or_else(standard)
}

/// A number of which `per_second` make a second. More than any wait is as good as the longest.
fn seconds(text: &str, per_second: f64) -> Option<Duration> {
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
    Some(Duration::try_from_secs_f64(number / per_second).unwrap_or(Duration::MAX))
}

fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&map, now)
    }

    #[test]
    fn every_form_is_read() {
        for (value, expected) in [
            ("3", Some(3000)),
            (" 3 ", Some(3000)),
            ("0", Some(0)),
            ("1.5", Some(1500)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3000)),
            ("Sunday, 06-Nov-94 08:49:40 GMT", Some(3000)),
            ("Sun Nov  6 08:49:40 1994", Some(3000)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(read(&[("retry-after", value)]), expected, "{value:?}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn milliseconds_come_first_and_nonsense_gives_way() {
        let both = |ms| read(&[("retry-after-ms", ms), ("retry-after", "7")]);
        assert_eq!(both("250"), Some(Duration::from_millis(250)));
        assert_eq!(both("0.5"), Some(Duration::from_micros(500)));
        assert_eq!(both("x"), Some(Duration::from_secs(7)));
    }

    #[test]
    fn an_eternity_is_no_panic() {
        for value in ["1e300", "inf", "99999999999999999999999999"] {
            assert_eq!(read(&[("retry-after", value)]), Some(Duration::MAX));
        }
    }
}
