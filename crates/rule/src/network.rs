//! Networks of addresses, as `cidr` names them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// All addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

/// The text is not a network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a network: give one such as 10.0.0.0/8 or fc00::/7")]
pub(crate) struct InvalidNetwork(String);

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// Reads `10.0.0.0/8`; a lone address is a network of one.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits_max = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| invalid())?
            }
            Some(_) => return Err(invalid()),
            None => bits_max,
        };
        if bits > bits_max { Err(invalid()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// Whether `text` is an address of this network; an IPv4 address in IPv6's clothes is one too.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        match (self.address, address) {
            (IpAddr::V6(network), IpAddr::V6(address)) => self.same_v6(network, address),
            (IpAddr::V4(network), other) => match other.to_canonical() {
                IpAddr::V4(address) => self.same_v4(network, address),
                IpAddr::V6(_) => false,
            },
            (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn same_v4(&self, network: Ipv4Addr, address: Ipv4Addr) -> bool {
        let differing = network.to_bits() ^ address.to_bits();
        differing.checked_shr(Ipv4Addr::BITS - self.bits).unwrap_or(0) == 0
    }

    fn same_v6(&self, network: Ipv6Addr, address: Ipv6Addr) -> bool {
        let differing = network.to_bits() ^ address.to_bits();
        differing.checked_shr(Ipv6Addr::BITS - self.bits).unwrap_or(0) == 0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_share_its_bits() {
        let check = |network: &str, address: &str, held: bool| {
            assert_eq!(
                network.parse::<Network>().unwrap().holds(address),
                held,
                "{network} {address}"
            );
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7/32", "192.0.2.8", false);
        check("2001:db8::/32", "2001:db8:1::9", true);
        check("::/0", "fe80::1", true);
        check("10.0.0.0/8", "cloudformation.amazonaws.com", false);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "*", "::/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
