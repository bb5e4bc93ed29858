//! Bytes of files, in buffers that a thread keeps.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::progress::Progress;

/// How large a buffer is at first, in bytes: nearly all log files fit.
const BUFFER_BYTES: usize = 256 * 1024;

/// How often a wait for standard input looks whether to stop.
const LOOKS_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What a thread reads whole objects into.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// Initialised once; longer than what it holds.
    bytes: Vec<u8>,
    limit: usize,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filled<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Its beginning, as much as the buffer may hold; there may be more.
    Beginning(&'a [u8]),
}

impl Buffer {
    /// Holds at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: vec![0; BUFFER_BYTES.min(limit)], limit }
    }

    /// Reads to the end, or until no more fits. Asks for nothing but bytes: what a small object
    /// costs is the number of calls to the operating system.
    pub(crate) fn fill(&mut self, source: &mut impl Read) -> io::Result<Filled<'_>> {
        let mut filled = 0;
        loop {
            if filled == self.bytes.len() {
                if filled >= self.limit {
                    return Ok(Filled::Beginning(&self.bytes));
                }
                self.bytes.resize((filled * 2).clamp(1, self.limit), 0);
            }
            let free = self.bytes.get_mut(filled..).unwrap_or_default();
            match source.read(free) {
                Ok(0) => return Ok(Filled::Whole(self.bytes.get(..filled).unwrap_or_default())),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A large object: counts what is read of it, and ends early where the scan is to stop.
pub(crate) struct Counted<'a, R> {
    source: R,
    progress: &'a Progress,
    bytes: u64,
}

impl<'a, R: Read> Counted<'a, R> {
    pub(crate) fn new(source: R, progress: &'a Progress) -> Self {
        Self { source, progress, bytes: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn count_read(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.progress.is_stopped() {
            return Err(io::Error::other("the scan was stopped"));
        }
        let read = self.source.read(into)?;
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.bytes += count;
        self.progress.read(count);
        Ok(read)
    }
}

/// Standard input, which may say nothing for long: looks every so often whether to stop.
pub(crate) struct Stdin<'a> {
    source: File,
    progress: &'a Progress,
}

impl<'a> Stdin<'a> {
    pub(crate) fn open(progress: &'a Progress) -> io::Result<Self> {
        let source = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { source, progress })
    }
}

impl Read for Stdin<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.progress.is_stopped() {
            let mut waiting = [PollFd::new(&self.source, PollFlags::IN)];
            match poll(&mut waiting, Some(&LOOKS_EVERY)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return self.source.read(into),
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("the scan was stopped"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(bytes: &[u8], limit: usize) -> (bool, usize) {
        let mut buffer = Buffer::new(limit);
        match buffer.fill(&mut io::Cursor::new(bytes)).unwrap() {
            Filled::Whole(read) => {
                assert_eq!(read, bytes);
                (true, read.len())
            }
            Filled::Beginning(read) => {
                assert!(bytes.starts_with(read));
                (false, read.len())
            }
        }
    }

    #[test]
    fn a_buffer_grows_to_its_limit_and_no_further() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(filled(&bytes, 10_000_000), (true, 1_000_000));
        assert_eq!(filled(&bytes, 1_000_001), (true, 1_000_000));
        assert_eq!(filled(&bytes, 999_999), (false, 999_999));
        assert_eq!(filled(&[], 10), (true, 0));
        assert_eq!(filled(&bytes, 1), (false, 1));
    }

    #[test]
    fn a_buffer_forgets_what_it_held() {
        let mut buffer = Buffer::new(100);
        buffer.fill(&mut io::Cursor::new(b"long text")).unwrap();
        assert_eq!(buffer.fill(&mut io::Cursor::new(b"text")).unwrap(), Filled::Whole(b"text"));
    }
}
