//! Durations as people write them: `20ms`, `3s`, `5m`, `2h`, `30d`.

use std::{str::FromStr, time::Duration};

/// The longest duration, in milliseconds: a hundred years.
const MILLIS_MAX: i64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Span {
    /// Its milliseconds, never negative.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The same for the standard library.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a duration: give a number and a unit, such as \"20ms\", \"3s\", \"5m\", \"2h\" or \"30d\""
            )
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let unit: i64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let millis = number.checked_mul(unit).filter(|millis| *millis <= MILLIS_MAX);
        millis.map(Self).ok_or_else(wrong)
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        let millis = |text: &str| text.parse::<Span>().map(Span::millis);
        assert_eq!(millis("20ms"), Ok(20));
        assert_eq!(millis("3s"), Ok(3000));
        assert_eq!(millis("2h"), Ok(7_200_000));
        for wrong in ["", "5", "ms", "-1s", "1.5s", "1 s", "99999999999999999999d", "999999d"] {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
