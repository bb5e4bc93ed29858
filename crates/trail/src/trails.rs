//! All trails of the account: what is known of them, and every change to it.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use flow::{AccountId, Chance, Clock, Deliver, Region};
use record::select::Union;
use store::Journal;
use tokio::sync::{Mutex, watch};

use crate::{
    Error,
    batch::Limits,
    name::TrailName,
    progress::{Phase, Progress},
    selection::{self, Selection},
    settings::{Scope, Settings},
    shelf::Shelf,
};

/// The longest wait that AWS's own trails have, about, in milliseconds.
const WAIT_MAX_MILLIS_MAX: i64 = 15 * 60 * 1000;

/// What the room is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account whose trails these are.
    pub account: AccountId,
    /// The home region of the server's own trail.
    pub region: Region,
    /// How long the oldest record of a log file waits before the file is cut, in milliseconds.
    pub wait_max_millis: i64,
}

/// The trails of an account; clones share them.
#[derive(Clone)]
pub struct Trails(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) account: AccountId,
    region: Region,
    pub(crate) limits: Limits,
    pub(crate) journal: Journal,
    pub(crate) deliver: Arc<dyn Deliver>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) shelf: Shelf,
    /// Held while the list of trails changes.
    pub(crate) making: Mutex<()>,
    /// Held while what the trails take is brought up to date: the last to change comes last.
    refreshing: Mutex<()>,
    list: RwLock<Vec<Arc<Trail>>>,
    /// Ticks when the list changed.
    pub(crate) listed: watch::Sender<u64>,
    union: watch::Sender<Arc<Union>>,
}

/// One trail.
pub(crate) struct Trail {
    pub(crate) settings: Settings,
    pub(crate) progress: Mutex<Progress>,
    /// Ticks when the progress changed.
    pub(crate) moved: watch::Sender<u64>,
    /// What its cutter sees, for those who ask.
    pub(crate) glance: watch::Sender<Glance>,
    /// What it takes, whatever phase it is in.
    pub(crate) selection: RwLock<Arc<Selection>>,
}

/// What waits to be cut.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Glance {
    /// Where the trail reads on in the journal.
    pub(crate) position: u64,
    /// Records that wait for their file.
    pub(crate) records: usize,
}

impl Trails {
    /// Reads the kept trails. Nothing is delivered before [`crate::run`] runs.
    ///
    /// # Errors
    /// When the store fails or a kept row cannot be read.
    pub async fn open(
        config: Config,
        journal: Journal,
        database: &store::Database,
        deliver: Arc<dyn Deliver>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let shelf = Shelf::open(database).await?;
        let kept = shelf.trails().await?;
        let list = kept.into_iter().map(|(settings, progress)| Trail::new(settings, progress));
        let trails = Self(Arc::new(Inner {
            account: config.account,
            region: config.region,
            limits: Limits {
                wait_max_millis: config.wait_max_millis.clamp(0, WAIT_MAX_MILLIS_MAX),
                ..Limits::AWS
            },
            journal,
            deliver,
            clock,
            chance,
            shelf,
            making: Mutex::new(()),
            refreshing: Mutex::new(()),
            list: RwLock::new(list.map(Arc::new).collect()),
            listed: watch::Sender::new(0),
            union: watch::Sender::new(Arc::default()),
        }));
        trails.0.refresh().await;
        Ok(trails)
    }

    /// What all trails together take of the journal's records, replaced on every change.
    pub fn union(&self) -> watch::Receiver<Arc<Union>> {
        self.0.union.subscribe()
    }

    /// The first offset of the journal that a trail still needs; what lies before may expire.
    pub async fn keep_from(&self) -> store::Offset {
        let mut keep_from = self.0.journal.end();
        for trail in self.0.all() {
            if let Some(offset) = trail.progress.lock().await.keep_from() {
                keep_from = keep_from.min(store::Offset(offset));
            }
        }
        keep_from
    }

    /// Makes the server's own trail in its own region, which takes the management events of all regions
    /// and the data events of every bucket that no trail delivers to, and starts it. Does nothing
    /// where it is there, even stopped.
    ///
    /// # Errors
    /// When the store fails, or `name` is not a trail's name.
    pub async fn ensure_default(&self, name: &str, bucket: &str) -> Result<(), Error> {
        let making = self.0.making.lock().await;
        let name = name
            .parse::<TrailName>()
            .map_err(|why| Error::Name { name: name.to_owned(), why: why.message })?;
        let now = self.0.clock.now();
        if self
            .0
            .living()
            .await
            .iter()
            .any(|trail| trail.settings.name == name && trail.settings.home == self.0.region)
        {
            return Ok(());
        }
        let settings = Settings {
            id: self.0.chance.uuid(),
            name,
            home: self.0.region.clone(),
            bucket: bucket.to_owned(),
            prefix: String::new(),
            global_events: true,
            multi_region: true,
            scope: Scope::ManagementAndS3Data,
            created: now,
        };
        let mut progress = Progress::default();
        progress.start(self.0.journal.end().0, now);
        self.0.add(settings, progress).await?;
        drop(making);
        Ok(())
    }
}

impl Inner {
    /// All trails, those too that were deleted and still deliver.
    pub(crate) fn all(&self) -> Vec<Arc<Trail>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The trails that were not deleted.
    pub(crate) async fn living(&self) -> Vec<Arc<Trail>> {
        let mut living = Vec::new();
        for trail in self.all() {
            if trail.progress.lock().await.deleted.is_none() {
                living.push(trail);
            }
        }
        living
    }

    /// Adds a trail, durable when this returns.
    pub(crate) async fn add(&self, settings: Settings, progress: Progress) -> Result<(), Error> {
        self.shelf.keep(&settings, &progress).await?;
        let trail = Arc::new(Trail::new(settings, progress));
        self.list.write().unwrap_or_else(PoisonError::into_inner).push(trail);
        self.refresh().await;
        Ok(())
    }

    /// Forgets a trail that was deleted and has delivered all.
    pub(crate) async fn remove(&self, trail: &Trail) -> Result<(), Error> {
        self.shelf.forget(&trail.settings).await?;
        let id = &trail.settings.id;
        self.list
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|other| other.settings.id != *id);
        self.refresh().await;
        Ok(())
    }

    /// Changes a trail's progress, durable when this returns.
    pub(crate) async fn update<T>(
        &self,
        trail: &Trail,
        change: impl FnOnce(&mut Progress) -> T,
    ) -> Result<T, Error> {
        let mut progress = trail.progress.lock().await;
        let mut next = progress.clone();
        let told = change(&mut next);
        if next != *progress {
            self.shelf.keep(&trail.settings, &next).await?;
            *progress = next;
            drop(progress);
            trail.moved.send_modify(|ticks| *ticks += 1);
        }
        Ok(told)
    }

    /// Brings what each trail takes, and all of them together, up to date.
    pub(crate) async fn refresh(&self) {
        let refreshing = self.refreshing.lock().await;
        let all = self.all();
        let destinations: Vec<&str> =
            all.iter().map(|trail| trail.settings.bucket.as_str()).collect();
        let mut logging = Vec::new();
        for trail in &all {
            let selection = Arc::new(Selection::of(&trail.settings, &self.account, &destinations));
            if trail.progress.lock().await.phase() != Phase::Off {
                logging.push(Arc::clone(&selection));
            }
            *trail.selection.write().unwrap_or_else(PoisonError::into_inner) = selection;
        }
        self.union.send_replace(Arc::new(selection::union(&logging)));
        drop(refreshing);
        self.listed.send_modify(|ticks| *ticks += 1);
    }
}

impl Trail {
    fn new(settings: Settings, progress: Progress) -> Self {
        let position = progress.base();
        Self {
            settings,
            progress: Mutex::new(progress),
            moved: watch::Sender::new(0),
            glance: watch::Sender::new(Glance { position, ..Glance::default() }),
            selection: RwLock::new(Arc::default()),
        }
    }

    pub(crate) fn selection(&self) -> Arc<Selection> {
        Arc::clone(&self.selection.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Trails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trails").field("account", &self.0.account).finish_non_exhaustive()
    }
}
