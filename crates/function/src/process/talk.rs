//! The server's end of the socket to a launcher: lines both ways, listeners one way.

use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncWriteExt, Interest},
    net::UnixStream,
};

use crate::launch::LINE_BYTES_MAX;

/// Read at once, in bytes.
const READ_BYTES: usize = 4 * 1024;

pub(super) struct Talk {
    socket: UnixStream,
    bytes: Vec<u8>,
    handed: VecDeque<OwnedFd>,
}

impl Talk {
    pub(super) fn new(socket: StdStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        Ok(Self { socket, bytes: Vec::new(), handed: VecDeque::new() })
    }

    pub(super) async fn say<T: Serialize>(&mut self, what: &T) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(what)?;
        bytes.push(b'\n');
        self.socket.write_all(&bytes).await
    }

    /// The next line. Descriptors that travel with it are kept for `listener`.
    pub(super) async fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return serde_json::from_slice(&line).map_err(io::Error::from);
            }
            if self.bytes.len() > LINE_BYTES_MAX {
                return Err(io::Error::other("a line is too long"));
            }
            self.socket.readable().await?;
            let Self { socket, bytes, handed } = self;
            match socket.try_io(Interest::READABLE, || read(socket, bytes, handed)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next listener that was handed over.
    pub(super) fn listener(&mut self) -> Option<TcpListener> {
        self.handed.pop_front().map(TcpListener::from)
    }
}

fn read(
    socket: &UnixStream,
    bytes: &mut Vec<u8>,
    handed: &mut VecDeque<OwnedFd>,
) -> io::Result<usize> {
    let mut buffer = [0_u8; READ_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let into = &mut [IoSliceMut::new(&mut buffer)];
    let read = recvmsg(socket, into, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            handed.extend(descriptors);
        }
    }
    bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    Ok(read)
}
