//! New namespaces, as many as the kernel gives.

use std::{fs, io};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};
use serde::{Deserialize, Serialize};

use crate::wall::{self, Wall};

/// Which namespaces are the function's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Namespaces {
    /// Users: the function's root is nobody outside.
    pub(crate) users: bool,
    /// Mounts: it may have another file system.
    pub(crate) mounts: bool,
    /// Processes: it sees only its own.
    pub(crate) processes: bool,
    /// Network: it has only a loopback of its own.
    pub(crate) network: bool,
}

/// Leaves every namespace that the kernel lets us leave, and says what was refused.
pub(super) fn leave() -> (Namespaces, Vec<Wall>) {
    let mut own = Namespaces::default();
    let mut missing = Vec::new();
    let users = leave_users();
    own.users = users.is_ok();
    let mut refused = |name, error: io::Error| {
        let because = match &users {
            Ok(()) => error.to_string(),
            Err(users) => format!("{error}; no user namespace either: {users}"),
        };
        missing.push(Wall::missing(name, because));
    };
    match unshare(CloneFlags::CLONE_NEWNS) {
        Ok(()) => own.mounts = true,
        Err(error) => refused(wall::FILES, error.into()),
    }
    // Names of the machine and System V objects are part of seeing others.
    let others = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    match unshare(others) {
        Ok(()) => own.processes = true,
        Err(error) => refused(wall::PROCESSES, error.into()),
    }
    match unshare(CloneFlags::CLONE_NEWNET) {
        Ok(()) => own.network = true,
        Err(error) => refused(wall::NETWORK, error.into()),
    }
    (own, missing)
}

/// Enters a user namespace in which we are root and, outside of which, still only who we were.
fn leave_users() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // Without this a group that is denied something could be dropped to gain it.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}
