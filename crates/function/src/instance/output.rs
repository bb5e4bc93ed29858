//! What a process prints, cut into lines.

use std::{
    future::pending,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::log::Lines;

/// How long output may still arrive after its process ended.
const OUTPUT_WAIT_MAX: Duration = Duration::from_millis(500);
/// What is read of it then, in bytes; more than a pipe holds.
const REST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Read from a pipe at once, in bytes.
const READ_BYTES: usize = 8 * 1024;

/// One of the process's two streams.
pub(super) struct Output<P> {
    pipe: Option<P>,
    lines: Lines,
    buffer: Vec<u8>,
}

impl<P: AsyncRead + Unpin> Output<P> {
    pub(super) fn new(pipe: Option<P>) -> Self {
        Self { pipe, lines: Lines::default(), buffer: vec![0; READ_BYTES] }
    }

    /// The next lines; waits forever once the stream has ended.
    pub(super) async fn read(&mut self) -> Vec<String> {
        let Some(pipe) = &mut self.pipe else { return pending().await };
        match pipe.read(&mut self.buffer).await {
            Ok(0) | Err(_) => {
                self.pipe = None;
                self.lines.rest().into_iter().collect()
            }
            Ok(read) => self.lines.push(self.buffer.get(..read).unwrap_or_default()),
        }
    }

    /// The lines that can be had without waiting, up to one buffer.
    pub(super) fn ready(&mut self) -> Vec<String> {
        let mut reading = pin!(self.read());
        let mut context = Context::from_waker(Waker::noop());
        match reading.as_mut().poll(&mut context) {
            Poll::Ready(lines) => lines,
            Poll::Pending => Vec::new(),
        }
    }

    /// All that still comes, within a bound.
    pub(super) async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let reading = async {
            let mut bytes = 0;
            while self.pipe.is_some() && bytes < REST_BYTES_MAX {
                let read = self.read().await;
                bytes += read.iter().map(String::len).sum::<usize>();
                lines.extend(read);
            }
        };
        let ended = tokio::time::timeout(OUTPUT_WAIT_MAX, reading).await.is_ok();
        if !ended || self.pipe.is_some() {
            lines.push("(more output was cut off)".to_owned());
        }
        lines
    }
}
