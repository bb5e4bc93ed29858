//! The end of a function without a process namespace: what it let go is found and killed.
//!
//! Orphans are the outside's children, wherever they moved their session. It looks for them when
//! the function has ended, when the server says so and when the server is gone.

use std::{
    os::unix::process::parent_id,
    process::{Child, ExitStatus},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use nix::{
    sys::{
        signal::{SigSet, Signal, kill},
        wait::waitpid,
    },
    unistd::Pid,
};

use super::{SIGNAL_CODE, SWEEP, Step, Stuck, outside::code};
use crate::memory;

/// Looks for descendants at most: one that forks faster than it is killed stays.
const ROUNDS_MAX: usize = 10_000;

/// What ends the outside's wait.
enum Ended {
    Function(std::io::Result<ExitStatus>),
    /// Asked to, or the server is gone.
    Told,
}

/// Waits for the function's end or for the word to end it; nothing of it is left then.
pub(super) fn see_through(mut child: Child, server: u32) -> Result<i32, Stuck> {
    let (function, ended) = sync_channel(2);
    let told = function.clone();
    start(move || function.send(Ended::Function(child.wait())).is_ok())?;
    start(move || wait_for_word(&told))?;
    // The server may have gone before its end was to be told.
    let first = if parent_id() == server { ended.recv().ok() } else { None };
    sweep();
    match first {
        Some(Ended::Function(status)) => status.step("second stage").map(code),
        Some(Ended::Told) | None => Ok(SIGNAL_CODE + Signal::SIGKILL as i32),
    }
}

fn start(work: impl FnOnce() -> bool + Send + 'static) -> Result<(), Stuck> {
    thread::Builder::new().spawn(work).map(drop).step("thread")
}

fn wait_for_word(told: &SyncSender<Ended>) -> bool {
    SigSet::from(SWEEP).wait().is_ok() && told.send(Ended::Told).is_ok()
}

/// Kills all descendants.
fn sweep() {
    let own = std::process::id();
    for _ in 0..ROUNDS_MAX {
        let family = memory::family(own);
        let descendants = family.into_iter().filter(|pid| *pid != own);
        let pids: Vec<_> =
            descendants.filter_map(|pid| i32::try_from(pid).ok()).map(Pid::from_raw).collect();
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            match kill(pid, Signal::SIGKILL) {
                // What is gone already needs no killing.
                Ok(()) | Err(_) => {}
            }
        }
        // Its own children wait to be looked at, and hand over theirs.
        match waitpid(None, None) {
            Ok(_) | Err(_) => {}
        }
    }
}
