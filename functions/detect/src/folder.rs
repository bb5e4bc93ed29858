//! A folder of rules on disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use rule::Loaded;

/// How deep folders are followed.
const DEPTH_MAX: usize = 16;
/// Files that one folder may hold.
const FILES_MAX: usize = 10_000;
/// How large one of them may be, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads every rule under `folder`, by name, in the same order always.
///
/// # Errors
/// Those of [`rule_files`].
pub fn load_rules(folder: &Path) -> anyhow::Result<Loaded> {
    Ok(load_rule_files(rule_files(folder)?))
}

/// The rules in these files; a file that is no rule is a problem that names it.
pub fn load_rule_files(files: Vec<(PathBuf, Vec<u8>)>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut texts = Vec::new();
    for (path, bytes) in files {
        let name = path.display().to_string();
        match String::from_utf8(bytes) {
            Ok(text) => texts.push((name, text)),
            Err(error) => {
                loaded.problems.extend(rule::load_bytes(&name, error.as_bytes()).problems);
            }
        }
    }
    let read = rule::RuleSet::load(texts.into_iter());
    loaded.rules = read.rules;
    loaded.problems.extend(read.problems);
    loaded
}

/// Every rule file under `folder`, as [`files`] reads it.
///
/// # Errors
/// Those of [`files`].
pub fn rule_files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    files(folder, rule::is_rule_file)
}

/// Every file under `folder` whose name is `wanted`, with its bytes, by name. Links are followed,
/// since that is how files are mounted into containers; names that begin with a dot are not, since
/// that is where those links lead.
///
/// # Errors
/// The folder or a file in it cannot be read, or there are too many, too large or too deep ones.
pub fn files(folder: &Path, wanted: fn(&str) -> bool) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let found = listing(folder, wanted)?;
    found.into_iter().map(|(path, _)| Ok((path.clone(), read(&path)?))).collect()
}

/// As [`files`], with what the disk says of each file in place of its bytes.
pub(crate) fn listing(
    folder: &Path,
    wanted: fn(&str) -> bool,
) -> anyhow::Result<Vec<(PathBuf, fs::Metadata)>> {
    let mut files = Vec::new();
    collect(folder, wanted, DEPTH_MAX, &mut files)?;
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(files)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| reading(path))
}

fn reading(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn collect(
    folder: &Path,
    wanted: fn(&str) -> bool,
    depth: usize,
    into: &mut Vec<(PathBuf, fs::Metadata)>,
) -> anyhow::Result<()> {
    if depth == 0 {
        bail!("{} lies too deep: does a link lead back?", folder.display());
    }
    for entry in fs::read_dir(folder).with_context(|| reading(folder))? {
        let entry = entry.with_context(|| reading(folder))?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let found = fs::metadata(&path).with_context(|| reading(&path))?;
        if found.is_dir() {
            collect(&path, wanted, depth - 1, into)?;
        } else if found.is_file() && wanted(&name.to_string_lossy()) {
            if found.len() > FILE_BYTES_MAX {
                bail!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
            }
            if into.len() >= FILES_MAX {
                bail!("there are more than {FILES_MAX} files");
            }
            into.push((path, found));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_folder_reads_as_what_is_compiled_in() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules"));
        let loaded = load_rules(folder).unwrap();
        assert_eq!(loaded.problems, []);
        assert_eq!(loaded.rules.rules().len(), rule::RuleSet::shipped().rules().len());
    }

    #[test]
    fn a_folder_mounted_into_a_container_holds_each_rule_once() {
        let folder = tempfile::tempdir().unwrap();
        let versions = folder.path().join("..2026_11_23");
        fs::create_dir(&versions).unwrap();
        fs::write(versions.join("a.yml"), "title: a").unwrap();
        std::os::unix::fs::symlink("..2026_11_23", folder.path().join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/a.yml", folder.path().join("a.yml")).unwrap();
        let files = rule_files(folder.path()).unwrap();
        assert_eq!(files, [(folder.path().join("a.yml"), b"title: a".to_vec())]);
    }

    #[test]
    fn a_link_that_leads_back_is_an_error_and_no_endless_walk() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("again")).unwrap();
        let error = rule_files(folder.path()).unwrap_err().to_string();
        assert!(error.contains("does a link lead back?"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = load_rules(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
