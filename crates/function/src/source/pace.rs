//! How fast a mapping is worked off: fewer batches at once while the function fails.

/// Batches at once where nothing is said, and to begin with.
const AT_ONCE: usize = 5;
/// The first rest after failures, in milliseconds; it doubles,
const REST_MILLIS_MIN: i64 = 200;
/// up to this.
const REST_MILLIS_MAX: i64 = 10_000;
/// Failures in a row before the first rest.
const FAILURES_FREE: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    at_once: usize,
    most: usize,
    failures: u32,
}

impl Pace {
    /// The pace of a mapping with this maximum of concurrency.
    pub(super) fn new(most: Option<u16>) -> Self {
        let most = most.map_or(AT_ONCE, usize::from);
        Self { at_once: AT_ONCE.min(most), most, failures: 0 }
    }

    /// Batches that may be with the function at once.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.at_once = (self.at_once + 1).min(self.most);
    }

    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.slow_down();
    }

    /// There was no place: no fault of the messages.
    pub(super) fn slow_down(&mut self) {
        self.at_once = (self.at_once / 2).max(1);
    }

    /// How long to wait before more is received, in milliseconds.
    pub(super) fn rest_millis(&self) -> i64 {
        let Some(beyond) = self.failures.checked_sub(FAILURES_FREE) else { return 0 };
        REST_MILLIS_MIN.saturating_mul(1_i64 << beyond.min(20)).min(REST_MILLIS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_slow_a_mapping_down_and_a_success_lets_it_grow_again() {
        let mut pace = Pace::new(Some(7));
        assert_eq!((pace.at_once(), pace.rest_millis()), (5, 0));
        let seen = (0..9).map(|_| {
            pace.failed();
            (pace.at_once(), pace.rest_millis())
        });
        let seen: Vec<_> = seen.collect();
        assert_eq!(seen[..4], [(2, 0), (1, 200), (1, 400), (1, 800)]);
        assert_eq!(seen[8], (1, 10_000));
        for at_once in [2, 3, 4, 5, 6, 7, 7] {
            pace.succeeded();
            assert_eq!((pace.at_once(), pace.rest_millis()), (at_once, 0));
        }
        pace.slow_down();
        assert_eq!((pace.at_once(), pace.rest_millis()), (3, 0));
        assert_eq!(Pace::new(Some(2)).at_once(), 2);
        assert_eq!(Pace::new(None).at_once(), AT_ONCE);
    }
}
