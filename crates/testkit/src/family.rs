//! The processes that a server started: none may outlive it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

/// How long processes may take to be gone.
const TIME_MAX: Duration = Duration::from_secs(90);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A process: its id, and when it started, for ids are used again.
type Process = (i32, String);

/// The processes that descend from a server, as they were found at one moment.
#[derive(Debug, Default)]
pub(crate) struct Family(Vec<Process>);

impl Family {
    /// All processes that `pid` started, directly or not.
    pub(crate) fn of(pid: i32) -> Self {
        Self(descendants(pid))
    }

    /// Ends once none of them lives, nor any other that shows it belongs to the server which ran
    /// `program` over `dir`: one that started after the look, or that nobody is the parent of.
    ///
    /// # Errors
    /// Names those that stay.
    pub(crate) async fn gone(&self, program: &Path, dir: &Path) -> Result<()> {
        let deadline = Instant::now() + TIME_MAX;
        loop {
            let left: Vec<&Process> =
                self.0.iter().filter(|(pid, at)| started(*pid).as_ref() == Some(at)).collect();
            let orphans: Vec<String> =
                processes().into_iter().filter_map(|pid| orphan(pid, program, dir)).collect();
            if left.is_empty() && orphans.is_empty() {
                return Ok(());
            }
            let late = Instant::now() >= deadline;
            ensure!(!late, "processes are left behind: {left:?} {orphans:?}");
            sleep(LOOK_EVERY).await;
        }
    }
}

fn descendants(pid: i32) -> Vec<Process> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            found.extend(started(child).map(|at| (child, at)));
            found.extend(descendants(child));
        }
    }
    found
}

/// When a process started; `None` where it is gone, or a corpse that nobody has buried yet.
fn started(pid: i32) -> Option<String> {
    let fields = fields(pid)?;
    let alive = !matches!(fields.first()?.as_str(), "Z" | "X");
    alive.then(|| fields.get(19).cloned())?
}

/// What `stat` says of a process after its name: the state, the parent, and so on; the start is
/// the twenty-second field in all.
fn fields(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn processes() -> Vec<i32> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What betrays a process whose server is gone: its command line names the data directory, a
/// folder of that is mounted for it, or it runs the program and nobody above it belongs to a test.
fn orphan(pid: i32, program: &Path, dir: &Path) -> Option<String> {
    started(pid)?;
    let read = |what: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let (line, mounts, dir) = (read("cmdline"), read("mountinfo"), dir.to_str()?);
    let lost = runs(pid).is_some_and(|at| at == program) && !is_cared_for(pid, program);
    (lost || line.contains(dir) || mounts.contains(dir)).then(|| format!("{pid}: {line}"))
}

fn runs(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Whether some process above this one was built together with the program, as tests are.
fn is_cared_for(mut pid: i32, program: &Path) -> bool {
    let built = |at: PathBuf| program.parent().is_some_and(|folder| at.starts_with(folder));
    while let Some(parent) = fields(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
        if runs(parent).is_some_and(built) {
            return true;
        }
        pid = parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn whoever_names_the_directory_or_lost_its_test_is_found_and_others_are_not() {
        // Nothing but the shell is in its folder, so that nobody above it was built with it.
        let folder = tempfile::tempdir().unwrap();
        let shell = folder.path().join("shell");
        fs::copy("/bin/sh", &shell).unwrap();
        let (dir, other) = (Path::new("/a-directory/data"), Path::new("/another"));
        let mut command = Command::new(&shell);
        command.args(["-c", "echo; read line; true", dir.to_str().unwrap()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        // A process that has only just begun has no command line yet: once it speaks it has one.
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        assert!(orphan(pid, other, dir).is_some_and(|line| line.ends_with("/a-directory/data ")));
        assert_eq!(orphan(pid, other, other), None);
        assert!(orphan(pid, &shell, other).is_some());
        let test = runs(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(is_cared_for(pid, &test));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(orphan(pid, &shell, dir), None);
    }
}
