//! Rules that may change while a program runs: looked at again, and taken only where they are sound.

mod run;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use rule::Loaded;

pub use self::run::Running;
use crate::folder;

/// Problems that one message names; it says how many more there are.
const NAMED_MAX: usize = 5;

/// Folders and files of rules, and what they held when they were last looked at.
#[derive(Debug)]
pub struct RuleFolders {
    paths: Vec<PathBuf>,
    seen: Vec<Print>,
    /// What was wrong with the set that runs, and is no reason to refuse the next one.
    known: BTreeSet<(String, String)>,
}

/// A sound set: the files' bytes, and what they were read as.
#[derive(Debug)]
pub struct RuleFiles {
    /// Each file with its bytes, in the order in which they were read.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// The rules, and those that were refused.
    pub loaded: Loaded,
}

/// What another look found.
#[derive(Debug)]
pub enum Look {
    /// What it found before.
    Same,
    /// Another set, to be used from now on.
    New(RuleFiles),
    /// A set that must not replace the one that runs: why.
    Broken(String),
}

/// By what a changed file is told, without reading it.
#[derive(Debug, PartialEq, Eq)]
struct Print {
    path: PathBuf,
    bytes: u64,
    inode: u64,
    modified: (i64, i64),
}

impl RuleFolders {
    /// Reads the rules for the first time.
    ///
    /// # Errors
    /// Something cannot be read, or none of the rules can be honoured.
    pub fn open(paths: Vec<PathBuf>) -> anyhow::Result<(Self, RuleFiles)> {
        let mut folders = Self { paths, seen: Vec::new(), known: BTreeSet::new() };
        // The prints are taken first: what changes while the files are read is seen by the next look.
        folders.seen = folders.prints()?;
        let files = folders.read()?;
        folders.known = problems(&files.loaded);
        Ok((folders, files))
    }

    /// Looks again; reads only where something changed. A broken set is told once, until the files
    /// change again.
    pub fn look(&mut self) -> Look {
        let prints = match self.prints() {
            Ok(prints) if prints == self.seen => return Look::Same,
            Ok(prints) => prints,
            // An unreadable folder is told once as well.
            Err(_) if self.seen.is_empty() => return Look::Same,
            Err(error) => {
                self.seen.clear();
                return Look::Broken(format!("{error:#}"));
            }
        };
        self.seen = prints;
        match self.read() {
            Err(error) => Look::Broken(format!("{error:#}")),
            Ok(files) => match self.new_problems(&files.loaded) {
                Some(why) => Look::Broken(why),
                None => {
                    self.known = problems(&files.loaded);
                    Look::New(files)
                }
            },
        }
    }

    fn prints(&self) -> anyhow::Result<Vec<Print>> {
        let mut prints = Vec::new();
        for path in &self.paths {
            let found = fs::metadata(path).with_context(|| format!("{}", path.display()))?;
            if found.is_dir() {
                let files = folder::listing(path, rule::is_rule_file)?;
                prints.extend(files.into_iter().map(|(path, found)| print(path, &found)));
            } else {
                prints.push(print(path.clone(), &found));
            }
        }
        Ok(prints)
    }

    fn read(&self) -> anyhow::Result<RuleFiles> {
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(gather(path)?);
        }
        let loaded = folder::load_rule_files(files.clone());
        if loaded.rules.rules().len() == 0 {
            // Nothing would ever alert, and nobody would know.
            let refused = named(loaded.problems.iter().map(ToString::to_string).collect());
            let from: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
            bail!("no rule in {} can be honoured{refused}", from.join(", "));
        }
        Ok(RuleFiles { files, loaded })
    }

    /// What is wrong with the new set and was not with the one that runs. Lines may have moved.
    fn new_problems(&self, loaded: &Loaded) -> Option<String> {
        let new = loaded.problems.iter().filter(|problem| {
            !self.known.contains(&(problem.file.clone(), problem.reason.clone()))
        });
        let new: Vec<String> = new.map(ToString::to_string).collect();
        (!new.is_empty()).then(|| format!("a rule that cannot be honoured{}", named(new)))
    }
}

fn print(path: PathBuf, found: &fs::Metadata) -> Print {
    let modified = (found.mtime(), found.mtime_nsec());
    Print { path, bytes: found.len(), inode: found.ino(), modified }
}

/// A file as it is given, or the rule files of a folder.
fn gather(path: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let named = || format!("{}", path.display());
    if fs::metadata(path).with_context(named)?.is_dir() {
        return folder::rule_files(path);
    }
    Ok(vec![(path.to_owned(), fs::read(path).with_context(named)?)])
}

fn problems(loaded: &Loaded) -> BTreeSet<(String, String)> {
    let problems = loaded.problems.iter();
    problems.map(|problem| (problem.file.clone(), problem.reason.clone())).collect()
}

/// The first problems in one line.
fn named(problems: Vec<String>) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let more = problems.len().saturating_sub(NAMED_MAX);
    let first: Vec<String> = problems.into_iter().take(NAMED_MAX).collect();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!(": {}{more}", first.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const RULE: &str = "title: T\nid: 11111111-1111-4111-8111-111111111111\nstatus: test\nlevel: low\n\
        logsource:\n  product: aws\n  service: cloudtrail\n\
        detection:\n  selection:\n    eventName: CreateTopic\n  condition: selection\n";

    fn folder() -> (tempfile::TempDir, RuleFolders) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yml"), RULE).unwrap();
        let (folders, files) = RuleFolders::open(vec![folder.path().to_owned()]).unwrap();
        assert_eq!(files.loaded.rules.rules().len(), 1);
        (folder, folders)
    }

    #[test]
    fn what_did_not_change_is_not_read_again() {
        let (_folder, mut folders) = folder();
        assert!(matches!(folders.look(), Look::Same));
    }

    #[test]
    fn a_new_rule_is_taken() {
        let (folder, mut folders) = folder();
        let other = RULE.replace("11111111-", "22222222-");
        fs::write(folder.path().join("b.yml"), other).unwrap();
        let Look::New(files) = folders.look() else { panic!() };
        assert_eq!((files.files.len(), files.loaded.rules.rules().len()), (2, 2));
        assert!(matches!(folders.look(), Look::Same));
    }

    #[test]
    fn a_rule_taken_away_is_gone() {
        let (folder, mut folders) = folder();
        fs::write(folder.path().join("b.yml"), RULE.replace("11111111-", "22222222-")).unwrap();
        assert!(matches!(folders.look(), Look::New(_)));
        fs::remove_file(folder.path().join("a.yml")).unwrap();
        let Look::New(files) = folders.look() else { panic!() };
        assert_eq!(files.loaded.rules.rules().len(), 1);
    }

    #[test]
    fn a_broken_set_is_told_once_and_its_repair_is_taken() {
        let (folder, mut folders) = folder();
        fs::write(folder.path().join("b.yml"), "title: [").unwrap();
        let Look::Broken(why) = folders.look() else { panic!() };
        assert!(why.contains("b.yml:"), "{why}");
        assert!(matches!(folders.look(), Look::Same));
        fs::remove_file(folder.path().join("b.yml")).unwrap();
        assert!(matches!(folders.look(), Look::New(_)));
    }

    #[test]
    fn a_rule_that_was_refused_at_the_start_holds_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yml"), RULE).unwrap();
        fs::write(folder.path().join("old.yml"), "title: [").unwrap();
        let (mut folders, files) = RuleFolders::open(vec![folder.path().to_owned()]).unwrap();
        assert_eq!(files.loaded.problems.len(), 1);
        fs::write(folder.path().join("b.yml"), RULE.replace("11111111-", "22222222-")).unwrap();
        assert!(matches!(folders.look(), Look::New(_)));
    }

    #[test]
    fn no_rule_at_all_is_refused() {
        let (folder, mut folders) = folder();
        fs::remove_file(folder.path().join("a.yml")).unwrap();
        let Look::Broken(why) = folders.look() else { panic!() };
        assert!(why.starts_with("no rule in "), "{why}");
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(matches!(folders.look(), Look::Broken(_) | Look::Same));
        let error = RuleFolders::open(vec![folder.path().to_owned()]).unwrap_err();
        assert!(format!("{error:#}").contains(&folder.path().display().to_string()));
    }
}
