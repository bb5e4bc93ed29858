//! The repository as the tests see it: its files, its manifests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The text of a file, named from the root.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A manifest, or another file of TOML, named from the root.
pub(crate) fn toml(name: &str) -> Table {
    text(name).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The table at `path` of a manifest; empty where there is none.
pub(crate) fn table(manifest: &Table, path: &[&str]) -> Table {
    let found = path.iter().try_fold(Value::Table(manifest.clone()), |value, name| {
        value.as_table().and_then(|table| table.get(*name)).cloned()
    });
    found.and_then(|value| value.as_table().cloned()).unwrap_or_default()
}

/// All files under folders, named from the root, in order; build products are no files of ours.
pub(crate) fn files(folders: &[&str]) -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = waiting.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries.map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true if entry.file_name() == "target" => {}
                true => waiting.push(entry.path()),
                false => {
                    let path = entry.path();
                    found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    found.sort();
    found
}

/// What runs outside tests: without the test module at the end of the file and without comments.
pub(crate) fn code(source: &str) -> String {
    let until = source.find("#[cfg(test)]").unwrap_or(source.len());
    let lines = source.get(..until).unwrap().lines();
    let code = lines.map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    code.collect::<Vec<_>>().join("\n")
}

/// Fails with everything that is broken, one line each.
#[track_caller]
pub(crate) fn none(broken: impl IntoIterator<Item = String>) {
    let broken: Vec<String> = broken.into_iter().collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}
