//! A new network's loopback, switched on by one netlink message.

use std::{io, os::fd::AsRawFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// `RTM_NEWLINK`, of rtnetlink(7).
const NEW_LINK: u16 = 16;
/// `NLM_F_REQUEST | NLM_F_ACK`, of netlink(7).
const REQUEST_AND_ACK: u16 = 0x1 | 0x4;
/// `IFF_UP`, of netdevice(7).
const UP: u32 = 1;
/// The loopback is a network's first interface.
const LOOPBACK: i32 = 1;
/// A `struct nlmsghdr` and a `struct ifinfomsg`, in bytes.
const REQUEST_BYTES: u32 = 32;
/// An acknowledgement holds the request's header too, in bytes.
const ANSWER_BYTES_MAX: usize = 256;

/// Switches the loopback on; the kernel gives it 127.0.0.1 itself.
pub(super) fn up() -> io::Result<()> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    sendto(socket.as_raw_fd(), &request(), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0_u8; ANSWER_BYTES_MAX];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    verdict(answer.get(..length).unwrap_or_default())
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(REQUEST_BYTES.to_ne_bytes());
    bytes.extend(NEW_LINK.to_ne_bytes());
    bytes.extend(REQUEST_AND_ACK.to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes()); // Sequence number.
    bytes.extend(0_u32.to_ne_bytes()); // To the kernel.
    bytes.extend([0; 4]); // Family, padding, device type: any.
    bytes.extend(LOOPBACK.to_ne_bytes());
    bytes.extend(UP.to_ne_bytes()); // Flags,
    bytes.extend(UP.to_ne_bytes()); // and which of them to change.
    bytes
}

/// An acknowledgement is a `struct nlmsgerr`: after the header, zero or a negated errno.
fn verdict(answer: &[u8]) -> io::Result<()> {
    let code = answer.get(16..20).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(code.saturating_neg())),
        None => Err(io::Error::other("the kernel's answer is too short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_says() {
        assert_eq!(request().len(), usize::try_from(REQUEST_BYTES).unwrap());
    }

    #[test]
    fn a_refusal_keeps_its_reason() {
        let mut answer = vec![0; 36];
        assert!(verdict(&answer).is_ok());
        answer[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(verdict(&answer).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(verdict(&[]).is_err());
    }
}
