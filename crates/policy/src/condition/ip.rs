//! Blocks of addresses.

use std::{net::IpAddr, str::FromStr};

/// The addresses that begin with these bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    base: IpAddr,
    bits: u32,
}

impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address block: give one such as 203.0.113.0/24");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        Ok(Self { base, bits })
    }
}

impl Block {
    pub(crate) fn holds(&self, address: &str) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let shift = width.saturating_sub(self.bits);
            one.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.base, address.parse().map(|found: IpAddr| found.to_canonical())) {
            (IpAddr::V4(base), Ok(IpAddr::V4(found))) => {
                same(u32::from(base).into(), u32::from(found).into(), 32)
            }
            (IpAddr::V6(base), Ok(IpAddr::V6(found))) => same(base.into(), found.into(), 128),
            _ => false,
        }
    }
}
