//! Which addresses may be spoken to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that the guard does not let out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Never allowed: link-local, metadata, multicast, unspecified, broadcast.
    #[error("{0} is a link-local, metadata or multicast address, which is never called")]
    Always(IpAddr),
    /// Loopback or private, and the configuration does not allow those.
    #[error("{0} is a loopback or private address: set `outgoing.allow_private = true` to call it")]
    Private(IpAddr),
}

/// Whether `address` may be spoken to.
pub(crate) fn check(address: IpAddr, allow_private: bool) -> Result<(), Refused> {
    let plain = match address {
        IpAddr::V6(v6) => embedded_v4(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let (never, private) = match plain {
        IpAddr::V4(v4) => (never_v4(v4), private_v4(v4)),
        IpAddr::V6(v6) => (never_v6(v6), private_v6(v6)),
    };
    if never {
        Err(Refused::Always(address))
    } else if private && !allow_private {
        Err(Refused::Private(address))
    } else {
        Ok(())
    }
}

/// The IPv4 address inside a mapped, a compatible (::/96), a translated (64:ff9b::/96, or a network's
/// own out of 64:ff9b:1::/48) or a 6to4 (2002::/16) one: a way around.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low] => Some(from(high, low)),
        // What is left of it are `::` and `::1`, which are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

fn never_v4(v4: Ipv4Addr) -> bool {
    // 100.100.100.200 is the metadata address of a cloud that does not use link-local.
    v4.is_link_local()
        || v4.is_multicast()
        || v4.is_broadcast()
        || v4.octets()[0] == 0
        || v4.octets()[0] >= 240
        || v4 == Ipv4Addr::new(100, 100, 100, 200)
}

fn private_v4(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    v4.is_loopback()
        || v4.is_private()
        || (first == 100 && (64..128).contains(&second))
        || (first == 198 && (second == 18 || second == 19))
        || (first == 192 && second == 0 && v4.octets()[2] == 0)
}

fn never_v6(v6: Ipv6Addr) -> bool {
    // fd00:ec2::254 is AWS's metadata address on IPv6.
    v6.is_unspecified()
        || v6.is_multicast()
        || v6.is_unicast_link_local()
        || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
}

fn private_v6(v6: Ipv6Addr) -> bool {
    v6.is_loopback() || v6.is_unique_local() || (v6.segments()[0] & 0xffc0) == 0xfec0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(address: &str, allow_private: bool) -> &'static str {
        match check(address.parse().unwrap(), allow_private) {
            Ok(()) => "ok",
            Err(Refused::Always(_)) => "always",
            Err(Refused::Private(_)) => "private",
        }
    }

    #[test]
    fn metadata_and_link_local_are_refused_even_where_private_is_allowed() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "fd00:ec2::254",
            "::",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            assert_eq!(verdict(address, true), "always", "{address}");
        }
    }

    #[test]
    fn private_addresses_need_leave() {
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b:1:2::10.0.0.1",
        ] {
            assert_eq!(verdict(address, false), "private", "{address}");
            assert_eq!(verdict(address, true), "ok", "{address}");
        }
    }

    #[test]
    fn public_addresses_are_spoken_to() {
        for address in ["8.8.8.8", "172.15.0.1", "2606:4700::1111"] {
            assert_eq!(verdict(address, false), "ok", "{address}");
        }
    }
}
