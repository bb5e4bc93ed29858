//! How far a trail came: what is in files already, what it logs, what waits to be delivered.
//!
//! Two promises hold in every state that is kept. Whatever the trail takes before `base` is in a
//! cut. Whatever it takes of a region before that region's `through` is in a cut. So a trail that
//! reads on from `base` and passes over what lies before `through` skips nothing and doubles
//! nothing.

use std::collections::{BTreeMap, VecDeque};

use flow::{Region, Timestamp};

use crate::cut::Cut;

/// How long the record of the very call that stops a trail is waited for, in milliseconds: that
/// call belongs to the log, but is recorded only after it is answered.
const LAST_CALL_WAIT_MILLIS: i64 = 5_000;
/// Stops that are not worked off yet.
pub(crate) const PAUSES_MAX: usize = 100;

/// How far a trail came.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Progress {
    pub(crate) logging: bool,
    pub(crate) started: Option<Timestamp>,
    pub(crate) stopped: Option<Timestamp>,
    /// When the trail was deleted; it goes once what it took is delivered.
    pub(crate) deleted: Option<Timestamp>,
    base: u64,
    through: BTreeMap<Region, u64>,
    pauses: Vec<Pause>,
    /// Cut and not delivered, oldest first.
    pub(crate) cuts: VecDeque<Cut>,
    pub(crate) deliveries: Deliveries,
}

/// What `GetTrailStatus` tells of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Deliveries {
    pub(crate) attempted: Option<Timestamp>,
    pub(crate) succeeded: Option<Timestamp>,
    /// The code of the last failure, such as `NoSuchBucket`; none after a success.
    pub(crate) error: Option<String>,
    /// Failures since the last success.
    pub(crate) failures: u32,
}

/// A stretch of the journal that is not logged, but for the call that began it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Pause {
    from: u64,
    /// Where logging began again; open while it did not.
    to: Option<u64>,
    /// The call that stopped the trail.
    request_id: String,
    /// Until when that call's record is waited for.
    by: Timestamp,
}

/// What a trail does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Logs.
    On,
    /// Was stopped; waits for the record of the call that stopped it.
    Ending {
        /// Where the journal ended when the trail was stopped.
        from: u64,
        /// Until when the record is waited for.
        by: Timestamp,
    },
    /// Does not log, and all that it took is cut.
    Off,
}

/// What an entry of the journal is to a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Taken, if the trail selects it.
    Log,
    /// Not taken.
    Pass,
    /// The record of the call that stopped the trail: taken, and none after it.
    Last,
}

impl Progress {
    pub(crate) fn phase(&self) -> Phase {
        match self.pauses.last() {
            _ if self.logging => Phase::On,
            Some(Pause { from, to: None, by, .. }) => Phase::Ending { from: *from, by: *by },
            _ => Phase::Off,
        }
    }

    /// Where reading goes on after a restart.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Logs what comes at and after `end`.
    pub(crate) fn start(&mut self, end: u64, now: Timestamp) {
        match self.phase() {
            Phase::On => return,
            Phase::Ending { .. } => {
                if let Some(open) = self.pauses.last_mut() {
                    open.to = Some(end);
                }
            }
            Phase::Off => {
                self.base = end;
                self.through.clear();
                self.pauses.clear();
            }
        }
        self.logging = true;
        self.started = Some(now);
    }

    /// Logs nothing at and after `end`, but for the record of the call `request_id`. Whether there
    /// was room to note it.
    pub(crate) fn stop(&mut self, end: u64, request_id: &str, now: Timestamp) -> bool {
        if !self.logging {
            return true;
        }
        if self.pauses.len() >= PAUSES_MAX {
            return false;
        }
        self.logging = false;
        self.stopped = Some(now);
        self.pauses.push(Pause {
            from: end,
            to: None,
            request_id: request_id.to_owned(),
            by: now.plus_millis(LAST_CALL_WAIT_MILLIS),
        });
        true
    }

    /// What the entry at `offset` is.
    pub(crate) fn look(&self, offset: u64, body: &[u8]) -> Look {
        let within = |pause: &&Pause| offset >= pause.from && pause.to.is_none_or(|to| offset < to);
        match self.pauses.iter().find(within) {
            None => Look::Log,
            Some(pause) if !holds(body, pause.request_id.as_bytes()) => Look::Pass,
            Some(pause) if pause.to.is_some() => Look::Log,
            Some(_) => Look::Last,
        }
    }

    /// Whether the entry at `offset`, of `region`, is in no cut yet.
    pub(crate) fn is_new(&self, offset: u64, region: &Region) -> bool {
        offset >= self.base && self.through.get(region).is_none_or(|through| offset >= *through)
    }

    /// Takes in a file that holds all that the trail took of its region before `through`, while
    /// all that it took before `base` is in this file or an earlier one.
    pub(crate) fn cut(&mut self, cut: Cut, through: u64, base: u64) {
        self.through.insert(cut.region.clone(), through);
        self.cuts.push_back(cut);
        self.advance(base);
    }

    /// Notes that all that the trail took before `base` is in a file.
    pub(crate) fn advance(&mut self, base: u64) {
        self.base = self.base.max(base);
        let base = self.base;
        self.through.retain(|_, through| *through > base);
        self.pauses.retain(|pause| pause.to.is_none_or(|to| to > base));
    }

    /// All that the trail took is cut.
    pub(crate) fn finish(&mut self, base: u64) {
        self.advance(base);
        if !self.logging {
            self.pauses.clear();
        }
    }

    /// The first offset of the journal that is still needed; `None` where none is.
    pub(crate) fn keep_from(&self) -> Option<u64> {
        let cuts = self.cuts.iter().filter_map(|cut| cut.offsets.first()).min();
        let reading = (self.phase() != Phase::Off).then_some(self.base);
        cuts.into_iter().chain(reading).min()
    }
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    fn logging_from(end: u64) -> Progress {
        let mut progress = Progress::default();
        progress.start(end, at(0));
        progress
    }

    fn looks(progress: &Progress, bodies: &[(u64, &str)]) -> Vec<Look> {
        bodies.iter().map(|(offset, body)| progress.look(*offset, body.as_bytes())).collect()
    }

    #[test]
    fn a_new_trail_logs_nothing_until_it_is_started() {
        assert_eq!(Progress::default().phase(), Phase::Off);
        let progress = logging_from(7);
        assert_eq!((progress.phase(), progress.base()), (Phase::On, 7));
        assert!(!progress.is_new(6, &region("a")));
        assert!(progress.is_new(7, &region("a")));
    }

    #[test]
    fn a_stopped_trail_takes_what_came_before_and_the_call_that_stopped_it() {
        let mut progress = logging_from(0);
        assert!(progress.stop(10, "the-id", at(100)));
        assert_eq!(
            progress.phase(),
            Phase::Ending { from: 10, by: at(100 + LAST_CALL_WAIT_MILLIS) }
        );
        assert_eq!(
            looks(&progress, &[(9, "x"), (10, "x"), (11, r#"{"requestID":"the-id"}"#), (12, "x")]),
            [Look::Log, Look::Pass, Look::Last, Look::Pass]
        );
        progress.finish(12);
        assert_eq!((progress.phase(), progress.keep_from()), (Phase::Off, None));
    }

    #[test]
    fn a_trail_started_again_before_it_ended_leaves_out_the_pause() {
        let mut progress = logging_from(0);
        progress.stop(10, "the-id", at(0));
        progress.start(13, at(1));
        assert_eq!(progress.phase(), Phase::On);
        assert_eq!(
            looks(&progress, &[(9, "x"), (10, "the-id"), (12, "x"), (13, "x")]),
            [Look::Log, Look::Log, Look::Pass, Look::Log]
        );
        progress.advance(13);
        assert_eq!(looks(&progress, &[(12, "x")]), [Look::Log], "the pause is forgotten");
        assert!(!progress.is_new(12, &region("a")));
    }

    #[test]
    fn a_trail_started_after_it_ended_goes_on_at_the_journals_end() {
        let mut progress = logging_from(0);
        progress.stop(10, "the-id", at(0));
        progress.finish(11);
        progress.start(50, at(1));
        assert_eq!((progress.phase(), progress.base()), (Phase::On, 50));
    }

    #[test]
    fn stops_that_are_not_worked_off_are_bounded() {
        let mut progress = logging_from(0);
        for round in 0..PAUSES_MAX {
            assert!(progress.stop(round as u64, "id", at(0)));
            progress.start(round as u64 + 1, at(0));
        }
        assert!(!progress.stop(1000, "id", at(0)));
        assert!(progress.logging);
    }

    #[test]
    fn a_regions_cut_says_nothing_of_other_regions() {
        let mut progress = logging_from(0);
        let cut = Cut {
            region: region("a"),
            offsets: [2, 5].into_iter().collect(),
            records: 2,
            bucket: String::new(),
            key: String::new(),
            sha256: String::new(),
            oldest: at(0),
            newest: at(0),
            made: at(0),
            conflicts: 0,
        };
        progress.cut(cut, 6, 3);
        assert!(!progress.is_new(5, &region("a")) && progress.is_new(6, &region("a")));
        assert!(!progress.is_new(2, &region("b")) && progress.is_new(3, &region("b")));
        assert_eq!(progress.keep_from(), Some(2), "the cut is read again when it is delivered");
        progress.cuts.clear();
        assert_eq!(progress.keep_from(), Some(3));
        progress.advance(9);
        assert_eq!(progress.through.len(), 0);
    }
}
