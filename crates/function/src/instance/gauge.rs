//! What an instance uses, looked at often enough that it never uses much more than it may.

use std::{path::PathBuf, time::Duration};

use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};

use super::{
    folder::held_bytes,
    share::{Crowd, SESSIONS_MAX, Share, Verdict},
};
use crate::{
    Resources,
    launch::PROCESSES_SEEN_MAX,
    memory::{self, Usage},
};

/// How often it is looked at while something runs, and else.
const EVERY: Duration = Duration::from_millis(50);
const EVERY_IDLE: Duration = Duration::from_millis(500);
/// How often a scratch folder on disk is.
const EVERY_SCRATCH: Duration = Duration::from_secs(1);
/// Looking takes this part of a processor at most, however much there is to see. Its own time counts,
/// not what it waits for: a crowd that keeps it waiting is to be looked at all the same.
const PART: u32 = 10;

/// The launcher's two stages are processes too.
const LAUNCHERS: u64 = 2;

/// More is used than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Memory,
    Processes,
    Sessions,
    Scratch,
}

/// What a look may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Over(Over),
    /// It is a crowd, which runs behind everybody from now on.
    Crowd,
}

/// What the log says of a crowd.
pub(super) const CROWD: &str = "The function has far more threads that run than there are processors: \
                                from now on it runs when nobody else would";

impl Over {
    /// What the log says of it.
    pub(super) fn told(self, resources: &Resources) -> String {
        let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        match self {
            Self::Memory => {
                let size = megabytes(resources.memory_bytes);
                format!("The function used more than its memory of {size} MB and was ended")
            }
            Self::Processes => format!(
                "The function had more than {PROCESSES_SEEN_MAX} processes and threads and was ended"
            ),
            Self::Sessions => {
                format!("The function had more than {SESSIONS_MAX} sessions and was ended")
            }
            Self::Scratch => {
                let size = megabytes(resources.scratch_bytes);
                format!("The function kept more than {size} MB in /tmp and was ended")
            }
        }
    }
}

/// Looks at one instance.
pub(super) struct Gauge {
    resources: Resources,
    /// The scratch folder, where nothing else bounds it.
    scratch: Option<PathBuf>,
    looked: Instant,
    looked_at_scratch: Instant,
    took: Duration,
    /// A look that goes on: apart, since a crowd takes long to count, and no deadline waits for it.
    looking: Option<JoinHandle<(Usage, Crowd, Duration)>>,
    share: Share,
    /// The most memory that was seen.
    pub(super) used_bytes: u64,
}

impl Gauge {
    pub(super) fn new(resources: Resources, scratch: Option<PathBuf>) -> Self {
        let now = Instant::now();
        Self {
            resources,
            scratch,
            looked: now,
            looked_at_scratch: now,
            took: Duration::ZERO,
            looking: None,
            share: Share::new(),
            used_bytes: 0,
        }
    }

    /// Looks at the process of that id once it is time to; may be dropped and called again.
    pub(super) async fn watch(&mut self, pid: Option<u32>, idle: bool) -> Option<Seen> {
        let every = if idle { EVERY_IDLE } else { EVERY };
        let limit = self.resources.memory_bytes;
        if self.looking.is_none() {
            sleep_until(self.looked + every.max(self.took * PART)).await;
            self.looked = Instant::now();
        }
        let share = self.share;
        let look = move || {
            let Some(id) = pid else { return Default::default() };
            let before = worked();
            let family = memory::family(id);
            let usage = memory::usage(&family, limit);
            let crowd = share.look(&family, usage.threads);
            (usage, crowd, worked().saturating_sub(before))
        };
        let looking = self.looking.get_or_insert_with(|| spawn_blocking(look));
        let (usage, crowd, took) = looking.await.unwrap_or_default();
        self.looking = None;
        self.took = took;
        self.looked = Instant::now();
        let over = self.judge(usage).map(Seen::Over);
        over.or_else(|| match self.share.judge(crowd)? {
            Verdict::Lower => Some(Seen::Crowd),
            Verdict::Sessions => Some(Seen::Over(Over::Sessions)),
        })
    }

    /// Looks at the process of that id now.
    pub(super) fn look(&mut self, pid: Option<u32>) -> Option<Over> {
        let limit = self.resources.memory_bytes;
        self.judge(pid.map_or_else(Usage::default, |id| memory::usage(&memory::family(id), limit)))
    }

    fn judge(&mut self, Usage { bytes, threads }: Usage) -> Option<Over> {
        self.used_bytes = self.used_bytes.max(bytes);
        let crowded = threads > PROCESSES_SEEN_MAX.saturating_add(LAUNCHERS);
        match () {
            () if bytes > self.resources.memory_bytes => Some(Over::Memory),
            () if crowded => Some(Over::Processes),
            () if self.scratch_is_full() => Some(Over::Scratch),
            () => None,
        }
    }

    fn scratch_is_full(&mut self) -> bool {
        let Some(scratch) = &self.scratch else { return false };
        if self.looked_at_scratch.elapsed() < EVERY_SCRATCH {
            return false;
        }
        let held = held_bytes(scratch);
        self.looked_at_scratch = Instant::now();
        held > self.resources.scratch_bytes
    }
}

/// How long this thread has had a processor.
fn worked() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(tv_sec), u32::try_from(tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
