//! What all operations share: the index, the files, who may be notified, time and chance.

use std::sync::Arc;

use flow::{Caller, Chance, Clock, Region, RequestId};
use http::{Extensions, HeaderMap};
use store::Database;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_blocking,
};
use tokio_util::task::TaskTracker;

use crate::{
    Config, Error, TargetCheck,
    blob::{Blobs, Written},
    event::Origin,
    index,
    policy::Effective,
    refusal::Refusal,
    trailer::Trailers,
};

/// Bodies that are being stored at a time; a client beyond that is asked to slow down.
pub(crate) const BODIES_MAX: usize = 256;

/// An upload that was started longer ago is given up at the next start.
const UPLOAD_MILLIS_MAX: i64 = 7 * 24 * 60 * 60 * 1000;

pub(crate) struct Room {
    pub(crate) config: Config,
    pub(crate) index: Database,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) targets: Arc<dyn TargetCheck>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) policies: Effective,
    /// Held while a policy changes, so that what holds is the latest.
    pub(crate) policy_change: Mutex<()>,
    bodies: Arc<Semaphore>,
    commits: TaskTracker,
}

impl Room {
    /// Opens the files and the index, and deletes bytes that no row names.
    pub(crate) async fn open(
        config: Config,
        targets: Arc<dyn TargetCheck>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let (dir, names) = (config.dir.clone(), Arc::clone(&chance));
        let blobs = on_disk(&config, move || Blobs::open(&dir, names)).await?;
        let index = Database::open(&config.dir.join("bucket.db"), &chance.uuid())?;
        index.migrate("bucket", index::STEPS).await?;
        let room = Self {
            config,
            index,
            blobs: Arc::new(blobs),
            targets,
            clock,
            chance,
            changed: watch::Sender::new(0),
            policies: Effective::default(),
            policy_change: Mutex::new(()),
            bodies: Arc::new(Semaphore::new(BODIES_MAX)),
            commits: TaskTracker::new(),
        };
        let before = room.clock.now().plus_millis(-UPLOAD_MILLIS_MAX);
        room.index.write(move |index| index::upload::take_abandoned(index, None, before)).await?;
        room.sweep().await?;
        room.read_policies().await?;
        Ok(room)
    }

    /// Deletes what a crash left: bytes whose row was never written, or is gone.
    async fn sweep(&self) -> Result<(), Error> {
        for folder in 0..=u8::MAX {
            let blobs = Arc::clone(&self.blobs);
            let names = on_disk(&self.config, move || blobs.names(folder)).await?;
            if names.is_empty() {
                continue;
            }
            let unknown = self.index.read(move |index| index::part::unknown(index, names)).await?;
            if !unknown.is_empty() {
                tracing::info!(files = unknown.len(), "Deleted bytes that no object names");
                self.discard(unknown).await;
            }
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.commits.close();
        self.commits.wait().await;
        self.index.clone().close().await;
    }

    /// Deletes files away from the runtime's threads.
    pub(crate) async fn discard(&self, names: Vec<String>) {
        if names.is_empty() {
            return;
        }
        let blobs = Arc::clone(&self.blobs);
        if let Err(cause) = spawn_blocking(move || blobs.discard(&names)).await {
            tracing::error!(%cause, "Could not delete unused bytes: {cause}");
        }
    }

    /// A place among the bodies that are being stored.
    pub(crate) fn body_place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.bodies).try_acquire_owned().map_err(|_| Refusal::slow_down())
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.index.read(work).await.map_err(|cause| Refusal::internal("reading the index", &cause))
    }

    /// Commits a change of the index, and deletes the files that it names as unused. The caller
    /// may go away: what has begun is finished.
    ///
    /// `fresh` is a file that the change gives a row. It is deleted where the change is refused,
    /// and kept where nobody knows whether the change took place: the next start decides.
    pub(crate) async fn commit<T: Send + 'static>(
        self: &Arc<Self>,
        fresh: Option<Written>,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<Result<Change<T>, Refusal>>
        + Send
        + 'static,
    ) -> Result<T, Refusal> {
        let room = Arc::clone(self);
        let commit = async move {
            let mut fresh = fresh;
            let done = room.index.write(work).await;
            if let Some(fresh) = &mut fresh
                && !matches!(done, Ok(Err(_)))
            {
                fresh.keep();
            }
            let change = done.map_err(|cause| Refusal::internal("writing the index", &cause))??;
            room.discard(change.unused).await;
            if change.announced {
                room.changed.send_modify(|count| *count = count.wrapping_add(1));
            }
            Ok(change.value)
        };
        let done = self.commits.spawn(commit).await;
        done.unwrap_or_else(|cause| Err(Refusal::internal("committing", &cause)))
    }

    /// Refuses a bucket that is not there.
    pub(crate) async fn bucket(&self, name: &str) -> Result<index::bucket::Bucket, Refusal> {
        let wanted = name.to_owned();
        self.read(move |index| index::bucket::find(index, &wanted))
            .await?
            .ok_or_else(|| Refusal::no_such_bucket(name))
    }

    /// The id under which S3 names the account as an owner: 64 hex digits.
    pub(crate) fn owner_id(&self) -> String {
        use md5::Digest as _;
        let account = self.config.account.as_str();
        hex::encode(sha2::Sha256::digest(format!("canonical user of {account}")))
    }
}

/// What a committed change leaves to do.
pub(crate) struct Change<T> {
    pub(crate) value: T,
    /// Files that no row names any more.
    pub(crate) unused: Vec<String>,
    /// Whether an event waits now.
    pub(crate) announced: bool,
}

impl<T> Change<T> {
    pub(crate) fn of(value: T) -> Self {
        Self { value, unused: Vec::new(), announced: false }
    }
}

async fn on_disk<T: Send + 'static>(
    config: &Config,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = spawn_blocking(work).await.unwrap_or_else(|cause| Err(std::io::Error::other(cause)));
    done.map_err(|source| Error::Directory { path: config.dir.clone(), source })
}

/// What an operation knows of the call beside its input.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) region: Region,
    pub(crate) request: RequestId,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: Trailers,
}

impl Call {
    /// Reads what the gateway attached.
    pub(crate) fn of(extensions: &Extensions, headers: HeaderMap) -> Option<Self> {
        Some(Self {
            caller: extensions.get::<Caller>()?.clone(),
            region: extensions.get::<Region>()?.clone(),
            request: extensions.get::<RequestId>()?.clone(),
            trailers: extensions.get::<Trailers>().cloned().unwrap_or_default(),
            headers,
        })
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::of(&self.caller, &self.request)
    }
}
