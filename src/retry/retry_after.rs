//! The delay that a response asks for.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// Reads `retry-after-ms`, else `Retry-After` as seconds (integer or fractional) or as an HTTP
/// date.
///
/// A date in the past is a delay of zero; an invalid value counts as absent.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = || parse_number(value("retry-after-ms")?, 1000.0);
    let standard = || {
        let value = value(header::RETRY_AFTER.as_str())?;
        parse_number(value, 1.0).or_else(|| parse_date(value, now))
    };
    milliseconds().or_else(standard)
}

/// Parses a number in a unit of which `per_second` make a second. Saturates at `Duration::MAX`.
fn parse_number(value: &str, per_second: f64) -> Option<Duration> {
    let number = value.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
    Some(Duration::try_from_secs_f64(number / per_second).unwrap_or(Duration::MAX))
}

fn parse_date(value: &str, now: SystemTime) -> Option<Duration> {
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&map, now)
    }

    #[test]
    fn seconds_and_dates_are_parsed() {
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
            assert_eq!(parse(&[("retry-after", value)]), expected, "{value:?}");
        }
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn valid_milliseconds_take_precedence() {
        let both = |ms| parse(&[("retry-after-ms", ms), ("retry-after", "7")]);
        assert_eq!(both("250"), Some(Duration::from_millis(250)));
        assert_eq!(both("0.5"), Some(Duration::from_micros(500)));
        assert_eq!(both("x"), Some(Duration::from_secs(7)));
    }

    #[test]
    fn large_values_saturate() {
        for value in ["1e300", "inf", "99999999999999999999999999"] {
            assert_eq!(parse(&[("retry-after", value)]), Some(Duration::MAX));
        }
    }
}
