//! The accounts: what was called, recorded, delivered, notified, sent and alerted must agree.
//!
//! They are read from the data directory of a server that was stopped, so they hold the real
//! executable to the same promises as a server in this process.

mod alerts;
mod calls;
mod evidence;
mod files;
mod notifications;

use std::path::Path;

use flow::{BucketEvent, NotificationConfiguration};
use server::Config;

use self::evidence::Evidence;
use crate::{hand::Ledger, messages, sink::Sink};

/// Whom objects were to be announced to.
pub enum Targets {
    /// As the bucket fixed it for each object.
    Told(Vec<BucketEvent>),
    /// All objects of the default trail's bucket, to the shipped function, and those of the named
    /// buckets as configurations say that have stood since before their first object.
    Configured(Vec<(String, NotificationConfiguration)>),
}

/// Everything that must agree.
pub struct Books<'a> {
    /// The data directory of a server that was drained and stopped.
    pub dir: &'a Path,
    /// Its configuration.
    pub config: &'a Config,
    /// The calls that were made.
    pub ledger: &'a Ledger,
    /// Where its alerts went.
    pub sink: &'a Sink,
    /// Whom objects were to be announced to.
    pub targets: Targets,
}

impl Books<'_> {
    /// What does not agree; nothing where all is well.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub async fn problems(&self) -> anyhow::Result<Vec<String>> {
        let evidence = Evidence::read(self.dir, self.config).await?;
        let mut problems = Vec::new();
        calls::compare(&evidence, self.config, &self.ledger.sent(), &mut problems);
        files::compare(&evidence, self.config, &self.ledger.sent(), &mut problems);
        notifications::compare(&evidence, self.config, &self.targets, &mut problems);
        messages::compare(&self.ledger.said(), &mut problems);
        alerts::compare(&evidence, self.config, self.sink, &mut problems)?;
        Ok(problems)
    }
}
