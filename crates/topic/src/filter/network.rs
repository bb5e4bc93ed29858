//! A block of addresses: `10.0.0.0/24`, `2001:db8::/32`.

use std::{net::IpAddr, str::FromStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(drop)?;
        let plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u32 = bits.parse().ok().filter(|_| plain).ok_or(())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        if bits > whole {
            return Err(());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    /// Whether `text` is an address of this block.
    pub(super) fn contains(self, text: &str) -> bool {
        match (self.address, text.parse::<IpAddr>()) {
            (IpAddr::V4(ours), Ok(IpAddr::V4(theirs))) => {
                same(u32::from(ours).into(), u32::from(theirs).into(), 32 - self.bits)
            }
            (IpAddr::V6(ours), Ok(IpAddr::V6(theirs))) => {
                same(ours.into(), theirs.into(), 128 - self.bits)
            }
            _ => false,
        }
    }
}

/// Whether two numbers are the same but for the last `free` bits.
fn same(a: u128, b: u128, free: u32) -> bool {
    (a ^ b).checked_shr(free).unwrap_or(0) == 0
}
