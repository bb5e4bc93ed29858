//! The headers that follow a body, kept for whoever read the body.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use flow::{Body, BodyError};
use http::HeaderMap;
use http_body::{Frame, SizeHint};

/// Where the trailers of a body stand once it was read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trailers(Arc<Mutex<Option<HeaderMap>>>);

impl Trailers {
    /// The trailers; `None` where there were none, or the body was not read to its end.
    pub(crate) fn get(&self) -> Option<HeaderMap> {
        self.0.lock().expect("no holder panics").clone()
    }

    /// Watches `body` for trailers.
    pub(crate) fn watch(&self, body: Body) -> Watched {
        Watched { body, trailers: self.clone() }
    }
}

/// A body whose trailers are kept.
pub(crate) struct Watched {
    body: Body,
    trailers: Trailers,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            *self.trailers.0.lock().expect("no holder panics") = Some(trailers.clone());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
