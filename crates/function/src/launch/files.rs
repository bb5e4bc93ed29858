//! Which files a function reaches, kept by Landlock; and, where namespaces do not, whom it signals
//! and which ports it reaches.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

/// The newest rules that we ask for; older kernels keep those that they know.
const RULES: ABI = ABI::V6;

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

/// Restricts this process and all that it starts; how well. `ports` are all that it may connect to,
/// where it shares a network.
pub(super) fn restrict(
    readable: &[PathBuf],
    scratch: &Path,
    ports: Option<&[u16]>,
) -> Result<&'static str, String> {
    match ruleset(readable, scratch, ports) {
        Ok(RulesetStatus::FullyEnforced) => Ok("Landlock"),
        Ok(RulesetStatus::PartiallyEnforced) => Ok("Landlock, as far as this kernel knows it"),
        Ok(RulesetStatus::NotEnforced) => Err("this kernel has no Landlock".to_owned()),
        Err(error) => Err(format!("Landlock: {error}")),
    }
}

fn ruleset(
    readable: &[PathBuf],
    scratch: &Path,
    ports: Option<&[u16]>,
) -> Result<RulesetStatus, RulesetError> {
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
    Ok(rules.restrict_self()?.ruleset)
}
