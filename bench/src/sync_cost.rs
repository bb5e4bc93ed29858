//! The control: what the disk itself asks for making a small append last.

use std::{fs::OpenOptions, io::Write, path::Path};

use tokio::time::Instant;

use crate::Spread;

/// Appends that are timed.
const APPENDS: usize = 200;
/// Bytes of each append: a page.
const APPEND_BYTES: usize = 4_096;

/// How long one `fdatasync` after an append of 4 KiB takes, on the disk of `folder`.
///
/// # Errors
/// The folder cannot be written.
pub fn fdatasync_millis(folder: &Path) -> anyhow::Result<Spread> {
    let path = folder.join("fdatasync");
    let mut file = OpenOptions::new().create_new(true).append(true).open(&path)?;
    let mut took = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        file.write_all(&[0; APPEND_BYTES])?;
        let begun = Instant::now();
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    std::fs::remove_file(&path)?;
    Ok(Spread::of(took))
}
