//! System calls that no function needs, refused by seccomp.

use std::{collections::BTreeMap, env::consts::ARCH};

use nix::libc;
use seccompiler::{
    BackendError, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use crate::wall::{self, Wall};

/// Refused whatever their arguments are.
const REFUSED: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_perf_event_open,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    // The kernel itself.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // Keys and clocks.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
];

/// The families of sockets that stay; others, vsock first, are not bound to a network namespace.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Every flag of clone(2) that makes a namespace: within one, a function would be root again.
const NAMESPACE_FLAGS: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Refuses the calls from here on, for this process and all that it starts.
pub(super) fn refuse() -> Wall {
    match filters().map(|filters| filters.iter().try_for_each(apply)) {
        Ok(Ok(())) => Wall::stands(wall::CALLS, "refused by seccomp"),
        Ok(Err(error)) => Wall::missing(wall::CALLS, error.to_string()),
        Err(error) => Wall::missing(wall::CALLS, error.to_string()),
    }
}

fn apply(filter: &SeccompFilter) -> Result<(), seccompiler::Error> {
    let program: seccompiler::BpfProgram = filter.clone().try_into()?;
    apply_filter(&program)
}

fn filters() -> Result<[SeccompFilter; 2], BackendError> {
    let arch: TargetArch = ARCH.try_into()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm] {
        rules.insert(call, Vec::new());
    }
    let family = |family| argument(SeccompCmpOp::Ne, u64::from(family));
    let families = FAMILIES
        .iter()
        .filter_map(|number| u32::try_from(*number).ok())
        .map(family)
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(families)?]);
    let clones = NAMESPACE_FLAGS
        .iter()
        .map(|flag| {
            let flag = u64::from(flag.cast_unsigned());
            SeccompRule::new(vec![argument(SeccompCmpOp::MaskedEq(flag), flag)?])
        })
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_clone, clones);
    // clone3 keeps its flags in memory, where no filter reads: "no such call" makes every C
    // library fall back to clone.
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    Ok([filter(rules, libc::EPERM, arch)?, filter(clone3, libc::ENOSYS, arch)?])
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: i32,
    arch: TargetArch,
) -> Result<SeccompFilter, BackendError> {
    let refusal = SeccompAction::Errno(errno.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch)
}

/// A condition on a call's first argument.
fn argument(is: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(0, SeccompCmpArgLen::Dword, is, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_for_this_machine() {
        for filter in filters().unwrap() {
            let program: seccompiler::BpfProgram = filter.try_into().unwrap();
            assert!(!program.is_empty());
        }
    }
}
