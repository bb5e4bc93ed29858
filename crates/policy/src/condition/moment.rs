//! Dates of conditions: ISO 8601, or seconds since the epoch.

use flow::Timestamp;

/// Milliseconds since the epoch.
pub(crate) fn millis(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_secs(seconds).as_millis());
    }
    // The W3C's profile of ISO 8601 may end after the day or the minute.
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        17 if text.ends_with('Z') => format!("{}:00Z", text.trim_end_matches('Z')),
        _ => text.to_owned(),
    };
    whole.parse().ok().map(Timestamp::as_millis)
}
