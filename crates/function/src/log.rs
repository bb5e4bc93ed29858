//! What a function prints, and what the platform says about its invocations: one JSON object a
//! line, in one file a function, with one file before it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Mutex,
};

use flow::Timestamp;
use serde::Serialize;

/// The longest line, in bytes; a longer one is cut into several.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// When a log file becomes the one before, in bytes.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stream {
    /// `START`, `END`, `REPORT`.
    Platform,
    Stdout,
    Stderr,
}

#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    /// None while the instance starts, or between two invocations.
    request_id: Option<&'a str>,
    instance: &'a str,
    stream: Stream,
    message: &'a str,
}

/// One function's log file.
pub(crate) struct Log {
    path: PathBuf,
    file: Mutex<(File, u64)>,
}

impl Log {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = append(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file: Mutex::new((file, length)) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line. A log that cannot be written must not stop a function: that is said once
    /// for every line lost, in our own log.
    pub(crate) fn write(
        &self,
        time: Timestamp,
        instance: &str,
        request_id: Option<&str>,
        stream: Stream,
        message: &str,
    ) {
        let line = Line { time, request_id, instance, stream, message };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            self.append(&bytes)
        });
        if let Err(error) = written {
            let path = self.path.display();
            tracing::warn!(%error, "A line of {path} is lost: {error}");
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut held = self.file.lock().expect("no holder panics");
        let (file, length) = &mut *held;
        if *length >= FILE_BYTES_MAX {
            fs::rename(&self.path, before(&self.path))?;
            (*file, *length) = (append(&self.path)?, 0);
        }
        file.write_all(bytes)?;
        *length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

/// The last of a log, as callers may ask for it.
#[derive(Default)]
pub(crate) struct Tail(String);

impl Tail {
    /// As much as Lambda answers, in bytes.
    const BYTES_MAX: usize = 4 * 1024;

    pub(crate) fn push(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
        let over = self.0.len().saturating_sub(Self::BYTES_MAX);
        drop(self.0.drain(..self.0.ceil_char_boundary(over)));
    }

    /// What there is; from here on it begins anew.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// Cuts bytes into lines.
#[derive(Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// The lines that `bytes` completes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LINE_BYTES_MAX) {
                self.0.extend_from_slice(piece);
                if self.0.ends_with(b"\n") || self.0.len() >= LINE_BYTES_MAX {
                    lines.extend(self.rest());
                }
            }
        }
        lines
    }

    /// What no line's end has followed.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.0);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        (!bytes.is_empty()).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_their_ends_and_at_their_limit() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\nb"), ["a"]);
        assert_eq!(lines.push(b"c\n\n"), ["bc", ""]);
        assert_eq!(lines.rest(), None);
        let long = vec![b'x'; 3 * LINE_BYTES_MAX + 1];
        let cut = lines.push(&long);
        assert!(cut.iter().all(|line| line.len() < 2 * LINE_BYTES_MAX));
        let total: usize = cut.iter().map(String::len).sum();
        assert_eq!(total + lines.rest().unwrap().len(), long.len());
    }

    #[test]
    fn a_tail_keeps_the_last_of_it() {
        let mut tail = Tail::default();
        tail.push(&"é".repeat(3_000));
        tail.push("last");
        let kept = tail.take();
        assert!(kept.len() <= Tail::BYTES_MAX && kept.ends_with("é\nlast\n"));
        assert_eq!(tail.take(), "");
    }

    #[test]
    fn a_full_log_makes_room_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.log");
        let log = Log::open(path.clone()).unwrap();
        let message = "x".repeat(LINE_BYTES_MAX);
        let lines = FILE_BYTES_MAX / 16_384 * 2 + 2;
        for _ in 0..lines {
            log.write(Timestamp::from_secs(0), "i", None, Stream::Stdout, &message);
        }
        let size = |path: &Path| fs::metadata(path).unwrap().len();
        assert!(size(&path) <= FILE_BYTES_MAX + 32_768);
        assert!(size(&before(&path)) <= FILE_BYTES_MAX + 32_768);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    proptest::proptest! {
        #[test]
        fn no_output_is_lost_between_lines(parts: Vec<Vec<u8>>) {
            let mut lines = Lines::default();
            let mut cut: Vec<String> = parts.iter().flat_map(|part| lines.push(part)).collect();
            cut.extend(lines.rest());
            let whole = parts.concat();
            let whole = whole.strip_suffix(b"\n").unwrap_or(&whole);
            let apart: Vec<_> = whole.split(|byte| *byte == b'\n').map(String::from_utf8_lossy).collect();
            proptest::prop_assert!(cut.is_empty() && whole.is_empty() || cut == apart);
        }
    }
}
