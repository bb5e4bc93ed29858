//! What the server and the two stages say to each other, a JSON line each.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, IoSlice, Read, Write},
    mem::MaybeUninit,
    net::SocketAddr,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Limits, Namespaces};
use crate::wall::Wall;

/// The longest line, in bytes.
pub(crate) const LINE_BYTES_MAX: usize = 256 * 1024;

/// The server's last word: every wall that it insists on stands, the function may run.
pub(crate) const GO: &str = "go";

/// The server tells the outside how to start the inside.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outside {
    pub(crate) launcher: Vec<OsString>,
    /// The server's process id, to notice that it is gone already.
    pub(crate) server: u32,
}

/// The outside tells what it got; the listeners travel with it, the Runtime API's first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) walls: Vec<Wall>,
    pub(crate) namespaces: Namespaces,
    pub(crate) runtime: SocketAddr,
    /// Bound only in a network of its own; elsewhere the server's own endpoint is in reach.
    pub(crate) endpoint: Option<SocketAddr>,
}

/// The server tells the inside what to become.
#[derive(Serialize, Deserialize)]
pub(crate) struct Inside {
    pub(crate) command: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) readable: Vec<PathBuf>,
    /// What it reads elsewhere than it lies: from, to.
    pub(crate) shown: Vec<(PathBuf, PathBuf)>,
    /// The folder that the function may write.
    pub(crate) scratch: PathBuf,
    /// An empty folder to build the file system in.
    pub(crate) root: PathBuf,
    /// Where it begins; the scratch folder where nothing is named.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) namespaces: Namespaces,
    /// The ports of its Runtime API and endpoint, for one that shares a network.
    pub(crate) ports: Vec<u16>,
}

/// The inside tells that only the server's word is missing.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) walls: Vec<Wall>,
    /// Nothing but the server's measuring bounds what the function writes to its scratch folder.
    pub(crate) scratch_is_unbounded: bool,
}

/// The socket to the server.
pub(super) struct Control {
    lines: BufReader<UnixStream>,
}

impl Control {
    /// Takes standard input, which the server made a socket.
    pub(super) fn from_stdin() -> io::Result<Self> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self { lines: BufReader::new(UnixStream::from(socket)) })
    }

    /// The next line; an error at its end, which is the server's.
    pub(super) fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut line = Vec::new();
        self.lines.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server is gone"));
        }
        serde_json::from_slice(&line).map_err(io::Error::from)
    }

    pub(super) fn say<T: Serialize>(&mut self, what: &T) -> io::Result<()> {
        self.lines.get_mut().write_all(&line(what)?)
    }

    /// Says `what` and hands over descriptors with its first byte.
    pub(super) fn hand<T: Serialize>(
        &mut self,
        what: &T,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let bytes = line(what)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other("more than two descriptors"));
        }
        let socket = self.lines.get_mut();
        let sent = sendmsg(&*socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
        socket.write_all(bytes.get(sent..).unwrap_or_default())
    }

    /// The socket once more, for the next stage's standard input.
    pub(super) fn again(&self) -> io::Result<UnixStream> {
        self.lines.get_ref().try_clone()
    }
}

fn line<T: Serialize>(what: &T) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(what)?;
    bytes.push(b'\n');
    Ok(bytes)
}
