//! The first stage: new namespaces, the listeners in them, and the second stage in front of it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::{
        fd::AsFd,
        unix::process::{ExitStatusExt, parent_id},
    },
    process::{Command, ExitStatus, Stdio},
};

use nix::{
    sys::{
        prctl::{set_child_subreaper, set_pdeathsig},
        signal::{SigSet, Signal},
    },
    unistd::setsid,
};

use super::{
    INSIDE, Namespaces, Opened, Outside, SIGNAL_CODE, SWEEP, Step, Stuck, loopback,
    message::Control, namespaces, sweep,
};
use crate::wall::{self, Wall};

/// Where AWS's own runtimes find the Runtime API; free in a network of its own.
const RUNTIME_PORT: u16 = 9001;
/// Where the AWS endpoint is in a network of its own.
const ENDPOINT_PORT: u16 = 4580;

pub(super) fn run() -> Result<i32, Stuck> {
    let mut control = Control::from_stdin().step("standard input")?;
    let order: Outside = control.hear().step("order")?;
    tie(order.server)?;
    let (own, mut walls) = namespaces::leave();
    walls.push(if own.processes {
        Wall::stands(wall::LIFE, "killed when the server ends")
    } else {
        Wall::missing(wall::LIFE, "what it starts and lets go is looked for at its end, no more")
    });
    let (runtime, endpoint) = if own.network {
        let up = loopback::up();
        let runtime = listen(RUNTIME_PORT);
        // Some kernels have it up already and know no message for it: then listening works.
        if runtime.is_err() {
            up.step("loopback")?;
        }
        walls.push(Wall::stands(wall::NETWORK, "a network of its own"));
        (runtime?, Some(listen(ENDPOINT_PORT)?))
    } else {
        (listen(0)?, None)
    };
    let opened = Opened {
        walls,
        namespaces: own,
        runtime: runtime.local_addr().step("address")?,
        endpoint: endpoint.as_ref().map(TcpListener::local_addr).transpose().step("address")?,
    };
    let descriptors: Vec<_> =
        [Some(&runtime), endpoint.as_ref()].into_iter().flatten().map(AsFd::as_fd).collect();
    control.hand(&opened, &descriptors).step("hand-over")?;
    // The inside must not hold the listeners: a second reader would take calls and never answer.
    drop((runtime, endpoint));
    become_parent(&order, own, &control)
}

/// A session of our own that ends with the server's.
fn tie(server: u32) -> Result<(), Stuck> {
    setsid().step("session")?;
    set_pdeathsig(Signal::SIGKILL).step("parent's death")?;
    // The server may have gone before it was watched.
    if parent_id() != server {
        return Err(Stuck { step: "parent", source: std::io::Error::other("the server is gone") });
    }
    // Orphans become our children, so that they are measured, and found at the end.
    set_child_subreaper(true).step("orphans")
}

fn listen(port: u16) -> Result<TcpListener, Stuck> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).step("listener")
}

fn become_parent(order: &Outside, own: Namespaces, control: &Control) -> Result<i32, Stuck> {
    let (program, args) = order
        .launcher
        .split_first()
        .ok_or_else(|| std::io::Error::other("no launcher"))
        .step("second stage")?;
    // A polite end goes to the whole session; this stage stays, to see the function through.
    let mut kept = SigSet::from(Signal::SIGTERM);
    kept.add(SWEEP);
    kept.thread_block().step("signals")?;
    let mut child = Command::new(program)
        .args(args)
        .arg(INSIDE)
        .env_clear()
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(control.again().step("socket")?)))
        .spawn()
        .step("second stage")?;
    if own.processes {
        return child.wait().step("second stage").map(code);
    }
    set_pdeathsig(SWEEP).step("parent's death")?;
    sweep::see_through(child, order.server)
}

/// An exit code that tells a signal as a shell does.
pub(super) fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNAL_CODE + signal))
        .unwrap_or(SIGNAL_CODE)
}
