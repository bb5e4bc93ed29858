//! Limits that the kernel itself keeps.

use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

use crate::wall::{self, Wall};

/// Processes and threads of a function, as on Lambda.
const PROCESSES_MAX: u64 = 1_024;
/// Open files of a process, as on Lambda.
const FILES_MAX: u64 = 1_024;
/// Data segments over memory: runtimes reserve far more than they touch.
const DATA_FACTOR: u64 = 4;
/// What a runtime reserves however little memory it is given, in bytes.
const DATA_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// What differs from function to function.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// What the function may use, in bytes. The server measures and ends it beyond; the limit set
    /// here, a few times that, holds between two measurements.
    pub(crate) memory_bytes: u64,
    /// The largest file, in bytes.
    pub(crate) file_bytes: u64,
    /// Processor time of one process, in seconds.
    pub(crate) cpu_seconds: u64,
}

/// Sets all limits. Processes are counted by user: only a user namespace makes that ours alone.
pub(super) fn set(limits: Limits, own_users: bool) -> Wall {
    let data = limits.memory_bytes.saturating_mul(DATA_FACTOR).max(DATA_BYTES_MIN);
    let mut wanted = vec![
        (Resource::RLIMIT_DATA, data, "memory"),
        (Resource::RLIMIT_NOFILE, FILES_MAX, "open files"),
        (Resource::RLIMIT_FSIZE, limits.file_bytes, "file size"),
        (Resource::RLIMIT_CPU, limits.cpu_seconds, "processor time"),
        (Resource::RLIMIT_CORE, 0, "core dumps"),
    ];
    if own_users {
        wanted.push((Resource::RLIMIT_NPROC, PROCESSES_MAX, "processes"));
    }
    let mut refused: Vec<String> = wanted
        .into_iter()
        .filter_map(|(resource, limit, name)| {
            setrlimit(resource, limit, limit).err().map(|error| format!("{name}: {error}"))
        })
        .collect();
    if !own_users {
        refused.push("processes: counted by user, and the user is not the function's own".into());
    }
    if refused.is_empty() {
        Wall::stands(wall::LIMITS, "set by setrlimit; memory is measured too")
    } else {
        Wall::missing(wall::LIMITS, refused.join("; "))
    }
}
