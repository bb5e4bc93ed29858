//! What becomes of a function's answer before its event counts as done.

use bytes::Bytes;
use flow::Pending;

use crate::Function;

/// An answer has found its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// All of it: the event is done.
    Done,
    /// The function itself gave the event up for good: it becomes a dead letter at once.
    Dead {
        /// Why, for a person.
        reason: String,
        /// What the reason is about, such as `{"bucket", "key", "offset"}`.
        detail: serde_json::Value,
    },
}

/// Takes a successful answer on before its event is acknowledged, so that a crash between the two
/// repeats work and never loses it.
pub trait Settle: Send + Sync {
    /// Settles one answer; the same `request_id` may come again. An error is tried again soon and
    /// does not count against the function.
    fn settle<'a>(
        &'a self,
        function: &'a Function,
        request_id: &'a str,
        event: &'a Bytes,
        response: &'a Bytes,
    ) -> Pending<'a, Result<Settled, String>>;
}
