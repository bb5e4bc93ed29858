//! `trailhound rules export`: the shipped rules as files, to be changed.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};

use crate::output;

/// Writes every shipped file into `dir`, which must be new or empty: nobody's rules are overwritten.
pub(super) fn run(dir: &Path) -> anyhow::Result<ExitCode> {
    let shown = dir.display();
    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {shown}"))?;
    if fs::read_dir(dir).with_context(|| format!("cannot read {shown}"))?.next().is_some() {
        bail!("{shown} is not empty: give a new or an empty folder");
    }
    let mut files = 0;
    for (name, text) in rule::shipped_sources() {
        let path = dir.join(name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        files += usize::from(rule::is_rule_file(name));
    }
    output::line(&format!("{files} rules with their test records are in {shown}."));
    Ok(ExitCode::SUCCESS)
}
