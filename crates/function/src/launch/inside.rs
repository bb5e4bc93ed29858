//! The second stage: the file system, limits, privileges and system calls; then the function.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::{
        prctl::{set_no_new_privs, set_pdeathsig},
        signal::{SigSet, Signal},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use super::{
    GO, Inside, Ready, SIGNAL_CODE, SWEEP, Step, Stuck, calls, files, limits, message::Control,
    root,
};
use crate::wall::{self, Wall};

pub(super) fn run() -> Result<i32, Stuck> {
    set_pdeathsig(Signal::SIGKILL).step("parent's death")?;
    let mut control = Control::from_stdin().step("standard input")?;
    let order: Inside = control.hear().step("order")?;
    let mut walls = Vec::new();
    // By the server's own `/proc`: the function's is sealed.
    let processes = limits::bound_processes(order.namespaces);
    let Enclosed { scratch, scratch_is_unbounded } = enclose(&order, &mut walls)?;
    walls.push(limits::set(order.limits, processes));
    walls.push(renounce());
    let own_root = scratch != order.scratch;
    let own_network = order.namespaces.network;
    let ports = (!own_network).then_some(order.ports.as_slice());
    // Landlock knows files, wherever they are shown.
    let landlock = files::restrict(&seen(&order, own_root), &scratch, ports);
    let narrowed = landlock.as_ref().is_ok_and(|kept| kept.ports);
    let files = files_wall(own_root, landlock.map(|kept| kept.how), &walls);
    walls.retain(|wall| wall.name != wall::FILES);
    walls.push(files);
    let beyond = match (own_network, narrowed) {
        (true, _) if own_root => None,
        (true, _) => Some("sockets that others keep in the file system stay in reach"),
        (false, true) => Some("only streams, to the numbers of its two ports, whoever has them"),
        (false, false) => Some("only streams, to everybody"),
    };
    walls.extend(beyond.map(|why| Wall::missing(wall::NETWORK, why)));
    walls.push(calls::refuse(own_network));
    // Giving up privileges may have ended the watch.
    set_pdeathsig(Signal::SIGKILL).step("parent's death")?;
    control.say(&Ready { walls, scratch_is_unbounded }).step("report")?;
    let word: String = control.hear().step("the server's word")?;
    if word != GO {
        return Ok(0);
    }
    drop(control);
    become_function(&order, &scratch)
}

/// Where the scratch folder is from now on.
struct Enclosed {
    scratch: PathBuf,
    scratch_is_unbounded: bool,
}

/// Enters a file system of its own where it may.
fn enclose(order: &Inside, walls: &mut Vec<Wall>) -> Result<Enclosed, Stuck> {
    let Inside { root, readable, shown, scratch, namespaces, limits, .. } = order;
    let outside = || Enclosed { scratch: scratch.clone(), scratch_is_unbounded: true };
    if !namespaces.mounts {
        if namespaces.processes {
            walls.push(Wall::missing(wall::PROCESSES, "the server's /proc stays in sight"));
        }
        return Ok(outside());
    }
    let scratch_is_unbounded =
        match root::build(root, readable, shown, scratch, limits.scratch_bytes) {
            Ok(unbounded) => unbounded,
            Err(error) => {
                let why = format!("no file system of its own: {error}");
                walls.push(Wall::missing(wall::PROCESSES, why.as_str()));
                walls.push(Wall::missing(wall::FILES, why));
                return Ok(outside());
            }
        };
    // Half a change of file systems is none: what fails here fails the start.
    root::enter(root).step("file system")?;
    if namespaces.processes {
        walls.push(Wall::stands(wall::PROCESSES, "a process namespace of its own"));
    }
    Ok(Enclosed { scratch: PathBuf::from(root::SCRATCH), scratch_is_unbounded })
}

/// Two things keep the files, and either is enough.
fn files_wall(own_root: bool, landlock: Result<&'static str, String>, walls: &[Wall]) -> Wall {
    let without = walls.iter().find(|wall| wall.name == wall::FILES);
    let without = without.map(|wall| format!("; {}", wall.why)).unwrap_or_default();
    match (own_root, landlock) {
        (true, Ok(how)) => Wall::stands(wall::FILES, format!("a file system of its own and {how}")),
        (true, Err(why)) => Wall::stands(wall::FILES, format!("a file system of its own; {why}")),
        (false, Ok(how)) => Wall::stands(wall::FILES, format!("{how}{without}")),
        (false, Err(why)) => Wall::missing(wall::FILES, format!("{why}{without}")),
    }
}

/// Gives up every capability, for good.
fn renounce() -> Wall {
    let nothing = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    let renounced = set_no_new_privs()
        .map_err(io::Error::from)
        .and_then(|()| set_capabilities(None, nothing).map_err(io::Error::from));
    match renounced {
        Ok(()) => Wall::stands(wall::PRIVILEGES, "no capabilities, and none to gain"),
        Err(error) => Wall::missing(wall::PRIVILEGES, error.to_string()),
    }
}

/// What the function reads, where it finds it.
fn seen(order: &Inside, own_root: bool) -> Vec<PathBuf> {
    let shown = order.shown.iter().map(|(from, to)| if own_root { to } else { from });
    order.readable.iter().chain(shown).cloned().collect()
}

fn become_function(order: &Inside, scratch: &Path) -> Result<i32, Stuck> {
    let own_root = scratch == Path::new(root::SCRATCH);
    let place = |text: &OsStr| if own_root { text.to_owned() } else { moved(text, &order.shown) };
    let (program, args) = order
        .command
        .split_first()
        .ok_or_else(|| io::Error::other("no command"))
        .step("function")?;
    let mut command = Command::new(place(program));
    command.args(args.iter().map(|arg| place(arg))).env_clear();
    command.envs(order.env.iter().map(|(name, value)| (name, place(value))));
    let folder = order.folder.as_ref().map(|folder| PathBuf::from(place(folder.as_os_str())));
    command.current_dir(folder.as_deref().unwrap_or(scratch)).stdin(Stdio::null());
    if !own_root {
        command.env(OsStr::new("TMPDIR"), scratch);
    }
    // The outside keeps polite ends from itself, and who is blocked is inherited.
    let mut blocked = SigSet::from(Signal::SIGTERM);
    blocked.add(SWEEP);
    blocked.thread_unblock().step("signals")?;
    if !order.namespaces.processes {
        // Becoming the function keeps the watch over the parent's death on it.
        return Err(Stuck { step: "function", source: command.exec() });
    }
    let function = command.spawn().step("function")?;
    see_through(Pid::from_raw(i32::try_from(function.id()).unwrap_or(i32::MAX)))
}

/// A text that names places where files are shown, for a function that sees them where they lie.
fn moved(text: &OsStr, shown: &[(PathBuf, PathBuf)]) -> OsString {
    let Some(plain) = text.to_str() else { return text.to_owned() };
    let mut plain = plain.to_owned();
    for (from, to) in shown {
        if let (Some(from), Some(to)) = (from.to_str(), to.to_str()) {
            plain = plain.replace(to, from);
        }
    }
    plain.into()
}

/// The first process of its namespace inherits every orphan, and all end with it.
fn see_through(function: Pid) -> Result<i32, Stuck> {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == function => return Ok(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == function => {
                return Ok(SIGNAL_CODE + signal as i32);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Stuck { step: "function", source: error.into() }),
        }
    }
}
