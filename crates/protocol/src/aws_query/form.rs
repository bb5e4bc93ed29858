//! Forms: `a.b=1&a.c=2` to a tree of dotted names, and pairs to a form.

use std::collections::{BTreeMap, btree_map::Entry};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::error::Problem;
use crate::limit::{NAME_BYTES_MAX, NAME_PARTS_MAX, PARAMETERS_MAX, TEXT_BYTES_MAX, bounded, deep};

/// All but the characters that RFC 3986 calls unreserved.
pub(crate) const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The part of a form under one dotted name.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The value of exactly this name.
    pub(crate) text: Option<String>,
    /// What is further inside, by the next part of the name.
    pub(crate) children: BTreeMap<String, Node>,
}

impl Node {
    /// The form in a query and a body together. A name that is given twice is refused.
    pub(crate) fn of(query: &str, body: &str) -> Result<Self, Problem> {
        let mut root = Self::default();
        let mut count = 0;
        let mut parts = NAME_PARTS_MAX;
        for (name, value) in [query, body.trim_end()].into_iter().flat_map(crate::uri::parts) {
            count += 1;
            if count > PARAMETERS_MAX {
                return Err(Problem::limit(format!("at most {PARAMETERS_MAX} parameters")));
            }
            let name = decode(name)?;
            bounded(&name, NAME_BYTES_MAX)?;
            let text = decode(value).map_err(|problem| problem.at(&name))?;
            bounded(&text, TEXT_BYTES_MAX).map_err(|problem| problem.at(&name))?;
            root.insert(&name, text, &mut parts).map_err(|problem| problem.at(&name))?;
        }
        Ok(root)
    }

    /// `parts` counts down the parts of names that are new.
    fn insert(&mut self, name: &str, text: String, parts: &mut usize) -> Result<(), Problem> {
        let mut node = self;
        for (depth, part) in name.split('.').enumerate() {
            deep(depth)?;
            node = match node.children.entry(part.to_owned()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    *parts = parts.checked_sub(1).ok_or_else(|| {
                        Problem::limit(format!("at most {NAME_PARTS_MAX} parts of names"))
                    })?;
                    entry.insert(Self::default())
                }
            };
        }
        if node.text.replace(text).is_some() {
            return Err(Problem::value("each parameter once"));
        }
        Ok(())
    }

    /// What stands under a name, which may have dots itself.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        name.split('.').try_fold(self, |node, part| node.children.get(part))
    }
}

/// Percent-encoding and plus signs undone.
pub(crate) fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    String::from_utf8(bytes)
        .map_err(|error| Problem::value("UTF-8, percent-encoded").because(error))
}

/// Pairs as a form.
pub(crate) fn encode(pairs: &[(String, String)]) -> String {
    let mut form = String::new();
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        form.extend(utf8_percent_encode(name, ESCAPED));
        form.push('=');
        form.extend(utf8_percent_encode(value, ESCAPED));
    }
    form
}
