//! What becomes of a message, from what became of each thing that it names.

/// The first wait of a message whose objects cannot be read now, in seconds; it doubles,
const WAIT_SECONDS_MIN: i32 = 5;
/// up to this.
const WAIT_SECONDS_MAX: i32 = 15 * 60;

/// What became of one object or record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its findings are in the outbox, or there was nothing to find.
    Done,
    /// It will never be read, or not all of it.
    Never(Fault),
    /// Another try may help.
    NotNow(Fault),
}

/// What is wrong, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
    /// The byte of the inflated text.
    pub(crate) offset: Option<u64>,
    pub(crate) reason: String,
}

/// What becomes of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is deleted.
    Done,
    /// It is shown again after a wait.
    Later { reason: String, wait_seconds: i32 },
    /// It is a dead letter here, and then deleted from the queue.
    Dead(Fault),
}

/// Judges a message that was received `receives` times, this one included.
pub(crate) fn verdict(outcomes: Vec<Outcome>, receives: u32, receives_max: u32) -> Verdict {
    let (mut never, mut not_now) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Outcome::Done => {}
            Outcome::Never(fault) => never.push(fault),
            Outcome::NotNow(fault) => not_now.push(fault),
        }
    }
    // What can still be read comes first: the message names it as well.
    if let Some(fault) = first(not_now) {
        if receives < receives_max {
            let wait_seconds = wait_seconds(receives);
            return Verdict::Later { reason: fault.reason, wait_seconds };
        }
        let reason = format!("not read after {receives} receives: {}", fault.reason);
        return Verdict::Dead(Fault { reason, ..fault });
    }
    first(never).map_or(Verdict::Done, Verdict::Dead)
}

/// The first fault, which says how many others there are.
fn first(faults: Vec<Fault>) -> Option<Fault> {
    let others = faults.len().saturating_sub(1);
    let fault = faults.into_iter().next()?;
    let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
    Some(Fault { reason: format!("{}{more}", fault.reason), ..fault })
}

fn wait_seconds(receives: u32) -> i32 {
    let doublings = receives.saturating_sub(1).min(20);
    WAIT_SECONDS_MIN.saturating_mul(1 << doublings).min(WAIT_SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(reason: &str) -> Fault {
        Fault { reason: reason.to_owned(), ..Fault::default() }
    }

    fn check(outcomes: &[Outcome], receives: u32, expected: &Verdict) {
        assert_eq!(&verdict(outcomes.to_vec(), receives, 3), expected);
    }

    #[test]
    fn what_is_read_is_done() {
        check(&[], 1, &Verdict::Done);
        check(&[Outcome::Done, Outcome::Done], 9, &Verdict::Done);
    }

    #[test]
    fn what_cannot_be_read_now_waits_longer_each_time_and_then_is_dead() {
        let outcomes = [Outcome::Never(fault("gone")), Outcome::NotNow(fault("busy"))];
        let later = |wait_seconds| Verdict::Later { reason: "busy".to_owned(), wait_seconds };
        check(&outcomes, 1, &later(5));
        check(&outcomes, 2, &later(10));
        check(&outcomes, 3, &Verdict::Dead(fault("not read after 3 receives: busy")));
        assert_eq!(wait_seconds(u32::MAX), WAIT_SECONDS_MAX);
    }

    #[test]
    fn what_can_never_be_read_is_dead_at_once() {
        let outcomes =
            [Outcome::Done, Outcome::Never(fault("bad gzip")), Outcome::Never(fault("x"))];
        check(&outcomes, 1, &Verdict::Dead(fault("bad gzip (and 1 more)")));
    }
}
