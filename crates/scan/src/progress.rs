//! How far a scan is, for whoever watches it, and the word to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counts that the threads of a scan raise as they go. Each stands for itself: together they need
/// not be of one moment.
#[derive(Debug, Default)]
pub struct Progress {
    objects: AtomicU64,
    bytes_in: AtomicU64,
    findings: AtomicU64,
    bytes_expected: AtomicU64,
    is_measured: AtomicBool,
    is_stopped: AtomicBool,
}

impl Progress {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the threads to end after the object that they read.
    pub fn stop(&self) {
        self.is_stopped.store(true, Relaxed);
    }

    /// Whether the threads are asked to end.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Relaxed)
    }

    /// How many objects were taken up.
    pub fn objects(&self) -> u64 {
        self.objects.load(Relaxed)
    }

    /// How many bytes of them were read, as stored.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    /// How many findings there are.
    pub fn findings(&self) -> u64 {
        self.findings.load(Relaxed)
    }

    /// How many bytes all objects have, once that is known.
    pub fn bytes_expected(&self) -> Option<u64> {
        self.is_measured.load(Relaxed).then(|| self.bytes_expected.load(Relaxed))
    }

    pub(crate) fn object_ended(&self, findings: u64) {
        self.objects.fetch_add(1, Relaxed);
        if findings > 0 {
            self.findings.fetch_add(findings, Relaxed);
        }
    }

    pub(crate) fn read(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn expect(&self, bytes: u64) {
        self.bytes_expected.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn measured(&self) {
        self.is_measured.store(true, Relaxed);
    }
}
