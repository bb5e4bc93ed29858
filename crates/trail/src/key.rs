//! The names of log files, exactly as CloudTrail lays them out.

use flow::{AccountId, Region, Timestamp};
use sha2::{Digest, Sha256};

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Letters of a log file's unique part.
const UNIQUE_LENGTH: usize = 16;

/// The key of a log file that was cut at `at`.
pub(crate) fn log_file(
    prefix: &str,
    account: &AccountId,
    region: &Region,
    at: Timestamp,
    unique: &str,
) -> String {
    let folder = folder(prefix, account);
    let day = at.to_day_path();
    let minute = at.to_minute_text();
    format!(
        "{folder}CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_{unique}.json.gz"
    )
}

/// What the keys of all of a trail's files begin with.
pub(crate) fn folder(prefix: &str, account: &AccountId) -> String {
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{slash}AWSLogs/{account}/")
}

/// Sixteen letters that depend on nothing but `parts`.
pub(crate) fn unique(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ["ab", "c"] apart from ["a", "bc"].
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut number = digest.iter().take(16).fold(0_u128, |n, byte| (n << 8) | u128::from(*byte));
    let mut text = String::with_capacity(UNIQUE_LENGTH);
    for _ in 0..UNIQUE_LENGTH {
        let letter = usize::try_from(number % 62).ok().and_then(|at| LETTERS.get(at));
        text.push(char::from(*letter.expect("a remainder of 62 is less than 62")));
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_file_stands_where_cloudtrail_puts_it() {
        let account = "123456789012".parse().unwrap();
        let region = "us-east-2".parse().unwrap();
        let at = "2026-11-22T23:59:59.999Z".parse().unwrap();
        let path = "AWSLogs/123456789012/CloudTrail/us-east-2/2026/11/22/123456789012_CloudTrail_us-east-2_20261122T2359Z_AbCdEfGh12345678.json.gz";
        let unique = "AbCdEfGh12345678";
        assert_eq!(log_file("", &account, &region, at, unique), path);
        assert_eq!(log_file("a/b", &account, &region, at, unique), format!("a/b/{path}"));
    }

    #[test]
    fn a_unique_part_depends_on_every_part_and_nothing_else() {
        let one = unique(&["ab", "c"]);
        assert_eq!(one.len(), 16);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()), "{one}");
        assert_eq!(one, unique(&["ab", "c"]));
        assert_ne!(one, unique(&["a", "bc"]));
        assert_ne!(one, unique(&["ab", "c", ""]));
    }
}
