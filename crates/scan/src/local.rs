//! Files on disk: of a folder, or of a pattern. Links inside a folder are not followed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::{item::Item, report::Failure};

/// How many folders of a walk are open at a time: no more than an archive has levels, so that no
/// folder's names have to be kept in memory.
const FOLDERS_OPEN_MAX: usize = 32;

/// The files of one folder or pattern, found as they are asked for.
pub(crate) enum Local {
    /// A file that is still to be handed out.
    One(Option<Item>),
    Folder(walkdir::IntoIter),
    Pattern {
        paths: glob::Paths,
        text: String,
        is_empty: bool,
        folder: Option<Folder>,
    },
}

/// A folder that a pattern gave: walked whole, so that its files are not taken up twice where the
/// pattern gives them as well.
pub(crate) struct Folder {
    path: PathBuf,
    walk: Box<Local>,
}

impl Local {
    /// A file or a folder. A link that is itself given is followed.
    pub(crate) fn path(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                let walk = WalkDir::new(path).min_depth(1).max_open(FOLDERS_OPEN_MAX);
                Self::Folder(walk.into_iter())
            }
            Ok(_) => Self::One(Some(Item::File(path.to_owned()))),
            Err(error) => Self::One(Some(failed(path, &error))),
        }
    }

    /// All that a pattern matches.
    pub(crate) fn pattern(text: &str) -> Self {
        match glob::glob(text) {
            Ok(paths) => {
                Self::Pattern { paths, text: text.to_owned(), is_empty: true, folder: None }
            }
            Err(error) => Self::One(Some(Item::Failed(Failure {
                object: text.to_owned(),
                offset: None,
                reason: format!("no such file, and as a pattern: {error}"),
            }))),
        }
    }

    fn next_of_pattern(&mut self) -> Option<Item> {
        let Self::Pattern { paths, text, is_empty, folder } = self else { return None };
        loop {
            if let Some(item) = folder.as_mut().and_then(|folder| folder.walk.next()) {
                return Some(item);
            }
            let Some(found) = paths.next() else {
                let nothing = Failure {
                    object: text.clone(),
                    offset: None,
                    reason: "no file matches".to_owned(),
                };
                return std::mem::take(is_empty).then_some(Item::Failed(nothing));
            };
            *is_empty = false;
            let path = match found {
                Ok(path) => path,
                Err(error) => return Some(failed(error.path(), error.error())),
            };
            let is_walked = folder.as_ref().is_some_and(|folder| path.starts_with(&folder.path));
            if !is_walked {
                match Self::path(&path) {
                    walk @ Self::Folder(_) => *folder = Some(Folder { path, walk: Box::new(walk) }),
                    mut one => return one.next(),
                }
            }
        }
    }
}

impl Iterator for Local {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        match self {
            Self::One(item) => item.take(),
            Self::Folder(walk) => loop {
                match walk.next()? {
                    Ok(entry) if entry.file_type().is_dir() => {}
                    Ok(entry) if entry.file_type().is_file() => {
                        return Some(Item::File(entry.into_path()));
                    }
                    Ok(_) => return Some(Item::NotAFile),
                    Err(error) => {
                        let path = error.path().unwrap_or(Path::new("")).to_owned();
                        let error = io::Error::from(error);
                        return Some(failed(&path, &error));
                    }
                }
            },
            Self::Pattern { .. } => self.next_of_pattern(),
        }
    }
}

/// What cannot be read on disk, and why.
pub(crate) fn failed(path: &Path, error: &io::Error) -> Item {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "not allowed to read it".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Item::Failed(Failure { object: path.display().to_string(), offset: None, reason })
}
