//! All sources, one object after another, for whichever thread asks.

use std::vec;

use crate::{
    archive::{Archive, Archives},
    item::Item,
    local::Local,
    progress::Progress,
    report::{Failure, Requests},
    source::Source,
    window::Window,
};

/// The objects of all sources, found as they are asked for.
pub(crate) struct Supply<'a> {
    sources: vec::IntoIter<Source>,
    current: Option<Current>,
    /// Archives of which all objects have been taken, but perhaps not read.
    ended: Vec<Archive>,
    window: &'a Window,
    archives: &'a Archives,
    progress: &'a Progress,
}

/// Where the next object comes from.
enum Current {
    Local(Local),
    Archive(Archive),
}

impl<'a> Supply<'a> {
    pub(crate) fn of(
        sources: Vec<Source>,
        window: &'a Window,
        archives: &'a Archives,
        progress: &'a Progress,
    ) -> Self {
        Self {
            sources: sources.into_iter(),
            current: None,
            ended: Vec::new(),
            window,
            archives,
            progress,
        }
    }

    /// Takes at least one object and at most `count`, without waiting for more than one: a thread
    /// that waits holds what others wait for.
    pub(crate) fn take_up(&mut self, count: usize, into: &mut Vec<Item>) {
        into.extend(self.next());
        while into.len() < count
            && let Some(item) = self.at_once()
        {
            into.push(item);
        }
    }

    fn at_once(&mut self) -> Option<Item> {
        match &mut self.current {
            Some(Current::Archive(archive)) => archive.at_once(),
            _ => self.next(),
        }
    }

    /// Ends, after all that was taken has been read. Says what was asked of buckets, and what went
    /// wrong in keeping how far archives were read.
    pub(crate) fn close(mut self) -> (Requests, Vec<Failure>) {
        self.leave();
        let mut requests = Requests::default();
        self.ended.iter().for_each(|archive| requests.add(&archive.requests()));
        (requests, self.ended.into_iter().filter_map(Archive::close).collect())
    }

    fn leave(&mut self) {
        if let Some(Current::Archive(archive)) = self.current.take() {
            self.ended.push(archive);
        }
    }

    fn open(&mut self, bucket: &str, prefix: &str) -> Option<Item> {
        match Archive::open(bucket, prefix, self.window, self.archives) {
            Ok(archive) => {
                self.current = Some(Current::Archive(archive));
                None
            }
            Err(error) => {
                let object = format!("s3://{bucket}/{prefix}");
                Some(Item::Failed(Failure { object, offset: None, reason: error.to_string() }))
            }
        }
    }
}

impl Iterator for Supply<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let item = match &mut self.current {
                Some(Current::Local(local)) => local.next(),
                Some(Current::Archive(archive)) => archive.next(self.progress),
                None => None,
            };
            if item.is_some() {
                return item;
            }
            self.leave();
            match self.sources.next()? {
                Source::Path(path) => self.current = Some(Current::Local(Local::path(&path))),
                Source::Pattern(text) => self.current = Some(Current::Local(Local::pattern(&text))),
                Source::Stdin => return Some(Item::Stdin),
                Source::Archive { bucket, prefix } => {
                    if let Some(failed) = self.open(&bucket, &prefix) {
                        return Some(failed);
                    }
                }
            }
        }
    }
}
