//! Bounds on what is read from strangers, each with its unit.

use crate::error::Problem;

/// Levels of nesting in one message.
pub const DEPTH_MAX: usize = 96;
/// Values, of whatever kind, in one message.
pub const VALUES_MAX: usize = 400_000;
/// Items of one list; also the highest index of a query list.
pub const LIST_ITEMS_MAX: usize = 100_000;
/// Members of one structure, or entries of one map.
pub const MEMBERS_MAX: usize = 100_000;
/// Bytes of one text, as large as the largest body that is held.
pub const TEXT_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Bytes of the name of a member, parameter or map entry.
pub const NAME_BYTES_MAX: usize = 8 * 1024;
/// Name-value pairs of one query or form.
pub const PARAMETERS_MAX: usize = 50_000;
/// Parts of dotted names in one form: each costs many times the bytes that it takes on the wire.
pub const NAME_PARTS_MAX: usize = 100_000;
/// Bytes of one moment's text.
pub(crate) const MOMENT_BYTES_MAX: usize = 64;

/// Counts values and refuses the one too many.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Budget {
    /// Room for a whole message.
    pub(crate) fn new() -> Self {
        Self(VALUES_MAX)
    }

    /// Takes one value's room.
    pub(crate) fn take(&mut self) -> Result<(), Problem> {
        self.0 = self
            .0
            .checked_sub(1)
            .ok_or_else(|| Problem::limit(format!("at most {VALUES_MAX} values")))?;
        Ok(())
    }
}

/// Refuses a name or text that is longer than its bound.
pub(crate) fn bounded(text: &str, max: usize) -> Result<(), Problem> {
    if text.len() > max {
        return Err(Problem::limit(format!("at most {max} bytes of text")));
    }
    Ok(())
}

/// Refuses a nesting that is deeper than its bound.
pub(crate) fn deep(depth: usize) -> Result<(), Problem> {
    if depth > DEPTH_MAX {
        return Err(Problem::limit(format!("at most {DEPTH_MAX} levels of nesting")));
    }
    Ok(())
}
