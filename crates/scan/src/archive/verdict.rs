//! Whether it is one object that cannot be read, or none can.

use credentials::Trouble;

use super::receipt::Receipt;
use crate::report::Failure;

/// How many refusals in a row end a scan.
const REFUSED_MAX: usize = 20;

/// Judges refusals by what was read beside.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    has_read: bool,
    /// Refusals before anything was read: they may all be one.
    held: Vec<(Failure, Receipt)>,
    /// How often in a row the keys were refused.
    keys_refused: usize,
    /// Whether it was said that there is no use in going on.
    is_over: bool,
}

/// What to say of a refusal.
pub(crate) enum Told {
    Later,
    Now(Failure),
    /// And to stop.
    AtLast(Failure),
}

impl Verdict {
    /// An object was read. Gives what was held back until then.
    pub(crate) fn read(&mut self) -> Vec<(Failure, Receipt)> {
        self.keys_refused = 0;
        self.has_read = true;
        std::mem::take(&mut self.held)
    }

    /// An object was refused.
    pub(crate) fn refused(&mut self, failure: Failure, trouble: Trouble, receipt: Receipt) -> Told {
        match trouble {
            // What was under way at the end meets the same, and is asked again by the next run.
            _ if self.is_over => Told::Later,
            // Whatever is asked next meets the same.
            Trouble::NoBucket | Trouble::WrongRegion => self.over(failure),
            Trouble::Keys if self.keys_refused + 1 >= REFUSED_MAX => self.over(failure),
            Trouble::Denied | Trouble::KmsDenied | Trouble::Keys if !self.has_read => {
                self.held.push((failure, receipt));
                if self.held.len() < REFUSED_MAX {
                    return Told::Later;
                }
                self.end().map_or(Told::Later, |failure| self.over(failure))
            }
            other => {
                if other == Trouble::Keys {
                    self.keys_refused += 1;
                }
                receipt.failed();
                Told::Now(failure)
            }
        }
    }

    fn over(&mut self, failure: Failure) -> Told {
        self.is_over = true;
        Told::AtLast(failure)
    }

    /// All that were held back, as one.
    pub(crate) fn end(&mut self) -> Option<Failure> {
        let held = std::mem::take(&mut self.held);
        let count = held.len();
        let (Failure { object, reason, .. }, _) = held.into_iter().next()?;
        let reason = match count {
            1 => reason,
            count => format!("none of the first {count} objects may be read: {reason}"),
        };
        Some(Failure { object, offset: None, reason })
    }
}
