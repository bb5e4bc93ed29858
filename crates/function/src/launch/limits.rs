//! Limits that the kernel itself keeps.

use std::{fs, io};

use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

use super::Namespaces;
use crate::wall::{self, Wall};

/// Processes and threads of a function, as on Lambda.
const PROCESSES_MAX: u64 = 1_024;
/// Numbers that a process namespace gives out once only, of pid_namespaces(7) and the kernel.
const NUMBERS_ONCE: u64 = 300;
/// More than the kernel lets there be, where it does bound them.
pub(crate) const PROCESSES_SEEN_MAX: u64 = PROCESSES_MAX + NUMBERS_ONCE;
/// The first kernel that knows a highest process number for each namespace; to others the same file
/// is the whole machine's.
const OWN_NUMBERS_SINCE: (u32, u32) = (6, 14);
/// Open files of a process, as on Lambda.
const FILES_MAX: u64 = 1_024;
/// What a process may keep from being swapped out, in bytes.
const LOCKED_BYTES_MAX: u64 = 64 * 1024;
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
    /// All that the function may keep in its scratch folder, in bytes.
    pub(crate) scratch_bytes: u64,
    /// Processor time of one process, in seconds.
    pub(crate) cpu_seconds: u64,
}

/// Sets all limits; `processes` is how their number is bounded.
pub(super) fn set(limits: Limits, processes: Result<(), String>) -> Wall {
    let data = limits.memory_bytes.saturating_mul(DATA_FACTOR).max(DATA_BYTES_MIN);
    let wanted = [
        (Resource::RLIMIT_DATA, data, "memory"),
        (Resource::RLIMIT_NOFILE, FILES_MAX, "open files"),
        (Resource::RLIMIT_FSIZE, limits.scratch_bytes, "file size"),
        (Resource::RLIMIT_CPU, limits.cpu_seconds, "processor time"),
        (Resource::RLIMIT_CORE, 0, "core dumps"),
        (Resource::RLIMIT_MSGQUEUE, 0, "message queues"),
        (Resource::RLIMIT_MEMLOCK, LOCKED_BYTES_MAX, "locked memory"),
        // Whoever was put behind the others stays there.
        (Resource::RLIMIT_NICE, 0, "priority"),
        (Resource::RLIMIT_RTPRIO, 0, "real time"),
    ];
    let refused = wanted.into_iter().filter_map(|(resource, limit, name)| {
        setrlimit(resource, limit, limit).err().map(|error| format!("{name}: {error}"))
    });
    let refused: Vec<String> =
        refused.chain(processes.err().map(|why| format!("processes: {why}"))).collect();
    if refused.is_empty() {
        Wall::stands(wall::LIMITS, "kept by the kernel; memory is measured")
    } else {
        Wall::missing(wall::LIMITS, format!("{}; the server measures and ends", refused.join("; ")))
    }
}

/// Bounds how many processes and threads there may be, by the machine's own `/proc`.
///
/// They are counted by user, which only a user namespace makes ours alone, and the machine's root
/// is not counted at all: for it the namespace's numbers are made few.
pub(super) fn bound_processes(own: Namespaces) -> Result<(), String> {
    if !own.users {
        return Err("counted by user, and the user is not the function's own".to_owned());
    }
    setrlimit(Resource::RLIMIT_NPROC, PROCESSES_MAX, PROCESSES_MAX)
        .map_err(|error| error.to_string())?;
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    if !is_root_outside(&map) {
        return Ok(());
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if !own.processes || version(&release).is_none_or(|version| version < OWN_NUMBERS_SINCE) {
        return Err("the kernel does not count those of root, as whom the server runs".to_owned());
    }
    few_numbers().map_err(|error| format!("the namespace's numbers stay many: {error}"))
}

fn few_numbers() -> io::Result<()> {
    fs::write("/proc/sys/kernel/pid_max", PROCESSES_SEEN_MAX.to_string())
}

/// Whether the only user of a namespace is root where it was made.
fn is_root_outside(map: &str) -> bool {
    map.split_ascii_whitespace().nth(1) == Some("0")
}

/// Major and minor, of `6.14.0-rc1`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_as_old_as_it_says() {
        assert_eq!(version("6.14.0-29-generic\n"), Some((6, 14)));
        assert_eq!(version("5.4-rc1"), Some((5, 4)));
        assert_eq!(version("six"), None);
        assert!(version("6.9.1") < Some(OWN_NUMBERS_SINCE));
    }

    #[test]
    fn root_is_whoever_the_map_says() {
        assert!(is_root_outside("         0          0          1\n"));
        assert!(!is_root_outside("         0       1000          1\n"));
        assert!(!is_root_outside(""));
    }
}
