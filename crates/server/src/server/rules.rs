//! The rules that the shipped function asks: the shipped ones, or those of the configured folders.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};

use crate::{config::Config, dir::DataDir};

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
        let mut files = Vec::new();
        for source in &config.rule.dirs {
            let found = detect::rule_files(source);
            files.extend(found.with_context(|| format!("`rule.dirs`: {}", source.display()))?);
        }
        for (number, (path, bytes)) in files.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let copy = folder.join(format!("{number:05}-{name}"));
            fs::write(&copy, bytes).with_context(|| copy.display().to_string())?;
        }
        let loaded = detect::load_rule_files(files);
        let refused: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        if loaded.rules.rules().len() == 0 {
            // Every event would fail, hours after anybody looked.
            bail!("`rule.dirs`: no rule there can be honoured\n{}", refused.join("\n"));
        }
        Ok(Self { folder: Some(folder), count: loaded.rules.rules().len(), refused })
    }
}
