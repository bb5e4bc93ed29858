//! Calls into the journal, before their answers end.

use std::sync::Arc;

use flow::{Call, Chance, Clock};
use record::select::Union;
use store::{Journal, Kind};
use tokio::sync::watch;
use tracing::error;

use crate::counts::Counters;

/// Writes records.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) journal: Journal,
    pub(crate) union: watch::Receiver<Arc<Union>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) counters: Arc<Counters>,
}

/// The call should be in the journal and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unrecorded;

impl Recorder {
    /// Records a call that has ended now. When this resolves well, the record is durable, or
    /// nobody wants it.
    pub(crate) async fn record(&self, mut call: Call) -> Result<(), Unrecorded> {
        call.completed = self.clock.now();
        self.counters.calls.add();
        let record = record::make(&call, &self.chance.uuid());
        let union = Arc::clone(&self.union.borrow());
        if !union.selects(&record.facts) {
            self.counters.unselected.add();
            return Ok(());
        }
        match self.journal.append(Kind::Record, record.json.into_bytes()).await {
            Ok(_) => {
                self.counters.recorded.add();
                Ok(())
            }
            Err(source) => {
                self.counters.unrecorded.add();
                let operation = call.operation.as_deref().unwrap_or("unknown");
                let service = &call.signing_name;
                error!(
                    call.service = %service, call.operation = operation, call.request_id = %call.request_id,
                    error = &source as &dyn std::error::Error,
                    "The call `{service}:{operation}` could not be recorded; its answer is kept back"
                );
                Err(Unrecorded)
            }
        }
    }
}
