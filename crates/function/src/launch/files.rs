//! Which files a function reaches, kept by Landlock; and, where namespaces do not, whom it signals
//! and which ports it reaches.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};

/// The newest rules that we ask for; older kernels keep those that they know.
const RULES: ABI = ABI::V6;
/// The first rules that know ports.
const PORTS_SINCE: ABI = ABI::V4;

/// The system's own: libraries, interpreters, names, certificates. Everyone may read them.
pub(super) const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// Devices that programs expect everywhere.
pub(super) const DEVICES: &[&str] =
    &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// How well a process is restricted.
pub(super) struct Kept {
    pub(super) how: &'static str,
    /// Whether it connects to the given ports alone.
    pub(super) ports: bool,
}

/// Restricts this process and all that it starts. `ports` are all that it may connect to,
/// where it shares a network.
pub(super) fn restrict(
    readable: &[PathBuf],
    scratch: &Path,
    ports: Option<&[u16]>,
) -> Result<Kept, String> {
    let status = ruleset(readable, scratch, ports).map_err(|error| format!("Landlock: {error}"))?;
    let how = match status.ruleset {
        RulesetStatus::FullyEnforced => "Landlock",
        RulesetStatus::PartiallyEnforced => "Landlock, as far as this kernel knows it",
        RulesetStatus::NotEnforced => return Err("this kernel has no Landlock".to_owned()),
    };
    let knows_ports = matches!(
        status.landlock,
        LandlockStatus::Available { effective_abi, .. } if effective_abi >= PORTS_SINCE
    );
    Ok(Kept { how, ports: ports.is_some() && knows_ports })
}

fn ruleset(
    readable: &[PathBuf],
    scratch: &Path,
    ports: Option<&[u16]>,
) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::from_read(RULES);
    let system = SYSTEM.iter().chain(["/proc"].iter()).map(Path::new);
    let readable = readable.iter().map(PathBuf::as_path).chain(system);
    let mut asked = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(RULES))?;
    if ports.is_some() {
        asked = asked.handle_access(AccessNet::from_all(RULES))?;
    }
    let mut rules = asked
        .create()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules([scratch], AccessFs::from_all(RULES)))?;
    for device in DEVICES {
        if let Ok(device) = PathFd::new(device) {
            let access = AccessFs::ReadFile | AccessFs::WriteFile;
            rules = rules.add_rule(PathBeneath::new(device, access))?;
        }
    }
    for port in ports.unwrap_or_default() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()
}
