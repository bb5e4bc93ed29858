//! System calls that no function needs, refused by seccomp.
//!
//! Refused are those that reach beyond the function, and those that make memory which no process
//! is seen to hold, since memory is measured by process.

use std::{collections::BTreeMap, env::consts::ARCH};

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
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
    libc::SYS_process_madvise,
    // A share of the processors that the server has lowered.
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
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
    libc::SYS_fanotify_init,
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

/// As if this kernel did not have them: whoever asks for one knows what to do without.
const UNKNOWN: &[i64] = &[
    // Keeps its flags in memory, where no filter reads; every C library falls back to clone.
    libc::SYS_clone3,
    // Memory that is no process's own.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
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

/// What of a socket's second argument is its kind; the rest are flags.
const SOCKET_KIND: u64 = 0xf;
/// Where the numbers of x32 begin, of x86_64's second set of calls.
const X32: u32 = 0x4000_0000;

/// Refuses the calls from here on, for this process and all that it starts. Without a network of
/// its own the function keeps streams alone: where they lead, Landlock says.
pub(super) fn refuse(own_network: bool) -> Wall {
    match programs(own_network).map(|all| all.iter().try_for_each(|one| apply_filter(one))) {
        Ok(Ok(())) => Wall::stands(wall::CALLS, "refused by seccomp"),
        Ok(Err(error)) => Wall::missing(wall::CALLS, error.to_string()),
        Err(error) => Wall::missing(wall::CALLS, error.to_string()),
    }
}

fn programs(own_network: bool) -> Result<Vec<BpfProgram>, BackendError> {
    let arch: TargetArch = ARCH.try_into()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt]
    {
        rules.insert(call, Vec::new());
    }
    rules.insert(libc::SYS_socket, sockets(own_network)?);
    let clones = NAMESPACE_FLAGS
        .iter()
        .map(|flag| {
            let flag = u64::from(flag.cast_unsigned());
            SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
        })
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_clone, clones);
    let unknown = UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    let mut all = vec![filter(rules, libc::EPERM, arch)?, filter(unknown, libc::ENOSYS, arch)?];
    if arch == TargetArch::x86_64 {
        all.push(other_numbers());
    }
    Ok(all)
}

/// Any of these refuses a socket.
fn sockets(own_network: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let number = |number: i32| u64::from(number.cast_unsigned());
    let is = |at, value| argument(at, SeccompCmpOp::Eq, number(value));
    let is_not = |at, value| argument(at, SeccompCmpOp::Ne, number(value));
    let families =
        FAMILIES.iter().map(|family| is_not(0, *family)).collect::<Result<Vec<_>, _>>()?;
    let mut rules = vec![
        SeccompRule::new(families)?,
        // What lists a machine's addresses asks for routes; other protocols speak to the kernel.
        SeccompRule::new(vec![is(0, libc::AF_NETLINK)?, is_not(2, libc::NETLINK_ROUTE)?])?,
    ];
    if !own_network {
        for family in [libc::AF_INET, libc::AF_INET6] {
            let kind = SeccompCmpOp::MaskedEq(SOCKET_KIND);
            for other in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_SEQPACKET] {
                let other = argument(1, kind.clone(), number(other))?;
                rules.push(SeccompRule::new(vec![is(0, family)?, other])?);
            }
        }
    }
    Ok(rules)
}

/// Refuses the second set of numbers under which some kernels offer the same calls (x32): a list
/// of refused numbers would have to know it too.
fn other_numbers() -> BpfProgram {
    // `ld [0]`, the call's number; `jge X32`; `ret errno`; `ret allow`, as seccomp(2) has them.
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
    vec![
        step(0x20, 0, 0, 0),
        step(0x35, 0, 1, X32),
        step(0x06, 0, 0, refuse),
        step(0x06, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: i32,
    arch: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let refusal = SeccompAction::Errno(errno.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch)?.try_into()
}

/// A condition on a call's argument, counted from zero.
fn argument(at: u8, is: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(at, SeccompCmpArgLen::Dword, is, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_for_this_machine() {
        for own_network in [true, false] {
            assert!(programs(own_network).unwrap().iter().all(|program| !program.is_empty()));
        }
    }
}
