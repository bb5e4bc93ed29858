//! Dates as CloudTrail writes them, taken apart.

use time::{Date, Month};

use crate::ast::TimePart;

/// The part of the date that `text` is: `2026-11-22T10:21:39Z`, with a blank for the `T`, with or
/// without seconds, fractions and an offset; a day alone has no hour and no minute. The digits are
/// taken as they stand: an offset moves nothing.
pub(crate) fn part_of(text: &str, part: TimePart) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year = i32::try_from(year).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let clock = match rest {
        "" => None,
        _ => Some(clock(rest.strip_prefix(['T', 't', ' '])?)?),
    };
    match part {
        TimePart::Minute => clock.map(|(_, minute)| minute),
        TimePart::Hour => clock.map(|(hour, _)| hour),
        TimePart::Day => Some(date.day().into()),
        TimePart::Week => Some(date.iso_week().into()),
        TimePart::Month => Some(u8::from(date.month()).into()),
        TimePart::Year => Some(date.year().into()),
    }
}

/// Hour and minute of a time of day, which must be sound to its end.
fn clock(text: &str) -> Option<(i64, i64)> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2)?;
    if let Some(seconds) = rest.strip_prefix(':') {
        let (second, after) = digits(seconds, 2)?;
        rest = match after.strip_prefix('.') {
            Some(fraction) => {
                let end = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                (end.len() < fraction.len()).then_some(end)?
            }
            None => after,
        };
        // A leap second is the 60th.
        (second <= 60).then_some(())?;
    }
    let sound = rest.is_empty() || matches!(rest, "Z" | "z") || is_offset(rest);
    (sound && hour < 24 && minute < 60).then_some((hour, minute))
}

fn is_offset(text: &str) -> bool {
    let Some(text) = text.strip_prefix(['+', '-']) else { return false };
    let hours = digits(text, 2).map(|(_, rest)| rest.strip_prefix(':').unwrap_or(rest));
    hours.is_some_and(|rest| matches!(digits(rest, 2), Some((_, ""))))
}

/// The number of the first `count` characters, all of them digits, and what follows.
fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let sound = number.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| number.parse().ok()).flatten().map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_taken_apart_as_it_stands() {
        let parts = |text| {
            use TimePart::{Day, Hour, Minute, Month, Week, Year};
            [Year, Month, Week, Day, Hour, Minute].map(|part| part_of(text, part))
        };
        let whole = [2026, 11, 47, 22, 10, 21].map(Some);
        for text in [
            "2026-11-22T10:21:39Z",
            "2026-11-22 10:21",
            "2026-11-22T10:21:39.123456Z",
            "2026-11-22T10:21:39+02:00",
            "2026-11-22T10:21:39-0530",
        ] {
            assert_eq!(parts(text), whole, "{text}");
        }
        assert_eq!(parts("2026-11-22")[3..], [Some(22), None, None]);
        assert_eq!(part_of("2021-01-01", TimePart::Week), Some(53), "the year before has 53 weeks");
        assert_eq!(part_of("2024-12-30", TimePart::Week), Some(1), "the year after begins");
    }

    #[test]
    fn what_is_no_date_has_no_parts() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-22T",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:21:39.Z",
            "2026-11-22T10:21:39 UTC",
            "2026-11-22T10:21:39+1",
            "Nov 22, 2026 10:21:39 AM",
            "1763806899",
            "２026-11-22",
            "2026-11-2\u{e9}",
        ] {
            assert_eq!(part_of(text, TimePart::Year), None, "{text}");
        }
    }
}
