//! A folder of rules on disk.

use std::path::Path;

use anyhow::Context;
use rule::Loaded;

/// How deep folders are followed.
const DEPTH_MAX: usize = 16;

/// Reads every rule under `folder`, by name, in the same order always.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn load_rules(folder: &Path) -> anyhow::Result<Loaded> {
    let mut sources = Vec::new();
    collect(folder, DEPTH_MAX, &mut sources)?;
    sources.sort();
    let mut loaded = Loaded::default();
    let mut texts = Vec::new();
    for (name, bytes) in sources {
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
    Ok(loaded)
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let reading = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let name = path.display().to_string();
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, into)?;
        } else if path.is_file() && rule::is_rule_file(&name) {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {name}"))?;
            into.push((name, bytes));
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
    fn a_folder_that_is_not_there_is_named() {
        let error = load_rules(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
