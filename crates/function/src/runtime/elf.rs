//! Whether a program is for this machine, by its first bytes.

use std::{
    env::consts::{ARCH, OS},
    fs::File,
    io::Read,
    path::Path,
};

/// What a function's program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Architecture {
    #[serde(rename = "x86_64")]
    X86,
    #[serde(rename = "arm64")]
    Arm,
}

impl Architecture {
    /// This machine's.
    pub(crate) const OWN: Option<Self> = {
        if cfg!(target_arch = "x86_64") {
            Some(Self::X86)
        } else if cfg!(target_arch = "aarch64") {
            Some(Self::Arm)
        } else {
            None
        }
    };

    /// AWS's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }

    /// The one of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::X86, Self::Arm].into_iter().find(|one| one.name() == name)
    }

    /// `e_machine` of an ELF header (System V ABI, gABI 4.3).
    fn machine(self) -> u16 {
        match self {
            Self::X86 => 62,
            Self::Arm => 183,
        }
    }
}

/// Why this machine cannot run the program at `path`; `None` where it can, or there is none.
pub(crate) fn program_fault(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    fault(&head)
}

/// As much of a header as says for which machine it is, in bytes.
const HEAD_BYTES: u64 = 20;

fn fault(head: &[u8]) -> Option<String> {
    let own = Architecture::OWN?;
    let system = match head {
        [b'#', b'!', ..] => return None,
        [0x7f, b'E', b'L', b'F', class, order, ..] => {
            // 64 bits, least significant byte first; the machine is the tenth pair of bytes.
            let machine = head.get(18..20).and_then(|two| two.try_into().ok());
            let machine = machine.map(u16::from_le_bytes).unwrap_or_default();
            if (*class, *order, machine) == (2, 1, own.machine()) {
                return None;
            }
            match [Architecture::X86, Architecture::Arm].iter().find(|a| a.machine() == machine) {
                Some(other) => format!("for {}", other.name()),
                None => format!("for the ELF machine {machine}"),
            }
        }
        [b'M', b'Z', ..] => "for Windows".to_owned(),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            "for macOS".to_owned()
        }
        _ => "neither an ELF executable nor a script that begins with #!".to_owned(),
    };
    let target = match own {
        Architecture::X86 => "x86_64-unknown-linux-musl",
        Architecture::Arm => "aarch64-unknown-linux-musl",
    };
    Some(format!(
        "The zip's `bootstrap` is {system}, and this server runs on {OS} {ARCH}: build it for \
         {ARCH} (in Rust, --target {target})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_another_system_is_told_by_its_first_bytes() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(fault(&own[..20]), None);
        assert_eq!(fault(b"#!/bin/sh\n"), None);
        let mut other = own[..20].to_vec();
        other[18] ^= 62 ^ 183;
        let told = fault(&other).unwrap();
        assert!(told.contains("for arm64") || told.contains("for x86_64"), "{told}");
        assert!(fault(b"MZ\x90\0").unwrap().contains("for Windows"));
        assert!(fault(b"\xcf\xfa\xed\xfe").unwrap().contains("for macOS"));
        assert!(fault(b"").unwrap().contains("neither"));
    }
}
