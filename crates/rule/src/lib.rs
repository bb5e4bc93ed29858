//! Records in, findings out: Sigma.
//!
//! Rules come in as text and are either understood in full or refused with their place and the
//! reason; a record comes in as JSON, and each rule that holds for it makes a finding. The rules
//! that Trailhound ships are compiled in, each with records that it must and must not match.
//! Nothing here touches a disk, a clock or a socket.
//!
//! # What a rule means
//!
//! Sigma 2.1 leaves to whoever reads a log what its values are. For CloudTrail's records:
//!
//! - **A missing field is null.** `exists` asks whether there is a value, and null is none. Every other
//!   condition fails on null; `neq` holds where its condition does not, so also there.
//! - **Any element is enough.** Where a dotted name crosses a list, at any depth, the condition holds if it
//!   does for one of the elements; at the end of the name, for the list itself or one of its elements.
//!   An empty list on the way, and an element without the field, are a missing field.
//! - **An object or a list is also a text**: its compact JSON, members in the record's order. Conditions on
//!   texts are asked of it; keywords are asked of every value in the record, and of the record.
//! - **Numbers, truth values and their texts are equal**: `22` and `"22"`, `false` and `"False"`. A number's
//!   text is the shortest that reads back as it.
//! - **Case does not matter** unless `cased` or `re` say so: characters are folded one by one by Unicode's
//!   simple case folding, so `Σ`, `σ` and `ς` are the same and `ß` is not `ss`. Fields' names are cased.
//! - **Escapes are decoded** before anything is compared, in values and in names. Of several members
//!   with one name the last one counts.
//! - **Dates** are texts of ISO 8601; `hour` and its kin take the digits as they stand and compare whole
//!   numbers, also with `lt`, `lte`, `gt` and `gte`.
//! - **`windash` and the encodings** change the value, in the order given, and `contains` and its kin come
//!   last. `re` is the syntax of Rust's `regex`, which has neither look-around nor back-references.
//!
//! Beside rules, texts may hold **filters** (a `filter` with the `rules` whose condition its own joins
//! with `and`, by id, name or title, or `any`), and the **values of placeholders** for `expand`: a file
//! called `placeholders.yml`, a map of names to values or lists of values. Correlations, `timeframe`,
//! other log sources and other taxonomies are refused, each rule by itself.

mod load;
mod set;

mod rule;
mod when;

mod engine;

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

pub use crate::engine::Memory;
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
