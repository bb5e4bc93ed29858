//! All sources, one object after another, for whichever thread asks.

use std::vec;

use crate::{item::Item, local::Local, report::Failure, source::Source};

/// The objects of all sources, found as they are asked for.
pub(crate) struct Supply {
    sources: vec::IntoIter<Source>,
    current: Option<Local>,
}

impl Supply {
    pub(crate) fn of(sources: Vec<Source>) -> Self {
        Self { sources: sources.into_iter(), current: None }
    }
}

impl Iterator for Supply {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.current.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            self.current = None;
            match self.sources.next()? {
                Source::Path(path) => self.current = Some(Local::path(&path)),
                Source::Pattern(text) => self.current = Some(Local::pattern(&text)),
                Source::Stdin => return Some(Item::Stdin),
                Source::Archive { bucket, prefix } => {
                    let object = format!("s3://{bucket}/{prefix}");
                    let reason =
                        "buckets are not read yet: copy the objects to a folder".to_owned();
                    return Some(Item::Failed(Failure { object, offset: None, reason }));
                }
            }
        }
    }
}
