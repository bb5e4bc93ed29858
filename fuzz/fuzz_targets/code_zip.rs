//! Functions' code, as it is uploaded: whatever a zip says, plain files and folders come of it, in
//! the one folder that they are to be in.
#![no_main]

use std::{fs, path::Path};

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let unpacked = function::unpack(data, &folder.path().join("task"));
    let beside = fs::read_dir(folder.path()).expect("the folder").flatten();
    assert!(beside.map(|entry| entry.file_name()).all(|name| name == "task"));
    let task = folder.path().join("task");
    assert!(unpacked.is_err() || task.is_dir());
    plain(&task);
});

fn plain(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().expect("its kind");
        assert!(kind.is_file() || kind.is_dir());
        if kind.is_dir() {
            plain(&entry.path());
        }
    }
}
