//! How many requests run at a time, and how many a second.
//!
//! More as long as more gets done; half as many where S3 or KMS asks for less. Single refusals
//! are everyday life in S3 and say nothing: a share of them does.

use std::time::Duration;

/// The least that run at a time.
const AT_A_TIME_MIN: usize = 4;
/// How many run at a time at first.
const AT_A_TIME_FIRST: usize = 32;
/// By how much the number rises once it no longer doubles.
const STEP: usize = 8;
/// One refusal in this many asks for less.
const REFUSED_SHARE: u64 = 20;
/// By how much the rate must rise for a higher number to be worth it, in hundredths.
const GAIN_PERCENT: f64 = 3.0;
/// How many intervals pass until a higher number is tried again.
const INTERVALS_BETWEEN_TRIES: u32 = 10;

/// What happened since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Interval {
    /// Requests that were answered.
    pub(crate) done: u64,
    /// Requests to which S3 or KMS said: less often.
    pub(crate) refused: u64,
    /// Whether requests waited for others to end.
    pub(crate) was_full: bool,
    /// How long it was.
    pub(crate) lasted: Duration,
}

/// Decides how many requests run at a time.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    at_a_time: usize,
    max: usize,
    best: f64,
    doubles: bool,
    tried: Option<usize>,
    quiet: u32,
}

impl Pace {
    /// At most `max` at a time.
    pub(crate) fn new(max: usize) -> Self {
        let max = max.max(1);
        let at_a_time = AT_A_TIME_FIRST.min(max);
        Self { at_a_time, max, best: 0.0, doubles: true, tried: None, quiet: 0 }
    }

    /// How many run at a time now.
    pub(crate) fn at_a_time(&self) -> usize {
        self.at_a_time
    }

    /// Looks at an interval; gives how many run at a time from now on.
    pub(crate) fn look(&mut self, interval: Interval) -> usize {
        let Interval { done, refused, was_full, lasted } = interval;
        if refused > 0 && refused * REFUSED_SHARE > done + refused {
            self.at_a_time = (self.at_a_time / 2).max(AT_A_TIME_MIN).min(self.max);
            self.best = 0.0;
            self.doubles = false;
            self.tried = None;
            self.quiet = 0;
            return self.at_a_time;
        }
        // What nobody waits for is not what holds it up.
        if !was_full || lasted.is_zero() {
            return self.at_a_time;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate, of far fewer than 2^52 requests")]
        let rate = done as f64 / lasted.as_secs_f64();
        if rate > self.best * (1.0 + GAIN_PERCENT / 100.0) {
            self.best = rate;
            self.raise();
        } else if let Some(before) = self.tried.take() {
            // It was not worth it.
            self.at_a_time = before;
            self.doubles = false;
            self.quiet = 0;
        } else {
            self.quiet += 1;
            if self.quiet >= INTERVALS_BETWEEN_TRIES {
                self.best = rate;
                self.raise();
            }
        }
        self.at_a_time
    }

    fn raise(&mut self) {
        let raised = if self.doubles { self.at_a_time * 2 } else { self.at_a_time + STEP };
        let raised = raised.min(self.max);
        self.tried = (raised > self.at_a_time).then_some(self.at_a_time);
        self.at_a_time = raised;
        self.quiet = 0;
    }
}

/// Spreads requests evenly over time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    apart: Duration,
    /// When the next request may begin, since some moment.
    next: Duration,
}

impl Rate {
    /// So many a second.
    pub(crate) fn per_second(requests: f64) -> Self {
        let apart = Duration::try_from_secs_f64(1.0 / requests).unwrap_or(Duration::MAX);
        Self { apart, next: Duration::ZERO }
    }

    /// When the request that is asked for at `now` may begin. A pause is not made up for.
    pub(crate) fn begin(&mut self, now: Duration) -> Duration {
        let begin = self.next.max(now);
        self.next = begin.saturating_add(self.apart);
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each request after 100 ms, up to `capacity` a second, and refuses all
    /// beyond.
    fn seconds(pace: &mut Pace, capacity: u64, count: usize) -> usize {
        for _ in 0..count {
            let asked = u64::try_from(pace.at_a_time()).unwrap() * 10;
            let done = asked.min(capacity);
            let lasted = Duration::from_secs(1);
            pace.look(Interval { done, refused: asked - done, was_full: true, lasted });
        }
        pace.at_a_time()
    }

    /// The same, with answers that become slower instead.
    fn slower(pace: &mut Pace, capacity: u64, count: usize) -> usize {
        for _ in 0..count {
            let done = (u64::try_from(pace.at_a_time()).unwrap() * 10).min(capacity);
            let lasted = Duration::from_secs(1);
            pace.look(Interval { done, refused: 0, was_full: true, lasted });
        }
        pace.at_a_time()
    }

    #[test]
    fn more_run_at_a_time_as_long_as_more_gets_done() {
        let mut pace = Pace::new(512);
        assert_eq!(slower(&mut pace, u64::MAX, 5), 512);
        let mut pace = Pace::new(512);
        let settled = slower(&mut pace, 1_000, 8);
        assert!((100..=128).contains(&settled), "{settled}");
    }

    #[test]
    fn half_as_many_run_where_a_share_is_refused() {
        let mut pace = Pace::new(512);
        slower(&mut pace, u64::MAX, 5);
        assert_eq!(seconds(&mut pace, 2_700, 1), 256);
        let low = seconds(&mut pace, 0, 20);
        assert_eq!(low, AT_A_TIME_MIN);
        assert!(seconds(&mut pace, 1_000, 20) > 50);
    }

    #[test]
    fn a_single_refusal_in_a_hundred_changes_nothing() {
        let mut pace = Pace::new(512);
        for _ in 0..6 {
            let done = u64::try_from(pace.at_a_time()).unwrap() * 10;
            let lasted = Duration::from_secs(1);
            pace.look(Interval { done, refused: done / 100, was_full: true, lasted });
        }
        assert_eq!(pace.at_a_time(), 512);
    }

    #[test]
    fn what_nobody_waits_for_is_left_as_it_is() {
        let mut pace = Pace::new(512);
        let lasted = Duration::from_secs(1);
        pace.look(Interval { done: 5, refused: 0, was_full: false, lasted });
        assert_eq!(pace.at_a_time(), AT_A_TIME_FIRST);
    }

    #[test]
    fn requests_are_spread_evenly_and_pauses_not_made_up_for() {
        let mut rate = Rate::per_second(10.0);
        let at = Duration::from_millis;
        assert_eq!(rate.begin(at(0)), at(0));
        assert_eq!(rate.begin(at(0)), at(100));
        assert_eq!(rate.begin(at(0)), at(200));
        assert_eq!(rate.begin(at(5_000)), at(5_000));
        assert_eq!(rate.begin(at(5_000)), at(5_100));
    }
}
