//! The rules that the shipped function asks: the shipped ones, or those of the configured folders.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};

use crate::{config::Config, dir::DataDir};

/// Files that one folder may hold.
const FILES_MAX: usize = 10_000;
/// How large one rule file may be, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What the function is given.
pub(crate) struct Rules {
    /// The folder that the function reads; `None` for the shipped rules.
    pub(crate) folder: Option<PathBuf>,
    /// How many rules run.
    pub(crate) count: usize,
    /// The refused ones: place and reason.
    pub(crate) refused: Vec<String>,
}

impl Rules {
    /// Reads the configured folders and copies what they hold to where the function can read it.
    pub(crate) fn gather(config: &Config, dir: &DataDir) -> anyhow::Result<Self> {
        let folder = dir.path().join("rules");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        if config.rule.dirs.is_empty() {
            let count = rule::RuleSet::shipped().rules().len();
            return Ok(Self { folder: None, count, refused: Vec::new() });
        }
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut sources = Vec::new();
        for source in &config.rule.dirs {
            read_folder(source, &mut sources)
                .with_context(|| format!("`rule.dirs`: {}", source.display()))?;
        }
        let texts = sources.iter().map(|(path, text)| (path.display().to_string(), text));
        let loaded = rule::RuleSet::load(texts);
        for (number, (path, text)) in sources.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let copy = folder.join(format!("{number:05}-{name}"));
            fs::write(&copy, text).with_context(|| copy.display().to_string())?;
        }
        let refused = loaded.problems.iter().map(ToString::to_string).collect();
        Ok(Self { folder: Some(folder), count: loaded.rules.rules().len(), refused })
    }
}

/// Reads the rule files below `folder`, in the order of their names.
fn read_folder(folder: &std::path::Path, into: &mut Vec<(PathBuf, String)>) -> anyhow::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_folder(&path, into)?;
        } else if kind.is_file() && rule::is_rule_file(&entry.file_name().to_string_lossy()) {
            if entry.metadata()?.len() > FILE_BYTES_MAX {
                bail!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
            }
            if into.len() >= FILES_MAX {
                bail!("there are more than {FILES_MAX} rule files");
            }
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read as text", path.display()))?;
            into.push((path, text));
        }
    }
    Ok(())
}
