//! An instance's share of the processors: once it is a crowd, it runs where nobody else would.
//!
//! The kernel shares a processor among all threads that would run, or, where it groups them, among
//! sessions. A function may have a thousand of either, and the server has a few.

use std::{collections::BTreeMap, fs, io, thread::available_parallelism};

/// Threads of an instance that would run at once, for each processor, before it is a crowd.
const RUNNABLE_PER_PROCESSOR: usize = 4;
/// Looks in a row that have to see it so: a moment of many is none.
const LOOKS_MIN: u32 = 3;
/// Sessions of an instance, each of which some kernels give as much as to the whole server.
pub(super) const SESSIONS_MAX: usize = 64;

/// The kernel's policy for what runs only where nothing else would, by sched(7).
const IDLE: i32 = uapi::c::SCHED_IDLE;
/// The least share of a session, where sessions have shares, by sched(7).
const LEAST_NICE: &str = "19";

/// What was seen of an instance's threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Crowd {
    /// Threads that would run.
    runnable: usize,
    pub(super) sessions: usize,
    /// Whether some could not be lowered.
    refused: bool,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// From the next look on, all of it runs behind everybody.
    Lower,
    Sessions,
}

/// Looks in a row, and what follows from them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    runnable_max: usize,
    crowded: u32,
    lowered: bool,
    told: bool,
}

impl Share {
    pub(super) fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let runnable_max = processors.saturating_mul(RUNNABLE_PER_PROCESSOR);
        Self { runnable_max, crowded: 0, lowered: false, told: false }
    }

    /// Looks at a family, which is that many threads together, and lowers all but the first of it
    /// where that was decided: children inherit it, and nobody without privileges gets out of it.
    pub(super) fn look(&self, family: &[u32], threads: u64) -> Crowd {
        let few = self.runnable_max.min(SESSIONS_MAX);
        if !self.lowered && usize::try_from(threads).is_ok_and(|threads| threads <= few) {
            return Crowd::default();
        }
        let mut crowd = Crowd::default();
        let mut sessions = BTreeMap::new();
        // The launcher waits for the others, and sees them out.
        for pid in family.iter().copied().skip(1) {
            for thread in threads_of(pid) {
                crowd.runnable += usize::from(thread.runs);
                sessions.insert(thread.session, pid);
                if self.lowered && thread.policy != IDLE {
                    crowd.refused |= lower(thread.id).is_err_and(|error| !is_gone(&error));
                }
            }
        }
        if self.lowered {
            sessions.values().for_each(|pid| lower_session(*pid));
        }
        crowd.sessions = sessions.len();
        crowd
    }

    /// What follows from one more look.
    pub(super) fn judge(&mut self, seen: Crowd) -> Option<Verdict> {
        if seen.sessions > SESSIONS_MAX {
            return Some(Verdict::Sessions);
        }
        if seen.refused && !self.told {
            self.told = true;
            tracing::warn!("A function's crowd keeps its share of the processors: it is refused");
        }
        self.crowded = if seen.runnable > self.runnable_max { self.crowded + 1 } else { 0 };
        if self.lowered || self.crowded < LOOKS_MIN {
            return None;
        }
        self.lowered = true;
        Some(Verdict::Lower)
    }
}

/// A thread, as the kernel tells of it.
#[derive(Debug, PartialEq, Eq)]
struct Thread {
    id: i32,
    runs: bool,
    session: i32,
    policy: i32,
}

fn threads_of(pid: u32) -> Vec<Thread> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.filter_map(|it| thread(&fs::read_to_string(it.path().join("stat")).ok()?)).collect()
}

/// Reads a thread's `stat`, by proc_pid_stat(5): a name in brackets that may hold anything, then
/// fields between spaces.
fn thread(stat: &str) -> Option<Thread> {
    /// Where they stand behind the name.
    const STATE: usize = 0;
    const SESSION: usize = 3;
    const POLICY: usize = 38;

    let (id, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse().ok();
    Some(Thread {
        id: id.parse().ok()?,
        runs: *fields.get(STATE)? == "R",
        session: number(SESSION)?,
        policy: number(POLICY)?,
    })
}

fn lower(thread: i32) -> io::Result<()> {
    let nothing = uapi::c::sched_param { sched_priority: 0 };
    uapi::sched_setscheduler(thread, IDLE, &nothing).map(drop).map_err(io::Error::from)
}

/// Gives the session of a process the least share, where sessions have any. Without privileges the
/// kernel takes few such words a second: the next look says it again.
fn lower_session(pid: u32) {
    let path = format!("/proc/{pid}/autogroup");
    let told = fs::read_to_string(&path).unwrap_or_default();
    let Some((_, nice)) = told.trim_end().rsplit_once(' ') else { return };
    if nice != LEAST_NICE
        && let Err(error) = fs::write(&path, LEAST_NICE)
    {
        tracing::debug!(%error, "A function's session keeps its share for now: {error}");
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_whatever_it_calls_itself() {
        let rest = "R 1 7 8 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 5 6 7 8 9 1 1 1 1 1 0 0 0 0 0 0 \
                    17 1 0 5 0 0 0";
        for name in ["spin", "a b", ") S 1 (", ""] {
            let expected = Thread { id: 9, runs: true, session: 8, policy: 5 };
            assert_eq!(thread(&format!("9 ({name}) {rest}\n")), Some(expected), "{name}");
        }
        assert_eq!(thread("9 (spin) R 1 7"), None);
        // Whatever policy the tests run under: no thread of theirs leaves it.
        let own = threads_of(std::process::id());
        let first = own.first().unwrap().policy;
        assert!((0..=7).contains(&first) && own.iter().all(|it| it.policy == first), "{own:?}");
    }

    #[test]
    fn a_crowd_is_lowered_once_it_was_seen_several_times_in_a_row() {
        let mut share = Share::new();
        let crowd = Crowd { runnable: share.runnable_max + 1, ..Crowd::default() };
        let few = Crowd { runnable: share.runnable_max, ..Crowd::default() };
        let seen = [crowd, crowd, few, crowd, crowd, crowd, crowd];
        let verdicts: Vec<_> = seen.into_iter().map(|seen| share.judge(seen)).collect();
        assert_eq!(verdicts.iter().position(Option::is_some), Some(5));
        assert_eq!(verdicts[5..], [Some(Verdict::Lower), None]);
        let sessions = Crowd { sessions: SESSIONS_MAX + 1, ..Crowd::default() };
        assert_eq!(share.judge(sessions), Some(Verdict::Sessions));
    }
}
