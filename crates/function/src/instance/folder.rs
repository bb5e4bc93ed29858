//! An instance's folder: made, measured, and removed however its function left it.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::Error;

/// Files and folders of a scratch folder that is measured; more count as too much.
const ENTRIES_MAX: usize = 65_536;
/// What a file's size on disk is counted in, in bytes, by stat(2).
const BLOCK_BYTES: u64 = 512;

/// Where instances' folders are.
pub(crate) fn folders(dir: &Path) -> PathBuf {
    dir.join("instances")
}

/// An instance's folder, gone with it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn make(dir: &Path, id: &str) -> Result<Self, Error> {
        let folder = Self(folders(dir).join(id));
        for path in [folder.scratch(), folder.root()] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|source| Error::Disk { path, source })?;
        }
        Ok(folder)
    }

    /// What the function writes.
    pub(super) fn scratch(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// Where its file system is put together; stays empty outside of it.
    pub(super) fn root(&self) -> PathBuf {
        self.0.join("root")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        match remove(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = self.0.display();
                tracing::warn!(%error, "{path} stays until the next start: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// What a folder holds on disk, in bytes; as much as can be where it cannot be counted, since only
/// who hides something makes it so.
pub(super) fn held_bytes(folder: &Path) -> u64 {
    let mut waiting = vec![folder.to_owned()];
    let (mut total, mut entries) = (0_u64, 0);
    while let Some(folder) = waiting.pop() {
        let listed = match fs::read_dir(&folder) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return u64::MAX,
        };
        for entry in listed.flatten() {
            entries += 1;
            if entries > ENTRIES_MAX {
                return u64::MAX;
            }
            // Of a link, its own size; what is gone already holds nothing.
            let Ok(what) = entry.metadata() else { continue };
            total = total.saturating_add(what.blocks().saturating_mul(BLOCK_BYTES));
            if what.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    total
}

/// Removes a folder with all that is in it.
///
/// A function may nest folders deeper than a path or a stack reaches, and take away its own right to
/// look into them. So each folder in a folder first moves up to the top.
pub(crate) fn remove(top: &Path) -> io::Result<()> {
    let mut moved = 0_u64;
    loop {
        let mut folders = Vec::new();
        for entry in fs::read_dir(top)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        if folders.is_empty() {
            return fs::remove_dir(top);
        }
        for folder in folders {
            fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    fs::remove_file(entry.path())?;
                    continue;
                }
                // What is to be moved must be writable itself: its `..` changes.
                fs::set_permissions(entry.path(), Permissions::from_mode(0o700))?;
                moved = place(top, &entry.path(), moved)?;
            }
            fs::remove_dir(&folder)?;
        }
    }
}

/// Moves a folder to where none is yet, by counting on; the number that it got, and one more.
fn place(top: &Path, folder: &Path, from: u64) -> io::Result<u64> {
    let mut number = from;
    loop {
        let to = top.join(format!("moved-{number}"));
        number += 1;
        if fs::symlink_metadata(&to).is_err() {
            return fs::rename(folder, to).map(|()| number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_deep_and_locked_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        fs::create_dir(&top).unwrap();
        let long = "n".repeat(250);
        // Beyond the longest path of 4,096 bytes: each folder is put into the next one.
        for depth in 0..40 {
            let (inner, outer) = (top.join(&long), top.join("outer"));
            fs::create_dir(&outer).unwrap();
            fs::write(outer.join("file"), "x").unwrap();
            if depth > 0 {
                fs::rename(&inner, outer.join(&long)).unwrap();
            }
            fs::rename(&outer, &inner).unwrap();
        }
        fs::write(top.join("moved-1"), "in the way").unwrap();
        std::os::unix::fs::symlink("/etc", top.join("link")).unwrap();
        assert_eq!(held_bytes(&top), u64::MAX);
        fs::set_permissions(top.join(&long), Permissions::from_mode(0o000)).unwrap();
        remove(&top).unwrap();
        assert!(!top.exists() && Path::new("/etc").exists());
    }

    #[test]
    fn a_hole_holds_nothing_and_bytes_do() {
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join("hole")).unwrap().set_len(1 << 30).unwrap();
        assert!(held_bytes(folder.path()) < 1 << 20);
        fs::write(folder.path().join("bytes"), vec![1; 1 << 20]).unwrap();
        assert!(held_bytes(folder.path()) >= 1 << 20);
        assert_eq!(held_bytes(&folder.path().join("gone")), 0);
    }
}
