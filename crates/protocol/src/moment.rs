//! Moments in the three spellings of AWS.

use flow::{Timestamp, Tree};
use model::TimestampFormat;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::limit::MOMENT_BYTES_MAX;

/// Seconds from the year 0 to the year 9999, which is all that [`Timestamp`] holds.
const SECONDS_MIN: f64 = -62_167_219_200.0;
const SECONDS_MAX: f64 = 253_402_300_799.999;

/// The moment in that spelling, with milliseconds only where there are some.
pub(crate) fn write(at: Timestamp, format: TimestampFormat) -> String {
    let whole = at.as_millis().rem_euclid(1000) == 0;
    match format {
        TimestampFormat::Iso8601 if whole => at.to_seconds_text(),
        TimestampFormat::Iso8601 => at.to_millis_text(),
        TimestampFormat::Rfc822 => at.to_http_text(),
        TimestampFormat::Unix if whole => at.as_secs().to_string(),
        TimestampFormat::Unix => seconds(at).to_string(),
    }
}

/// The moment as seconds with a fraction.
pub(crate) fn seconds(at: Timestamp) -> f64 {
    // A fraction of three digits over at most 12: well inside the 53 bits of a double.
    let text = format!("{}.{:03}", at.as_millis().abs() / 1000, at.as_millis().abs() % 1000);
    let seconds = text.parse::<f64>().unwrap_or_default();
    if at.as_millis() < 0 { -seconds } else { seconds }
}

/// The moment that a text in any of the spellings names.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MOMENT_BYTES_MAX {
        return None;
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    text.parse::<Timestamp>().ok().or_else(|| read_http(text))
}

/// The moment that a number, a text or a moment stands for.
pub(crate) fn from_tree(tree: &Tree) -> Option<Timestamp> {
    match tree {
        Tree::Time(at) => Some(*at),
        Tree::Text(text) => read(text),
        Tree::Int(seconds) => {
            let millis = seconds.checked_mul(1000)?;
            let at = Timestamp::from_millis(millis);
            (at.as_millis() == millis).then_some(at)
        }
        Tree::Float(seconds) => from_seconds(*seconds),
        Tree::Null | Tree::Bool(_) | Tree::Blob(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}

/// A whole double as an integer.
pub(crate) fn whole(number: f64) -> Option<i64> {
    if number.fract() == 0.0 { format!("{number:.0}").parse().ok() } else { None }
}

fn from_seconds(seconds: f64) -> Option<Timestamp> {
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
        return None;
    }
    whole((seconds * 1000.0).round()).map(Timestamp::from_millis)
}

/// `Tue, 29 Apr 2014 18:30:38 GMT`, also with a fraction after the seconds.
fn read_http(text: &str) -> Option<Timestamp> {
    let (date, millis) = match text.split_once('.') {
        Some((before, after)) => {
            let (fraction, zone) = after.split_once(' ')?;
            let millis = whole((format!("0.{fraction}").parse::<f64>().ok()? * 1000.0).round())?;
            (format!("{before} {zone}"), millis)
        }
        None => (text.to_owned(), 0),
    };
    let at = OffsetDateTime::parse(&date, &Rfc2822).ok()?;
    Some(Timestamp::from_secs(at.unix_timestamp()).plus_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_in_every_spelling() {
        for millis in [0, 1_398_796_238_000, 946_845_296_123, -1_500, -62_167_219_200_000] {
            let at = Timestamp::from_millis(millis);
            for format in [TimestampFormat::Iso8601, TimestampFormat::Unix] {
                assert_eq!(read(&write(at, format)), Some(at), "{format:?}");
            }
        }
        let at = Timestamp::from_secs(1_398_796_238);
        assert_eq!(read("Tue, 29 Apr 2014 18:30:38 GMT"), Some(at));
        assert_eq!(read("Tue, 29 Apr 2014 18:30:38.25 GMT"), Some(at.plus_millis(250)));
        assert_eq!(read("2014-04-29T19:30:38+01:00"), Some(at));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "NaN", "inf", "1e300", "tomorrow", "2014-13-01T00:00:00Z"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(from_tree(&Tree::Int(i64::MAX)), None);
    }
}
