//! S3's bodies on their way out: they flow, but their last piece waits for the record.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use flow::{Body, BodyError, Call, Fault, Outcome};
use http_body::{Frame, SizeHint};
use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::task::TaskTracker;

use crate::{
    recorder::{Recorder, Unrecorded},
    turns::Turn,
};

/// A body that ends well only once its call is recorded. A client that hangs up leaves a record
/// too, of the bytes that it was given.
pub(crate) struct Recorded {
    body: Body,
    kept: Option<Bytes>,
    stage: Stage,
    bytes_out: u64,
    recorder: Recorder,
    tasks: TaskTracker,
    runtime: Handle,
    _turn: Turn,
}

enum Stage {
    /// The body flows; the call is not recorded yet.
    Flowing(Box<Call>),
    /// The body is at its end, the record on its way; whether the body itself failed.
    Recording(JoinHandle<Result<(), Unrecorded>>, Option<BodyError>),
    /// Only the last piece is left.
    Ended,
}

/// The record could not be written, so the answer must not look whole.
#[derive(Debug, thiserror::Error)]
#[error("the call could not be recorded")]
struct Withheld;

impl Recorded {
    /// Must be called within the runtime; `tasks` outlive the connection.
    pub(crate) fn new(
        body: Body,
        call: Call,
        recorder: Recorder,
        tasks: TaskTracker,
        turn: Turn,
    ) -> Self {
        Self {
            body,
            kept: None,
            stage: Stage::Flowing(Box::new(call)),
            bytes_out: 0,
            recorder,
            tasks,
            runtime: Handle::current(),
            _turn: turn,
        }
    }

    /// Starts the record, on a task of its own: it is written whether or not anybody waits.
    fn record(&self, mut call: Box<Call>) -> JoinHandle<Result<(), Unrecorded>> {
        call.http.bytes_out = self.bytes_out;
        let recorder = self.recorder.clone();
        let task = async move { recorder.record(*call).await };
        self.tasks.spawn_on(task, &self.runtime)
    }

    fn end(&mut self, failure: Option<BodyError>) {
        if let Stage::Flowing(mut call) = std::mem::replace(&mut self.stage, Stage::Ended) {
            if failure.is_some() && matches!(call.outcome, Outcome::Answered(_)) {
                call.outcome = Outcome::Failed(Fault::internal());
            }
            self.stage = Stage::Recording(self.record(call), failure);
        }
    }

    fn count(&mut self, piece: &Bytes) {
        let length = u64::try_from(piece.len()).expect("a length in memory fits 64 bits");
        self.bytes_out = self.bytes_out.saturating_add(length);
    }
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            match &mut self.stage {
                Stage::Flowing(_) => match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                    Some(Ok(frame)) => {
                        let Ok(piece) = frame.into_data() else { continue };
                        if piece.is_empty() {
                            continue;
                        }
                        self.count(&piece);
                        if let Some(kept) = self.kept.replace(piece) {
                            return Poll::Ready(Some(Ok(Frame::data(kept))));
                        }
                    }
                    Some(Err(failure)) => self.end(Some(failure)),
                    None => self.end(None),
                },
                Stage::Recording(task, failure) => {
                    let recorded = ready!(Pin::new(task).poll(context));
                    let failure = failure.take();
                    self.stage = Stage::Ended;
                    let failure = match recorded {
                        Ok(Ok(())) => failure,
                        _ => Some(Withheld.into()),
                    };
                    if let Some(failure) = failure {
                        self.kept = None;
                        return Poll::Ready(Some(Err(failure)));
                    }
                }
                Stage::Ended => {
                    return Poll::Ready(self.kept.take().map(|kept| Ok(Frame::data(kept))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stage, Stage::Ended) && self.kept.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let kept =
            self.kept.as_ref().map_or(0, |kept| u64::try_from(kept.len()).unwrap_or(u64::MAX));
        match self.body.size_hint().exact() {
            Some(left) => SizeHint::with_exact(left.saturating_add(kept)),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        if let Stage::Flowing(call) = std::mem::replace(&mut self.stage, Stage::Ended) {
            // Nobody waits any more; the task goes on by itself.
            drop(self.record(call));
        }
    }
}
