//! Who changed an object, and the events that wait to be handed over.

use flow::{BucketEvent, Caller, Principal, RequestId, Target, Timestamp};

use crate::{error::Error, index, room::Room};

/// What an event says of the call that it tells of.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) principal_id: String,
    pub(crate) source_ip: String,
    pub(crate) request_id: String,
    pub(crate) host_id: String,
}

impl Origin {
    /// A call from outside.
    pub(crate) fn of(caller: &Caller, request: &RequestId) -> Self {
        let principal_id = match caller.principal {
            Principal::Anonymous => "Anonymous".to_owned(),
            _ => format!("AWS:{}", caller.principal_id()),
        };
        Self {
            principal_id,
            source_ip: request.source_ip.clone(),
            request_id: request.request_id.clone(),
            host_id: request.host_id.clone(),
        }
    }

    /// An event of this call, about no object yet.
    pub(crate) fn event(
        self,
        event_name: &str,
        bucket: &str,
        (time, sequencer): (Timestamp, String),
        targets: Vec<Target>,
    ) -> BucketEvent {
        BucketEvent {
            event_name: event_name.to_owned(),
            bucket: bucket.to_owned(),
            key: String::new(),
            size: None,
            e_tag: None,
            sequencer,
            time,
            principal_id: self.principal_id,
            source_ip: self.source_ip,
            request_id: self.request_id,
            host_id: self.host_id,
            targets,
        }
    }
}

/// Names a pending event until it is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PendingId(i64);

impl Room {
    pub(crate) async fn pending(&self, limit: u32) -> Result<Vec<(PendingId, BucketEvent)>, Error> {
        let rows = self.index.read(move |index| index::event::list(index, limit)).await?;
        Ok(rows.into_iter().map(|(id, event)| (PendingId(id), event)).collect())
    }

    pub(crate) async fn clear_pending(&self, id: PendingId) -> Result<(), Error> {
        Ok(self.index.write(move |index| index::event::delete(index, id.0)).await?)
    }
}
