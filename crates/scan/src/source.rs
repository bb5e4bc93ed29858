//! What somebody points at.

use std::{
    convert::Infallible,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Something that holds log files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or a folder.
    Path(PathBuf),
    /// A pattern of paths that no shell has expanded.
    Pattern(String),
    /// Standard input.
    Stdin,
    /// A bucket, or what lies under a prefix of its keys.
    Archive {
        /// The bucket's name.
        bucket: String,
        /// What its keys begin with; may be empty.
        prefix: String,
    },
}

/// What begins the name of an archive.
const ARCHIVE_SCHEME: &str = "s3://";

impl Source {
    /// What a word of the command line means. A path that exists is that path, whatever it looks
    /// like; `./-` is a file.
    pub fn of(word: &OsStr) -> Self {
        if word == "-" {
            return Self::Stdin;
        }
        let path = Path::new(word);
        let Some(text) = word.to_str() else { return Self::Path(path.to_owned()) };
        if let Some(rest) = text.strip_prefix(ARCHIVE_SCHEME) {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return Self::Archive { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        }
        if text.contains(['*', '?', '[']) && fs::symlink_metadata(path).is_err() {
            return Self::Pattern(text.to_owned());
        }
        Self::Path(path.to_owned())
    }
}

impl std::str::FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::of(OsStr::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_they_look_like() {
        let check = |word: &str, wanted: Source| assert_eq!(Source::of(word.as_ref()), wanted);
        check("-", Source::Stdin);
        check("./-", Source::Path("./-".into()));
        check("logs", Source::Path("logs".into()));
        check("no/such/*.gz", Source::Pattern("no/such/*.gz".to_owned()));
        let archive = |bucket: &str, prefix: &str| Source::Archive {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        check("s3://b", archive("b", ""));
        check("s3://b/", archive("b", ""));
        check("s3://b/a/c", archive("b", "a/c"));
    }

    #[test]
    fn a_file_whose_name_looks_like_a_pattern_is_that_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log[1].json");
        fs::write(&path, "").unwrap();
        assert_eq!(Source::of(path.as_os_str()), Source::Path(path));
    }
}
