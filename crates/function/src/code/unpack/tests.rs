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
