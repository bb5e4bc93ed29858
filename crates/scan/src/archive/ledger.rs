//! What of an archive has been read: enough to go on after an interruption, and no more.
//!
//! Keys of a folder are listed in their order. So one key says how far it has been read, and few
//! more say what was read beyond it. A folder whose objects and folders are all done is one name;
//! what lies in it need not be remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

/// How many keys that could not be read are kept, to be tried again.
const FAILED_MAX: usize = 10_000;

/// A folder that is being listed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UnitId(u64);

/// How far an archive has been read, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Folders of which nothing is left to do.
    pub(crate) done: BTreeSet<String>,
    /// Folders that have been begun.
    pub(crate) begun: BTreeMap<String, Begun>,
    /// Keys that could not be read.
    pub(crate) failed: BTreeSet<String>,
}

/// How far a folder has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begun {
    /// Everything up to this key has been read.
    pub(crate) through: Option<String>,
    /// These have been read beyond it.
    pub(crate) beyond: BTreeSet<String>,
}

/// Follows what is listed and what is read.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What earlier runs have done.
    before: Progress,
    done: BTreeSet<String>,
    failed: BTreeSet<String>,
    units: HashMap<UnitId, Unit>,
    next: u64,
}

#[derive(Debug)]
struct Unit {
    prefix: String,
    parent: Option<UnitId>,
    /// Whether all of it is listed.
    is_listed: bool,
    /// How many folders of it are not done.
    folders_open: usize,
    through: Option<String>,
    /// What was listed beyond `through`, in order, and whether it is done.
    listed: VecDeque<(String, bool)>,
}

impl Ledger {
    /// Goes on where earlier runs have stopped.
    pub(crate) fn after(before: Progress) -> Self {
        let (done, failed) = (before.done.clone(), before.failed.clone());
        Self { before, done, failed, ..Self::default() }
    }

    /// Whether nothing of a folder is left to do.
    pub(crate) fn is_done(&self, prefix: &str) -> bool {
        self.before.done.contains(prefix)
    }

    /// The keys that earlier runs could not read. They count as failed until they are read.
    pub(crate) fn failed_before(&self) -> BTreeSet<String> {
        self.before.failed.clone()
    }

    /// A folder is about to be listed. Gives the key after which there is something to do.
    pub(crate) fn begin(
        &mut self,
        prefix: &str,
        parent: Option<UnitId>,
    ) -> (UnitId, Option<String>) {
        let id = UnitId(self.next);
        self.next += 1;
        if let Some(parent) = parent.and_then(|parent| self.units.get_mut(&parent)) {
            parent.folders_open += 1;
        }
        let through = self.before.begun.get(prefix).and_then(|begun| begun.through.clone());
        let unit = Unit {
            prefix: prefix.to_owned(),
            parent,
            is_listed: false,
            folders_open: 0,
            through: through.clone(),
            listed: VecDeque::new(),
        };
        self.units.insert(id, unit);
        (id, through)
    }

    /// A key was listed; keys of a folder come in their order. Gives whether there is something to
    /// do with it.
    pub(crate) fn list(&mut self, id: UnitId, key: &str) -> bool {
        let Some(unit) = self.units.get_mut(&id) else { return true };
        if unit.through.as_deref().is_some_and(|through| key <= through) {
            return false;
        }
        let before = self.before.begun.get(&unit.prefix);
        let is_done = before.is_some_and(|begun| begun.beyond.contains(key))
            || self.before.failed.contains(key);
        unit.listed.push_back((key.to_owned(), is_done));
        unit.catch_up();
        !is_done
    }

    /// There is nothing to do with a key.
    pub(crate) fn done(&mut self, id: UnitId, key: &str) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        if let Ok(at) = unit.listed.binary_search_by(|(listed, _)| listed.as_str().cmp(key))
            && let Some((_, is_done)) = unit.listed.get_mut(at)
        {
            *is_done = true;
        }
        unit.catch_up();
        self.close(id);
    }

    /// A key that failed in an earlier run has been read.
    pub(crate) fn read_after_all(&mut self, key: &str) {
        self.failed.remove(key);
    }

    /// A key could not be read. It is tried again by the next run.
    pub(crate) fn failed(&mut self, id: Option<UnitId>, key: &str) {
        if self.failed.len() < FAILED_MAX {
            self.failed.insert(key.to_owned());
        }
        if let Some(id) = id {
            self.done(id, key);
        }
    }

    /// All of a folder is listed.
    pub(crate) fn listed(&mut self, id: UnitId) {
        if let Some(unit) = self.units.get_mut(&id) {
            unit.is_listed = true;
        }
        self.close(id);
    }

    /// Forgets a folder of which nothing is left to do, then the one that it lies in.
    fn close(&mut self, id: UnitId) {
        let mut next = Some(id);
        while let Some(id) = next {
            let is_done = self.units.get(&id).is_some_and(Unit::is_done);
            let Some(unit) = is_done.then(|| self.units.remove(&id)).flatten() else { return };
            let inside: Vec<String> = self
                .done
                .range(unit.prefix.clone()..)
                .take_while(|prefix| prefix.starts_with(&unit.prefix))
                .cloned()
                .collect();
            for prefix in inside {
                self.done.remove(&prefix);
            }
            self.done.insert(unit.prefix);
            next = unit.parent;
            if let Some(parent) = unit.parent.and_then(|parent| self.units.get_mut(&parent)) {
                parent.folders_open -= 1;
            }
        }
    }

    /// What is to be kept.
    pub(crate) fn progress(&self) -> Progress {
        let mut begun = BTreeMap::new();
        // What earlier runs had begun and this one has not reached yet.
        for (prefix, before) in &self.before.begun {
            if !self.is_inside_done(prefix) {
                begun.insert(prefix.clone(), before.clone());
            }
        }
        for unit in self.units.values() {
            let done = unit.listed.iter().filter(|(_, is_done)| *is_done);
            let mut beyond: BTreeSet<String> = done.map(|(key, _)| key.clone()).collect();
            // What an earlier run had read and this one has not listed yet.
            if let Some(before) = self.before.begun.get(&unit.prefix) {
                let last = unit.listed.back().map(|(key, _)| key).or(unit.through.as_ref());
                let unseen = before.beyond.iter().filter(|key| last.is_none_or(|last| *key > last));
                beyond.extend(unseen.cloned());
            }
            if unit.through.is_some() || !beyond.is_empty() {
                begun.insert(unit.prefix.clone(), Begun { through: unit.through.clone(), beyond });
            }
        }
        Progress { done: self.done.clone(), begun, failed: self.failed.clone() }
    }

    fn is_inside_done(&self, prefix: &str) -> bool {
        let is_inside = |done: &String| prefix.starts_with(done.as_str());
        self.done.contains(prefix)
            || self.done.range(..prefix.to_owned()).next_back().is_some_and(is_inside)
    }
}

impl Unit {
    fn is_done(&self) -> bool {
        self.is_listed && self.folders_open == 0 && self.listed.is_empty()
    }

    fn catch_up(&mut self) {
        while self.listed.front().is_some_and(|(_, is_done)| *is_done) {
            self.through = self.listed.pop_front().map(|(key, _)| key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn one_key_says_how_far_a_folder_is_read_and_few_more_what_lies_beyond() {
        let mut ledger = Ledger::default();
        let (unit, through) = ledger.begin("a/", None);
        assert_eq!(through, None);
        for key in ["a/1", "a/2", "a/3", "a/4"] {
            assert!(ledger.list(unit, key));
        }
        for key in ["a/3", "a/1"] {
            ledger.done(unit, key);
        }
        let progress = ledger.progress();
        let begun = Begun { through: Some("a/1".to_owned()), beyond: set(&["a/3"]) };
        assert_eq!(progress.begun, [("a/".to_owned(), begun)].into());

        let mut ledger = Ledger::after(progress.clone());
        let (unit, through) = ledger.begin("a/", None);
        assert_eq!(through.as_deref(), Some("a/1"));
        assert_eq!(ledger.progress(), progress);
        assert!(ledger.list(unit, "a/2"));
        assert!(!ledger.list(unit, "a/3"));
        assert!(ledger.list(unit, "a/4"));
        ledger.done(unit, "a/2");
        let begun = &ledger.progress().begun["a/"];
        assert_eq!(begun, &Begun { through: Some("a/3".to_owned()), ..Begun::default() });
    }

    #[test]
    fn a_folder_is_done_when_all_in_it_is_and_then_it_is_one_name() {
        let mut ledger = Ledger::default();
        let (top, _) = ledger.begin("a/", None);
        let (x, _) = ledger.begin("a/x/", Some(top));
        let (y, _) = ledger.begin("a/y/", Some(top));
        ledger.listed(top);
        ledger.listed(x);
        assert!(ledger.list(y, "a/y/1"));
        ledger.listed(y);
        assert_eq!(ledger.progress().done, set(&["a/x/"]));
        ledger.done(y, "a/y/1");
        let progress = ledger.progress();
        assert_eq!(progress, Progress { done: set(&["a/"]), ..Progress::default() });
        assert!(Ledger::after(progress).is_done("a/"));
    }

    #[test]
    fn what_an_earlier_run_has_begun_is_kept_until_this_one_reaches_it() {
        let mut before = Progress { done: set(&["a/x/"]), ..Progress::default() };
        let begun = Begun { through: Some("a/y/5".to_owned()), beyond: set(&["a/y/7"]) };
        before.begun.insert("a/y/".to_owned(), begun);
        let mut ledger = Ledger::after(before.clone());
        assert_eq!(ledger.progress(), before);
        let (top, _) = ledger.begin("a/", None);
        let (y, _) = ledger.begin("a/y/", Some(top));
        assert!(ledger.list(y, "a/y/6"));
        assert_eq!(ledger.progress(), before);
        ledger.done(y, "a/y/6");
        ledger.listed(y);
        ledger.listed(top);
        assert_eq!(ledger.progress(), Progress { done: set(&["a/"]), ..Progress::default() });
    }

    #[test]
    fn what_could_not_be_read_is_tried_by_the_next_run_and_holds_up_nothing() {
        let mut ledger = Ledger::default();
        let (unit, _) = ledger.begin("a/", None);
        assert!(ledger.list(unit, "a/1"));
        assert!(ledger.list(unit, "a/2"));
        ledger.failed(Some(unit), "a/1");
        ledger.done(unit, "a/2");
        ledger.listed(unit);
        let progress = ledger.progress();
        assert_eq!(progress.done, set(&["a/"]));
        assert_eq!(progress.failed, set(&["a/1"]));
        let mut ledger = Ledger::after(progress);
        assert_eq!(ledger.failed_before(), set(&["a/1"]));
        assert_eq!(ledger.progress().failed, set(&["a/1"]));
        ledger.read_after_all("a/1");
        assert_eq!(ledger.progress(), Progress { done: set(&["a/"]), ..Progress::default() });
    }
}
