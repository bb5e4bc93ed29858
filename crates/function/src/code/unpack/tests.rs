//! Zips that are plain, and zips that are not.

use std::os::unix::fs::PermissionsExt;

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

fn made(build: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    build(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn refused(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    unpack(bytes, &folder.path().join("task")).unwrap_err().to_string()
}

/// A zip of two files whose names of four letters are written over where the zip lists them.
fn named(first: &[u8; 4], second: &[u8; 4]) -> Vec<u8> {
    let mut bytes = zip_of(&[("aaaa", b"1"), ("bbbb", b"2")]);
    for (from, to) in [(b"aaaa", first), (b"bbbb", second)] {
        for at in 0..bytes.len() - 3 {
            if &bytes[at..at + 4] == from {
                bytes[at..at + 4].copy_from_slice(to);
            }
        }
    }
    bytes
}

#[test]
fn files_keep_their_folders_and_whether_they_are_programs() {
    let folder = tempfile::tempdir().unwrap();
    let task = folder.path().join("task");
    let bytes = made(|zip| {
        zip.add_directory("empty/", SimpleFileOptions::default()).unwrap();
        for (name, mode) in [("pkg/app.py", 0o600), ("bootstrap", 0o755)] {
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
    });
    unpack(&bytes, &task).unwrap();
    let mode = |name: &str| fs::metadata(task.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(fs::read(task.join("pkg/app.py")).unwrap(), b"pkg/app.py");
    assert_eq!((mode("pkg/app.py"), mode("bootstrap")), (0o644, 0o755));
    assert!(task.join("empty").is_dir());
}

#[test]
fn a_path_that_is_not_plain_is_refused_by_name() {
    for (first, second, why) in [
        (b"../a", b"bbbb", r#"entry "../a" leads out of its folder"#),
        (b"/etc", b"bbbb", r#"entry "/etc" has an absolute path"#),
        (b"a//b", b"bbbb", r#"entry "a//b" has an empty part"#),
        (b"a\\.b", b"bbbb", r#"entry "a\\.b" has a backslash"#),
        (b"a\nbc", b"bbbb", r#"entry "a\nbc" has a control character"#),
        (b"aa\xff.", b"bbbb", "is not UTF-8"),
        (b"same", b"same", r#"entry "same" is there twice"#),
    ] {
        let told = refused(&named(first, second));
        assert!(told.contains(why), "{told}");
    }
    let told = refused(&zip_of(&[("a", b""), ("a/b", b"")]));
    assert!(told.contains(r#"entry "a/b" lies in a folder that is a file"#), "{told}");
    let told = refused(&zip_of(&[("a/b", b""), ("a", b"")]));
    assert!(told.contains(r#"entry "a" is both a file and a folder"#), "{told}");
    let told = refused(&zip_of(&[(&"n".repeat(256), b"")]));
    assert!(told.contains("more than 255 bytes"), "{told}");
}

#[test]
fn a_link_is_refused_by_name() {
    let bytes = made(|zip| {
        zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    });
    assert!(refused(&bytes).contains(r#"entry "link" is a symbolic link"#));
}

#[test]
fn a_device_and_a_locked_entry_are_refused_by_name() {
    let mut bytes = zip_of(&[("aaaa", b"1")]);
    let list = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let mut device = bytes.clone();
    // The upper half of the external attributes is the mode.
    device[list + 40..list + 42].copy_from_slice(&0o060_644_u16.to_le_bytes());
    assert!(refused(&device).contains(r#"entry "aaaa" is no file and no folder"#));
    for flags in [6, list + 8] {
        bytes[flags] |= 1;
    }
    assert!(refused(&bytes).contains(r#"entry "aaaa" is encrypted"#));
}

#[test]
fn what_unpacks_to_too_much_is_refused_while_it_inflates() {
    let zeros = vec![0_u8; 32 * 1024 * 1024];
    assert!(refused(&zip_of(&[("bomb", &zeros)])).contains("packed closer"));
    // Stored bytes have no ratio; eight of these are 256 MiB.
    let bytes = made(|zip| {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for n in 0..8 {
            zip.start_file(format!("{n}"), stored).unwrap();
            zip.write_all(&zeros).unwrap();
        }
    });
    assert!(refused(&bytes).contains("smaller than 262144000 bytes"));
}

/// An entry by hand, of stored bytes, that may say of itself what it likes.
struct Raw {
    name: &'static str,
    bytes: &'static [u8],
    /// The size that the list tells, packed and not; beyond 32 bits in the field for large files.
    size: u64,
    /// Where the list says that it begins; `None` is where it does.
    at: Option<u32>,
}

fn raw(name: &'static str, bytes: &'static [u8]) -> Raw {
    Raw { name, bytes, size: u64::try_from(bytes.len()).unwrap(), at: None }
}

fn two(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_le_bytes()
}

fn four(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap().to_le_bytes()
}

/// A zip of them, whose end tells of `count` entries and a list of `list` bytes where these are
/// given.
fn by_hand(entries: &[Raw], count: Option<u16>, list: Option<u32>) -> Vec<u8> {
    let (mut zip, mut listed) = (Vec::new(), Vec::new());
    for Raw { name, bytes, size, at } in entries {
        let mut crc = Crc::new();
        crc.update(bytes);
        let begins = four(zip.len());
        let name_length = two(name.len());
        zip.extend(
            [b"PK\x03\x04\x2d\0\0\0\0\0\0\0\0\0".as_slice(), &crc.sum().to_le_bytes()].concat(),
        );
        zip.extend(four(bytes.len()).repeat(2));
        zip.extend([&name_length[..], &[0, 0], name.as_bytes(), bytes].concat());
        let small = u32::try_from(*size).unwrap_or(u32::MAX).to_le_bytes();
        let large = [&[1, 0, 16, 0], size.to_le_bytes().repeat(2).as_slice()].concat();
        let extra = if *size > u64::from(u32::MAX) { large } else { Vec::new() };
        listed.extend(b"PK\x01\x02\x2d\x03\x2d\0\0\0\0\0\0\0\0\0");
        listed.extend([crc.sum().to_le_bytes(), small, small].concat());
        listed.extend([name_length, two(extra.len()), [0; 2], [0; 2], [0; 2]].concat());
        listed.extend(
            [(0o100_644_u32 << 16).to_le_bytes(), at.map_or(begins, u32::to_le_bytes)].concat(),
        );
        listed.extend([name.as_bytes(), &extra].concat());
    }
    let (start, size) = (four(zip.len()), four(listed.len()));
    zip.extend(listed);
    let count = count.map_or(two(entries.len()), u16::to_le_bytes);
    zip.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count].concat());
    zip.extend([list.map_or(size, u32::to_le_bytes), start].concat());
    zip.extend([0, 0]);
    zip
}

#[test]
fn a_zip_by_hand_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let zip = by_hand(&[raw("one", b"1"), raw("two", b"22")], None, None);
    unpack(&zip, &folder.path().join("task")).unwrap();
    assert_eq!(fs::read(folder.path().join("task/two")).unwrap(), b"22");
}

#[test]
fn entries_that_share_bytes_are_refused_by_name() {
    let twice = [raw("same", b"1"), Raw { at: Some(0), ..raw("again", b"1") }];
    let told = refused(&by_hand(&twice, None, None));
    assert!(told.contains("overlaps another entry"), "{told}");
    // One that reaches over the head of the next.
    let over = [Raw { size: 20, ..raw("over", b"1") }, raw("under", b"1")];
    let told = refused(&by_hand(&over, None, None));
    assert!(told.contains(r#"entry "under" overlaps another entry"#), "{told}");
}

#[test]
fn an_entry_that_lies_about_its_size_is_refused_by_name() {
    for size in [99, u64::from(u32::MAX) + 7, u64::MAX / 2] {
        let told = refused(&by_hand(&[Raw { size, ..raw("large", b"1") }], None, None));
        assert!(told.contains(r#"entry "large" is said to be larger"#), "{size}: {told}");
    }
    let endless = refused(&by_hand(&[Raw { size: u64::MAX, ..raw("large", b"1") }], None, None));
    assert!(endless.contains("overflows"), "{endless}");
    let told = refused(&by_hand(&[Raw { size: 1, ..raw("small", b"123") }], None, None));
    assert!(told.contains(r#"entry "small" is damaged"#), "{told}");
}

#[test]
fn a_list_that_lies_about_itself_makes_nothing() {
    for count in [0, 1, 9] {
        let folder = tempfile::tempdir().unwrap();
        let zip = by_hand(&[raw("one", b"1"), raw("two", b"2")], Some(count), None);
        assert!(unpack(&zip, &folder.path().join("task")).is_err(), "{count}");
        assert!(!folder.path().join("task").exists());
    }
    let told = refused(&by_hand(&[raw("one", b"1")], None, Some(LIST_BYTES_MAX + 1)));
    assert!(told.contains("list of entries has 33554433 bytes"), "{told}");
}

#[test]
fn a_list_that_is_too_long_is_refused_before_it_is_read() {
    let zip =
        [LISTED.repeat(BEGINNINGS_MAX + 1), by_hand(&[raw("one", b"1")], None, None)].concat();
    assert!(refused(&zip).contains("at most 65536 are taken"));
}

#[test]
fn what_is_no_zip_or_an_empty_one_is_refused() {
    assert!(refused(b"print('hello')").starts_with("Could not unzip uploaded file."));
    assert!(refused(&made(|_| ())).contains("non-empty zip"));
    let mut damaged = zip_of(&[("app.py", b"a text that is long enough to be packed, packed")]);
    damaged[40] ^= 0xff;
    assert!(!refused(&damaged).is_empty());
}

proptest::proptest! {
    #[test]
    fn what_was_packed_comes_back(files: std::collections::BTreeMap<u16, Vec<u8>>) {
        proptest::prop_assume!(!files.is_empty());
        let named: Vec<(String, &[u8])> = files
            .iter()
            .map(|(number, bytes)| (format!("{}/{number}", number % 3), bytes.as_slice()))
            .collect();
        let named: Vec<(&str, &[u8])> = named.iter().map(|(name, it)| (name.as_str(), *it)).collect();
        let folder = tempfile::tempdir().unwrap();
        let task = folder.path().join("task");
        unpack(&zip_of(&named), &task).unwrap();
        for (name, bytes) in named {
            proptest::prop_assert_eq!(fs::read(task.join(name)).unwrap(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_a_file_outside(bytes: Vec<u8>, at: usize, flip: u8) {
        let folder = tempfile::tempdir().unwrap();
        let mut zip = zip_of(&[("a/b.py", b"1"), ("c", &bytes)]);
        let at = at % zip.len();
        zip[at] ^= flip;
        drop(unpack(&zip, &folder.path().join("in/task")));
        drop(unpack(&bytes, &folder.path().join("in/task")));
        let outside = fs::read_dir(folder.path()).unwrap().filter(|entry| {
            entry.as_ref().unwrap().file_name() != "in"
        });
        proptest::prop_assert_eq!(outside.count(), 0);
    }
}
