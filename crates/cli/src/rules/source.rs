//! The texts of rules that a command is about.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use rule::{Loaded, Problem, RuleSet};

/// Files of rules, and of records to test them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Each file's path and text.
    pub(super) texts: Vec<(String, String)>,
    /// The files that are no text.
    pub(super) problems: Vec<Problem>,
}

impl Sources {
    /// All rule and test files at `paths`; the shipped ones where no path is given.
    pub(super) fn at(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut sources = Self::default();
        if paths.is_empty() {
            let own =
                rule::shipped_sources().map(|(name, text)| (name.to_owned(), text.to_owned()));
            sources.texts.extend(own);
        }
        for path in paths {
            for (path, bytes) in gather(path).with_context(|| path.display().to_string())? {
                let name = path.display().to_string();
                match String::from_utf8(bytes) {
                    Ok(text) => sources.texts.push((name, text)),
                    Err(error) => {
                        let told = rule::load_bytes(&name, error.as_bytes()).problems;
                        sources.problems.extend(told);
                    }
                }
            }
        }
        Ok(sources)
    }

    /// The rules, and what is wrong with the others.
    pub(super) fn load(&self) -> Loaded {
        let mut loaded = RuleSet::load(self.given());
        loaded.problems.extend(self.problems.iter().cloned());
        loaded
    }

    /// Everything that is wrong with rules and their records.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = rule::check(self.given());
        problems.extend(self.problems.iter().cloned());
        problems
    }

    /// Names and texts, as rules are read from them.
    pub(super) fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

/// A file as it is given, or the rule and test files of a folder.
fn gather(path: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    if fs::metadata(path)?.is_dir() {
        return detect::files(path, |name| rule::is_rule_file(name) || rule::is_test_file(name));
    }
    Ok(vec![(path.to_owned(), fs::read(path)?)])
}
