//! Finds the objects of an archive, listing no more than it must.
//!
//! Folders are listed depth first by a few requests at a time. Each gives at most a thousand
//! folders, and the rest of its listing waits below them: so what is waiting stays small, however
//! many accounts there are. Keys of a region are in the order of days: the listing begins at the
//! first day that is wanted and ends after the last, and no day is asked for by itself.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use object_store::Error as S3Error;
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    gate::Gate,
    layout::{self, Folder, Passed, Way},
    ledger::{Ledger, UnitId},
    listing::{Ask, Listed, Listing, Page},
    refusal,
};
use crate::{
    report::Skipped,
    window::{Window, is_day},
};

/// How many requests for listings run at a time.
const LISTINGS_AT_A_TIME: usize = 16;

/// What a walk finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// An object that is wanted.
    Object {
        listed: Listed,
        /// The folder it counts for; none where an earlier run could not read it.
        unit: Option<UnitId>,
    },
    /// Objects that are not.
    Skipped(Skipped),
    /// Something that cannot be listed.
    Failed {
        /// What it begins with.
        prefix: String,
        reason: String,
        /// Whether nothing can be listed.
        is_fatal: bool,
    },
}

/// What a walk counts beside.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) lists: AtomicU64,
    /// Folders of digests, Insights, other services, and of accounts and regions that are not
    /// wanted.
    pub(crate) folders_passed_over: AtomicU64,
}

/// Where to look, and for what.
pub(crate) struct Walk<L> {
    pub(crate) listing: Arc<L>,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) window: Window,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) gate: Arc<Gate>,
}

/// A folder to list, or the rest of it.
#[derive(Clone, Debug)]
struct Node {
    prefix: String,
    folder: Folder,
    unit: UnitId,
    /// Whether it is what somebody pointed at.
    is_first: bool,
    after: Option<String>,
    token: Option<String>,
}

impl<L: Listing> Walk<L> {
    /// Lists everything. Ends early where nobody listens any more.
    pub(crate) async fn run(self, found: mpsc::Sender<Found>) {
        let walk = Arc::new(self);
        let first = walk.begin(walk.prefix.clone(), Folder::at(&walk.prefix), None);
        let mut waiting = Vec::from_iter(first);
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < LISTINGS_AT_A_TIME
                && let Some(node) = waiting.pop()
            {
                let (walk, found) = (Arc::clone(&walk), found.clone());
                asking.spawn(async move { walk.list(node, &found).await });
            }
            match asking.join_next().await {
                Some(Ok(nodes)) => waiting.extend(nodes),
                Some(Err(_)) | None => return,
            }
            if found.is_closed() {
                return;
            }
        }
    }

    /// Lists one page; gives what is to be listed next, the first at the end.
    async fn list(&self, node: Node, found: &mpsc::Sender<Found>) -> Vec<Node> {
        let ask = Ask {
            prefix: node.prefix.clone(),
            folders: node.folder.has_folders(),
            after: node.after.clone(),
            token: node.token.clone(),
        };
        let asked = self.gate.tried(|| {
            self.counts.lists.fetch_add(1, Relaxed);
            self.listing.page(ask.clone())
        });
        match asked.await {
            Ok(page) => self.take(node, page, found).await,
            Err(error) => {
                // Not listed to its end: the folder stays open, and the next run lists it.
                self.failed(&node, &error, found).await;
                Vec::new()
            }
        }
    }

    async fn take(&self, node: Node, page: Page, found: &mpsc::Sender<Found>) -> Vec<Node> {
        let unit = node.unit;
        let mut children = Vec::new();
        let is_past_end = page.objects.last().is_some_and(|last| self.is_past(&node, &last.key));
        let kind = node.folder.holding(page.folders.iter().map(|folder| last_part(folder)));
        for folder in page.folders.into_iter().rev() {
            let name = last_part(&folder);
            match kind.below(name, folder.len(), &self.window) {
                Way::Past(_) => {
                    self.counts.folders_passed_over.fetch_add(1, Relaxed);
                }
                // Children are entered before their folder may be done.
                Way::Into(kind) => children.extend(self.begin(folder, kind, Some(unit))),
            }
        }
        if self.hand_on(&node, unit, page.objects, found).await.is_none() {
            return Vec::new();
        }
        match page.next {
            Some(token) if !is_past_end => children.insert(0, Node { token: Some(token), ..node }),
            _ => self.ledger.lock().expect("no holder panics").listed(unit),
        }
        children
    }

    /// Enters a folder into the ledger; nothing where an earlier run has done it.
    fn begin(&self, prefix: String, folder: Folder, parent: Option<UnitId>) -> Option<Node> {
        let mut ledger = self.ledger.lock().expect("no holder panics");
        if ledger.is_done(&prefix) {
            return None;
        }
        let (unit, through) = ledger.begin(&prefix, parent);
        let after = match folder.has_folders() {
            true => None,
            false => through.max(self.day_before(&prefix, folder)),
        };
        Some(Node { prefix, folder, unit, is_first: parent.is_none(), after, token: None })
    }

    /// Hands on what is wanted of a page. None where nobody listens any more.
    async fn hand_on(
        &self,
        node: &Node,
        unit: UnitId,
        objects: Vec<Listed>,
        found: &mpsc::Sender<Found>,
    ) -> Option<()> {
        let mut skipped = Skipped::default();
        for listed in objects {
            if self.is_past(node, &listed.key) {
                continue;
            }
            match layout::passed(&listed.key) {
                Some(Passed::Digests) => skipped.digests += 1,
                Some(Passed::Insights) => skipped.insights += 1,
                Some(Passed::OtherService | Passed::Unwanted) => skipped.others += 1,
                None if listed.size == 0 => skipped.markers += 1,
                None if !self.window.wants_key(&listed.key) => skipped.unwanted += 1,
                None => {
                    if self.ledger.lock().expect("no holder panics").list(unit, &listed.key) {
                        found.send(Found::Object { listed, unit: Some(unit) }).await.ok()?;
                    }
                }
            }
        }
        if skipped.total() > 0 {
            found.send(Found::Skipped(skipped)).await.ok()?;
        }
        Some(())
    }

    async fn failed(&self, node: &Node, error: &S3Error, found: &mpsc::Sender<Found>) {
        let reason = refusal::of_listing(&self.bucket, &node.prefix, error);
        let is_fatal = node.is_first;
        let failed = Found::Failed { prefix: node.prefix.clone(), reason, is_fatal };
        // Where nobody listens, nobody asks.
        found.send(failed).await.ok();
    }

    /// What stands before the first day that is wanted, in the order of keys.
    fn day_before(&self, prefix: &str, folder: Folder) -> Option<String> {
        let Folder::Dated { days_at } = folder else { return None };
        let (first, _) = self.window.days();
        Some(format!("{}{}", prefix.get(..days_at)?, first?))
    }

    /// Whether a key lies after the last day that is wanted.
    fn is_past(&self, node: &Node, key: &str) -> bool {
        let Folder::Dated { days_at } = node.folder else { return false };
        let (_, Some(last)) = self.window.days() else { return false };
        key.get(days_at..)
            .and_then(|days| days.get(..last.len()))
            .filter(is_day)
            .is_some_and(|day| day > last)
    }
}

/// A folder's own name.
fn last_part(prefix: &str) -> &str {
    let folder = prefix.strip_suffix('/').unwrap_or(prefix);
    folder.rsplit('/').next().unwrap_or_default()
}
