//! Records in, findings out: Sigma.
//!
//! Rules come in as text and are either understood in full or refused with their place and the
//! reason; a record comes in as JSON, and each rule that holds for it makes a finding. The rules
//! that Trailhound ships are compiled in, each with records that it must and must not match.
//! Nothing here touches a disk, a clock or a socket.

mod load;
mod set;

mod rule;
mod when;

mod ast;
mod evaluate;
mod moment;
mod network;
mod pattern;

mod explain;

mod convert;
mod document;
mod filter;
mod placeholder;

mod shipped;
mod trial;

mod error;

pub use crate::error::{Error, Problem};
pub use crate::explain::{Explanation, Found, Step};
pub use crate::load::Loaded;
pub use crate::rule::Rule;
pub use crate::set::RuleSet;
pub use crate::shipped::sources as shipped_sources;
pub use crate::trial::{TestOutcome, Verdict, check, is_rule_file, is_test_file, test};
pub use crate::when::{WhenError, when};

/// Reads rules from bytes of any kind, for whoever holds bytes rather than text.
pub fn load_bytes(name: &str, bytes: &[u8]) -> Loaded {
    match std::str::from_utf8(bytes) {
        Ok(text) => RuleSet::load(std::iter::once((name, text))),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let reason = "the file is not UTF-8 text".to_owned();
            let problem = Problem { file: name.to_owned(), line, reason };
            Loaded { problems: vec![problem], ..Loaded::default() }
        }
    }
}
