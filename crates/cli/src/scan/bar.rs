//! How far a scan is, on a terminal.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::Scope,
    time::Duration,
};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use scan::Progress;

/// How often the bar moves.
const MOVES_EVERY: Duration = Duration::from_millis(100);

const KNOWN: &str = "{bar:30} {percent}%  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";
const UNKNOWN: &str = "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {elapsed}  {msg}";

/// A bar that is shown.
pub(crate) struct Bar(Sender<()>);

/// Shows a bar until it is ended. It is one of the scope's threads, and another measures how much
/// there is to read.
pub(crate) fn show<'scope>(
    scope: &'scope Scope<'scope, '_>,
    asked: &'scope scan::Scan<'_>,
    progress: &'scope Progress,
) -> Bar {
    let (ended, end) = mpsc::channel();
    scope.spawn(|| scan::measure(asked, progress));
    scope.spawn(move || {
        let bar = ProgressBar::new_spinner().with_style(style(UNKNOWN));
        let mut is_known = false;
        while end.recv_timeout(MOVES_EVERY) == Err(RecvTimeoutError::Timeout) {
            if let Some(bytes) = progress.bytes_expected()
                && !is_known
            {
                is_known = true;
                bar.set_length(bytes);
                bar.set_style(style(KNOWN));
            }
            bar.set_position(progress.bytes_in());
            let (objects, findings) = (progress.objects(), progress.findings());
            bar.set_message(format!(
                "{} objects, {} findings",
                HumanCount(objects),
                HumanCount(findings)
            ));
            bar.tick();
        }
        bar.finish_and_clear();
    });
    Bar(ended)
}

impl Bar {
    /// Takes the bar away.
    pub(crate) fn end(self) {
        drop(self.0);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is one of ours")
}
