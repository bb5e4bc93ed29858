//! What the admin API shows of a server.

use std::sync::Arc;

use flow::{Pending, Timestamp};
use store::Queue;

use crate::{admin::View, config, server::Rooms, status::Report};

pub(crate) struct Shown {
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) limits: config::Status,
}

impl View for Shown {
    fn report(&self) -> Pending<'_, anyhow::Result<Report>> {
        Box::pin(self.rooms.report(&self.limits))
    }

    fn metrics(&self) -> Pending<'_, anyhow::Result<String>> {
        Box::pin(async {
            let report = self.rooms.report(&self.limits).await?;
            Ok(report.to_metrics(self.now()))
        })
    }

    fn queues(&self) -> Vec<(&'static str, &Queue)> {
        self.rooms.queues().into()
    }

    fn now(&self) -> Timestamp {
        self.rooms.clock.now()
    }
}
