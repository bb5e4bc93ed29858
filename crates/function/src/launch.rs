//! The launcher: our executable, run again, raises walls around itself and becomes the function.
//!
//! Two stages. The *outside* leaves the server's namespaces, binds the two listeners in its new
//! network and hands them to the server; the *inside* is the first process of the new process
//! namespace, builds the file system, gives up all privileges and runs the function. They talk to
//! the server over one socket, their standard input, in turns of one JSON line each, because
//! arguments and environments of processes are public and credentials are not.

mod calls;
mod files;
mod inside;
mod limits;
mod loopback;
mod message;
mod namespaces;
mod outside;
mod root;
mod sweep;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use nix::sys::signal::Signal;

pub(crate) use self::limits::{Limits, PROCESSES_SEEN_MAX};
pub(crate) use self::message::{GO, Inside, LINE_BYTES_MAX, Opened, Outside, Ready};
pub(crate) use self::namespaces::Namespaces;

/// The argument that names the second stage.
const INSIDE: &str = "inside";

/// The word to the outside of a function without a process namespace: end it, and all that it let go.
pub(crate) const SWEEP: Signal = Signal::SIGUSR1;

/// What a shell and this launcher add to a signal's number to make an exit code of it.
pub(crate) const SIGNAL_CODE: i32 = 128;

/// The launcher's whole life. `args` are those after the hidden command's name. Call it before any
/// thread is started: only a process of one thread may enter a new user namespace.
pub fn launch(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let inside = args.into_iter().any(|arg| arg == INSIDE);
    let ended = if inside { inside::run() } else { outside::run() };
    match ended {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(error) => {
            let line = format!("launcher: {error}\n");
            // The server reads standard error into the function's log; without it nobody listens.
            match io::stderr().write_all(line.as_bytes()) {
                Ok(()) | Err(_) => ExitCode::FAILURE,
            }
        }
    }
}

/// What went wrong before the function ran: the step, and the system's answer.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {source}")]
struct Stuck {
    step: &'static str,
    source: io::Error,
}

/// Names the step that an error belongs to.
trait Step<T> {
    fn step(self, step: &'static str) -> Result<T, Stuck>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: &'static str) -> Result<T, Stuck> {
        self.map_err(|source| Stuck { step, source: source.into() })
    }
}
