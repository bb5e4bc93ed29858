//! Moments between our spelling and that of `s3s`.

use flow::Timestamp;
use time::OffsetDateTime;

/// In whole seconds, as S3 tells moments and compares them.
pub(crate) fn to_s3(moment: Timestamp) -> s3s::dto::Timestamp {
    OffsetDateTime::from_unix_timestamp(moment.as_secs())
        .expect("a timestamp lies within years 0 to 9999")
        .into()
}

pub(crate) fn from_s3(moment: s3s::dto::Timestamp) -> Timestamp {
    let nanos = OffsetDateTime::from(moment).unix_timestamp_nanos();
    Timestamp::from_millis(i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX))
}
