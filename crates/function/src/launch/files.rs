//! Which files a function reaches, kept by Landlock.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, path_beneath_rules,
};

/// The newest rules that we ask for; older kernels keep those that they know.
const RULES: ABI = ABI::V5;

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

/// Restricts this process and all that it starts; how well.
pub(super) fn restrict(readable: &[PathBuf], scratch: &Path) -> Result<&'static str, String> {
    match ruleset(readable, scratch) {
        Ok(RulesetStatus::FullyEnforced) => Ok("Landlock"),
        Ok(RulesetStatus::PartiallyEnforced) => Ok("Landlock, as far as this kernel knows it"),
        Ok(RulesetStatus::NotEnforced) => Err("this kernel has no Landlock".to_owned()),
        Err(error) => Err(format!("Landlock: {error}")),
    }
}

fn ruleset(readable: &[PathBuf], scratch: &Path) -> Result<RulesetStatus, RulesetError> {
    let read = AccessFs::from_read(RULES);
    let system = SYSTEM.iter().chain(["/proc"].iter()).map(Path::new);
    let readable = readable.iter().map(PathBuf::as_path).chain(system);
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .create()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules([scratch], AccessFs::from_all(RULES)))?;
    for device in DEVICES {
        if let Ok(device) = PathFd::new(device) {
            let access = AccessFs::ReadFile | AccessFs::WriteFile;
            rules = rules.add_rule(PathBeneath::new(device, access))?;
        }
    }
    Ok(rules.restrict_self()?.ruleset)
}
