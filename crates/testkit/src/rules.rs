//! The rules of tests about the road: they stay the same when the shipped ones grow.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The name of the folder, beside whatever else a test has.
const FOLDER: &str = "rules-of-tests";
/// What is asked: a call that each test makes when it wants an alert, and one that makes trouble.
const RULES: [(&str, &str); 2] = [
    (
        "topic_made.yml",
        "title: A topic was made
id: 3b0a5a52-3c5c-4c0e-9d0f-6d1f0f5b7a01
logsource:
  product: aws
  service: cloudtrail
detection:
  made:
    eventSource: sns.amazonaws.com
    eventName: CreateTopic
  failed:
    errorCode|exists: true
  condition: made and not failed
level: low
",
    ),
    (
        "bucket_gone.yml",
        "title: A bucket is gone
id: 3b0a5a52-3c5c-4c0e-9d0f-6d1f0f5b7a02
logsource:
  product: aws
  service: cloudtrail
detection:
  gone:
    eventSource: s3.amazonaws.com
    eventName: DeleteBucket
  failed:
    errorCode|exists: true
  condition: gone and not failed
level: high
",
    ),
];

/// Writes two rules, "A topic was made" and "A bucket is gone", to a folder in `place`; its path,
/// for the key `rule.dirs`.
///
/// # Errors
/// The folder cannot be written.
pub fn rules_of_tests(place: &Path) -> io::Result<PathBuf> {
    let folder = place.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for (name, text) in RULES {
        fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}
