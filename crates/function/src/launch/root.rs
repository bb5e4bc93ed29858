//! A file system of the function's own: the system's libraries and its own files to read, one
//! folder to write, and nothing of what else there is.
//!
//! The scratch folder is in memory, where it is as large as it may be and no larger, unless the
//! machine has too little of it: then it is the server's folder, and the server measures it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{DirBuilderExt, symlink},
    },
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::{chdir, pivot_root},
};

use super::files::{DEVICES, SYSTEM};

/// Where the function finds its scratch folder.
pub(super) const SCRATCH: &str = "/tmp";
/// Folders that runtimes expect to exist, and find empty.
const EMPTY: &[&str] = &["var/task", "var/runtime", "opt"];
/// The new root holds only folders and mount points: its size, as tmpfs wants it.
const ROOT_SIZE: &str = "size=1m,nr_inodes=16k,mode=755";

const NONE: Option<&Path> = None;

/// What a function may do nowhere in its file system.
const HARMLESS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);

/// Bytes of a scratch folder for each file in it, as ext4 has it; Lambda's is one.
const BYTES_FOR_EACH_FILE: u64 = 16 * 1024;
/// Files of the smallest scratch folder in memory.
const FILES_MIN: u64 = 8 * 1024;
/// A scratch folder may take this part of the memory that is free.
const MEMORY_PART: u64 = 4;

/// Builds the file system at `root`; whether what the scratch folder holds is unbounded.
pub(super) fn build(
    root: &Path,
    readable: &[PathBuf],
    shown: &[(PathBuf, PathBuf)],
    scratch: &Path,
    scratch_bytes: u64,
) -> io::Result<bool> {
    // What we mount must not appear outside, nor the other way round.
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    mount(Some("tmpfs"), root, Some("tmpfs"), HARMLESS, Some(ROOT_SIZE))?;
    for path in SYSTEM.iter().map(Path::new) {
        show_system(root, path)?;
    }
    // Before the others, which may lie in the machine's own `/tmp`.
    let place = within(root, Path::new(SCRATCH));
    let in_memory = free_memory().is_some_and(|free| scratch_bytes <= free / MEMORY_PART);
    let unbounded = !in_memory || mount_scratch(&place, scratch_bytes).is_err();
    if unbounded {
        show(root, scratch, &place)?;
    }
    for path in readable {
        show(root, path, &within(root, path))?;
    }
    for (from, to) in shown {
        show(root, from, &within(root, to))?;
    }
    for folder in EMPTY {
        make_folder(&root.join(folder))?;
    }
    for device in DEVICES.iter().map(Path::new).filter(|device| device.exists()) {
        show(root, device, &within(root, device))?;
    }
    seal(root)?;
    show_processes(&root.join("proc"))?;
    Ok(unbounded)
}

fn mount_scratch(at: &Path, bytes: u64) -> io::Result<()> {
    make_folder(at)?;
    let files = (bytes / BYTES_FOR_EACH_FILE).max(FILES_MIN);
    let options = format!("size={bytes},nr_inodes={files},mode=700");
    Ok(mount(Some("tmpfs"), at, Some("tmpfs"), HARMLESS, Some(options.as_str()))?)
}

/// Memory that can be had without harm, in bytes.
fn free_memory() -> Option<u64> {
    available(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Makes `root` the root of this mount namespace.
pub(super) fn enter(root: &Path) -> io::Result<()> {
    chdir(root)?;
    // Stacked on the same place, the old root is on top and goes first.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    let sealed = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | HARMLESS;
    mount(NONE, "/", NONE, sealed, NONE)?;
    Ok(())
}

/// The system's folders may be links to each other, as `/lib` to `usr/lib`.
fn show_system(root: &Path, path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(what) if what.is_symlink() && path.parent() == Some(Path::new("/")) => {
            symlink(fs::read_link(path)?, within(root, path))
        }
        Ok(_) => match show(root, path, &within(root, path)) {
            // A link to what is not there: the function sees nothing either.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            shown => shown,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes `from` appear at `to`, with everything mounted beneath it.
fn show(root: &Path, from: &Path, to: &Path) -> io::Result<()> {
    if fs::metadata(from)?.is_dir() {
        make_folder(to)?;
    } else if !to.exists() {
        make_folder(to.parent().unwrap_or(root))?;
        fs::File::create(to)?;
    }
    Ok(mount(Some(from), to, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)?)
}

/// An empty `/proc` where the kernel gives no fresh one: the server's must not be seen. Read-only,
/// because the kernel's settings in it ask only who the owner is.
fn show_processes(at: &Path) -> io::Result<()> {
    make_folder(at)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    match mount(Some("proc"), at, Some("proc"), flags, NONE) {
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes everything below `root` read-only, but the scratch folder and the devices.
fn seal(root: &Path) -> io::Result<()> {
    let scratch = within(root, Path::new(SCRATCH));
    let devices = root.join("dev");
    for (point, flags) in mounts(&fs::read("/proc/self/mountinfo")?) {
        let below = point.starts_with(root) && point != root;
        if below && point != scratch && !point.starts_with(&devices) {
            let sealed = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
            mount(NONE, &point, NONE, sealed | HARMLESS | flags, NONE)?;
        }
    }
    Ok(())
}

/// The mount points of a `mountinfo`, with those flags that a remount has to repeat: a user
/// namespace may not take away what the machine's owner set.
fn mounts(info: &[u8]) -> Vec<(PathBuf, MsFlags)> {
    info.split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b' ');
            let (point, options) = (fields.nth(4)?, fields.next()?);
            let flags = options.split(|byte| *byte == b',').fold(MsFlags::empty(), |all, one| {
                all | match one {
                    b"noexec" => MsFlags::MS_NOEXEC,
                    b"noatime" => MsFlags::MS_NOATIME,
                    b"nodiratime" => MsFlags::MS_NODIRATIME,
                    b"relatime" => MsFlags::MS_RELATIME,
                    _ => MsFlags::empty(),
                }
            });
            Some((plain(point), flags))
        })
        .collect()
}

/// A path without the octal escapes of `mountinfo`.
fn plain(escaped: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

fn within(root: &Path, path: &Path) -> PathBuf {
    let relative = path.as_os_str().as_bytes().iter().position(|byte| *byte != b'/');
    let relative = relative.and_then(|at| path.as_os_str().as_bytes().get(at..));
    root.join(Path::new(std::ffi::OsStr::from_bytes(relative.unwrap_or_default())))
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_keeps_its_spaces_and_its_locked_flags() {
        let info = b"36 35 98:0 / /mnt\\040a\\134b rw,noexec,relatime shared:1 - ext4 /dev/a rw\n";
        let flags = MsFlags::MS_NOEXEC | MsFlags::MS_RELATIME;
        assert_eq!(mounts(info), [(PathBuf::from("/mnt a\\b"), flags)]);
        assert!(mounts(b"not a mount\n\n").is_empty());
    }

    #[test]
    fn free_memory_is_what_the_kernel_calls_available() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    3 kB\n"), Some(3_072));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
    }

    #[test]
    fn a_path_lands_within_the_root() {
        assert_eq!(within(Path::new("/r"), Path::new("/usr/lib")), Path::new("/r/usr/lib"));
        assert_eq!(within(Path::new("/r"), Path::new("//x")), Path::new("/r/x"));
    }
}
