//! A moment, in whole milliseconds UTC, in the spellings that AWS uses.

use std::{fmt, str::FromStr};

use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Milliseconds since 1970-01-01T00:00:00Z; years 0 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The text is not a moment.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time: give one such as 2026-11-22T10:00:00Z")]
pub struct InvalidTimestamp(String);

const MILLIS_MIN: i64 = -62_167_219_200_000;
const MILLIS_MAX: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch, held within years 0 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(MILLIS_MIN, MILLIS_MAX))
    }

    /// The moment `seconds` seconds after the epoch.
    pub fn from_secs(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved by `millis`.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this; negative where `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    fn date(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .expect("from_millis keeps the range")
    }

    fn write(self, format: &(impl time::formatting::Formattable + ?Sized)) -> String {
        self.date().format(format).expect("every component is in a UTC date")
    }

    /// `2026-11-22T10:00:00Z`, whole seconds, as in records.
    pub fn to_seconds_text(self) -> String {
        self.write(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
    }

    /// `2026-11-22T10:00:00.000Z`, as in S3's events and SNS's messages.
    pub fn to_millis_text(self) -> String {
        self.write(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
    }

    /// `20261122T100000Z`, as in Signature Version 4 and digest names.
    pub fn to_basic_text(self) -> String {
        self.write(format_description!("[year][month][day]T[hour][minute][second]Z"))
    }

    /// `20261122T1000Z`, as in log files' names.
    pub fn to_minute_text(self) -> String {
        self.write(format_description!("[year][month][day]T[hour][minute]Z"))
    }

    /// `20261122`, as in credential scopes.
    pub fn to_day_text(self) -> String {
        self.write(format_description!("[year][month][day]"))
    }

    /// `2026/11/22`, as in log files' folders.
    pub fn to_day_path(self) -> String {
        self.write(format_description!("[year]/[month]/[day]"))
    }

    /// `Sun, 22 Nov 2026 10:00:00 GMT`, as in HTTP headers.
    pub fn to_http_text(self) -> String {
        self.write(format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ))
    }

    /// `Nov 22, 2026, 10:00:00 AM`, as dates stand inside `requestParameters`.
    pub fn to_record_text(self) -> String {
        self.write(format_description!(
            "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period]"
        ))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 (`2026-11-22T10:00:00.5Z`) and the basic form (`20261122T100000Z`).
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let basic = format_description!("[year][month][day]T[hour][minute][second]Z");
        let date = OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .or_else(|| time::PrimitiveDateTime::parse(text, basic).ok().map(|d| d.assume_utc()))
            .ok_or_else(|| InvalidTimestamp(text.to_owned()))?;
        let millis = date.unix_timestamp_nanos().div_euclid(1_000_000);
        let millis = i64::try_from(millis).map_err(|_| InvalidTimestamp(text.to_owned()))?;
        Ok(Self::from_millis(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_millis_text())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_millis_text())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_in_every_spelling() {
        let at: Timestamp = "2026-11-22T10:02:03.045Z".parse().unwrap();
        assert_eq!(at.to_seconds_text(), "2026-11-22T10:02:03Z");
        assert_eq!(at.to_millis_text(), "2026-11-22T10:02:03.045Z");
        assert_eq!(at.to_basic_text(), "20261122T100203Z");
        assert_eq!(at.to_minute_text(), "20261122T1002Z");
        assert_eq!(at.to_day_path(), "2026/11/22");
        assert_eq!(at.to_http_text(), "Sun, 22 Nov 2026 10:02:03 GMT");
        assert_eq!(at.to_record_text(), "Nov 22, 2026, 10:02:03 AM");
        assert_eq!("20261122T100203Z".parse::<Timestamp>().unwrap().as_secs(), at.as_secs());
    }
}
