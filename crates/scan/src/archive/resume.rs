//! A file that says how far a scan of archives got, so that it can go on after an interruption.
//!
//! What it says has been read has been reported. After an interruption, what was read in the last
//! seconds is read and reported again. Findings of earlier runs are not repeated. An object that
//! could not be read is tried again by the next run. Objects that arrive in a folder after it was
//! read whole belong to another scan.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::ledger::Progress;

/// How often it is written while a scan runs.
pub(crate) const WRITTEN_EVERY: Duration = Duration::from_secs(5);
/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The form of the file.
const VERSION: u32 = 1;

/// Where a scan goes on, and where it says how far it got.
#[derive(Clone, Debug)]
pub struct Resume {
    file: PathBuf,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    trailhound_scan: u32,
    /// The arguments that it belongs to.
    arguments: BTreeMap<String, String>,
    /// How far each archive has been read.
    archives: BTreeMap<String, Progress>,
}

/// Why a scan cannot go on with a file.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("{file} does not say how far a scan got: name another file, or remove it ({why})")]
    Other {
        /// The file.
        file: PathBuf,
        /// What was expected.
        why: String,
    },
    /// It belongs to another scan.
    #[error(
        "{file} belongs to a scan with another {argument} ({theirs}, and not {ours}): repeat that \
         scan's arguments, or name another file"
    )]
    Elsewhere {
        /// The file.
        file: PathBuf,
        /// What differs.
        argument: String,
        /// What the file says.
        theirs: String,
        /// What was given now.
        ours: String,
    },
}

impl Resume {
    /// Opens the file of a scan with these arguments; begins anew where there is none.
    ///
    /// # Errors
    /// It cannot be read, is something else, or belongs to other arguments.
    pub fn open(file: &Path, arguments: BTreeMap<String, String>) -> Result<Self, ResumeError> {
        let archives = match read(file)? {
            None => BTreeMap::new(),
            Some(kept) => {
                refuse_others(file, &kept.arguments, &arguments)?;
                kept.archives
            }
        };
        let kept = Kept { trailhound_scan: VERSION, arguments, archives };
        Ok(Self { file: file.to_owned(), kept: Arc::new(Mutex::new(kept)) })
    }

    /// Where it is kept.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How far an archive has been read.
    pub(crate) fn progress(&self, archive: &str) -> Progress {
        let kept = self.kept.lock().expect("no holder panics");
        kept.archives.get(archive).cloned().unwrap_or_default()
    }

    /// Writes how far an archive has been read.
    pub(crate) fn write(&self, archive: &str, progress: Progress) -> io::Result<()> {
        // Held while writing: what is written last is the latest.
        let mut kept = self.kept.lock().expect("no holder panics");
        if kept.archives.get(archive) == Some(&progress) && self.file.exists() {
            return Ok(());
        }
        kept.archives.insert(archive.to_owned(), progress);
        let text = serde_json::to_vec(&*kept)?;
        let mut name = self.file.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = self.file.with_file_name(name);
        let mut written = File::create(&new)?;
        written.write_all(&text)?;
        written.sync_all()?;
        fs::rename(&new, &self.file)?;
        let folder = self.file.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn read(file: &Path) -> Result<Option<Kept>, ResumeError> {
    let failed = |source| ResumeError::Read { file: file.to_owned(), source };
    let bytes = match fs::metadata(file) {
        Ok(found) if found.len() > FILE_BYTES_MAX => {
            return Err(failed(io::Error::other(format!(
                "it has more than {FILE_BYTES_MAX} bytes"
            ))));
        }
        Ok(_) => fs::read(file).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let other = |why| ResumeError::Other { file: file.to_owned(), why };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| other(error.to_string()))?;
    if kept.trailhound_scan != VERSION {
        return Err(other(format!("its version is {}, not {VERSION}", kept.trailhound_scan)));
    }
    Ok(Some(kept))
}

fn refuse_others(
    file: &Path,
    theirs: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
) -> Result<(), ResumeError> {
    let differs = theirs.keys().chain(ours.keys()).find(|key| theirs.get(*key) != ours.get(*key));
    let Some(argument) = differs else { return Ok(()) };
    let value = |of: &BTreeMap<String, String>| match of.get(argument) {
        Some(value) => format!("`{}`", value.escape_default()),
        None => "none".to_owned(),
    };
    Err(ResumeError::Elsewhere {
        file: file.to_owned(),
        argument: argument.clone(),
        theirs: value(theirs),
        ours: value(ours),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(rules: &str) -> BTreeMap<String, String> {
        [("rules".to_owned(), rules.to_owned())].into()
    }

    #[test]
    fn what_is_written_is_read_again_by_a_scan_with_the_same_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("progress.json");
        let resume = Resume::open(&file, arguments("a")).unwrap();
        assert_eq!(resume.progress("s3://b/"), Progress::default());
        let progress = Progress { done: ["AWSLogs/".to_owned()].into(), ..Progress::default() };
        resume.write("s3://b/", progress.clone()).unwrap();
        let resume = Resume::open(&file, arguments("a")).unwrap();
        assert_eq!(resume.progress("s3://b/"), progress);
        assert_eq!(resume.progress("s3://c/"), Progress::default());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_scan_is_refused_by_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("progress.json");
        let resume = Resume::open(&file, arguments("a")).unwrap();
        resume.write("s3://b/", Progress::default()).unwrap();
        let error = Resume::open(&file, arguments("b")).unwrap_err().to_string();
        assert!(error.contains("another rules (`a`, and not `b`)"), "{error}");
        let error = Resume::open(&file, BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("(`a`, and not none)"), "{error}");
    }

    #[test]
    fn something_else_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("letter.txt");
        fs::write(&file, "Dear Ada").unwrap();
        let error = Resume::open(&file, arguments("a")).unwrap_err().to_string();
        assert!(error.contains("letter.txt") && error.contains("name another file"), "{error}");
    }
}
