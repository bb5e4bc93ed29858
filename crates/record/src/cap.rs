//! Holds the fields of a record within CloudTrail's sizes.

use serde_json::{Map, Value};

/// The longest `userAgent`, `errorCode` or `errorMessage`, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;

/// The longest `requestParameters` or `responseElements`, in bytes of JSON.
pub(crate) const ELEMENTS_BYTES_MAX: usize = 100 * 1024;

/// The longest `additionalEventData`, in bytes of JSON.
pub(crate) const ADDITIONAL_BYTES_MAX: usize = 28 * 1024;

/// The longest list of `resources`, in bytes of JSON.
pub(crate) const RESOURCES_BYTES_MAX: usize = 10 * 1024;

/// The longest record, in bytes. The fields' own limits add up to less, which a test holds.
#[cfg(test)]
pub(crate) const RECORD_BYTES_MAX: usize = 256 * 1024;

/// The first `bytes` of `text` at most, whole characters.
pub(crate) fn text(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// `members` as they are where their JSON is no longer than `bytes`. Otherwise those that fit, a
/// long text cut, and at the end `"omitted": true`.
pub(crate) fn members(members: Map<String, Value>, bytes: usize) -> Map<String, Value> {
    if json_bytes(&members) <= bytes {
        return members;
    }
    let mut left = bytes.saturating_sub(r#"{"omitted":true}"#.len());
    let mut kept = Map::new();
    for (name, value) in members {
        // The name's quotes, the colon and the comma.
        let frame = json_bytes(&name) + 2;
        let size = json_bytes(&value);
        if frame + size <= left {
            left -= frame + size;
            kept.insert(name, value);
        } else if let Value::String(long) = &value
            && let Some(room) = left.checked_sub(frame + 2).filter(|room| *room > 0)
        {
            let cut = cut_to_json_bytes(long, room);
            left -= (frame + json_bytes(cut)).min(left);
            kept.insert(name, Value::from(cut));
        }
    }
    kept.insert("omitted".to_owned(), Value::Bool(true));
    kept
}

/// As many characters of `text` as take no more than `bytes` once escaped.
fn cut_to_json_bytes(text: &str, bytes: usize) -> &str {
    let mut left = bytes;
    for (at, character) in text.char_indices() {
        let size = match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            control if control < ' ' => 6,
            plain => plain.len_utf8(),
        };
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return text.get(..at).unwrap_or_default(),
        }
    }
    text
}

/// How long a value's JSON is, in bytes, without making it.
///
/// # Panics
/// Where the value is no JSON: a map whose keys are not text.
pub fn json_bytes<T: serde::Serialize + ?Sized>(value: &T) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("counting does not fail, keys are text");
    count.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(text("grün", 3), "gr");
        assert_eq!(text("grün", 4), "grü");
        assert_eq!(text("grün", 99), "grün");
    }

    #[test]
    fn what_is_cut_says_so_and_stays_within_the_limit() {
        let members_of = |value: Value| value.as_object().unwrap().clone();
        let small = members_of(json!({"a": 1}));
        assert_eq!(members(small.clone(), 100), small);
        let large =
            members_of(json!({"a": "x".repeat(200), "b": [1, 2, 3], "c": "y\n".repeat(90)}));
        let cut = members(large, 100);
        assert!(json_bytes(&cut) <= 100, "{}", json_bytes(&cut));
        assert_eq!(cut.get("omitted"), Some(&Value::Bool(true)));
        assert!(cut.get("a").unwrap().as_str().unwrap().len() > 50);
    }

    proptest! {
        #[test]
        fn no_members_exceed_their_limit(texts in prop::collection::vec(".{0,80}", 0..20), limit in 30_usize..400) {
            let map: Map<String, Value> =
                texts.into_iter().enumerate().map(|(n, t)| (format!("m{n}"), Value::from(t))).collect();
            prop_assert!(json_bytes(&members(map, limit)) <= limit);
        }
    }
}
