//! What Ctrl-C does to a scan: it ends and shows what it found; pressed again, it ends at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    thread,
};

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};
use scan::Progress;

/// What a shell adds to the number of the signal that ended a program.
const SIGNALLED: u8 = 128;

/// The signal that came, if one did.
#[derive(Debug, Default)]
pub(crate) struct Signals(AtomicU8);

impl Signals {
    /// The exit code that tells of it.
    pub(crate) fn received(&self) -> Option<u8> {
        Some(self.0.load(Relaxed)).filter(|code| *code != 0)
    }
}

/// Lets SIGINT and SIGTERM stop the scan. To be called before there are other threads: those that
/// begin later leave both signals to the one that waits for them here.
pub(crate) fn stop_on_signals(progress: &Arc<Progress>) -> anyhow::Result<Arc<Signals>> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.add(Signal::SIGTERM);
    set.thread_block().context("signals cannot be waited for")?;
    let (progress, signals) = (Arc::clone(progress), Arc::new(Signals::default()));
    let known = Arc::clone(&signals);
    thread::spawn(move || {
        while let Ok(signal) = set.wait() {
            let code = u8::try_from(signal as i32).unwrap_or_default().saturating_add(SIGNALLED);
            if known.0.swap(code, Relaxed) != 0 {
                end_now(code);
            }
            progress.stop();
        }
    });
    Ok(signals)
}

#[expect(clippy::exit, reason = "somebody asked a second time: what is not shown yet is lost")]
fn end_now(code: u8) -> ! {
    std::process::exit(i32::from(code))
}
