//! What an event asks for, put in order: each object once, and who wants it.

use std::collections::{BTreeSet, HashMap};

use tracing::{info, warn};

use crate::{
    envelopes::{Envelope, Message, Nothing, Notice, ObjectEvent, Reported, Unrecognised},
    key::{Promise, promise},
};

/// What is to be done for one event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Objects to read, each once.
    pub(crate) wanted: Vec<Wanted>,
    /// Records that came with the event.
    pub(crate) reported: Vec<Reported>,
    /// How many objects are not worth a request.
    pub(crate) skipped: u64,
    /// The messages of a batch; `None` where the event succeeds or fails as a whole.
    pub(crate) batch: Option<Batch>,
}

/// An object to read.
#[derive(Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) event: ObjectEvent,
    pub(crate) promise: Promise,
    /// The messages that name it, by their places in the batch.
    by: BTreeSet<usize>,
}

/// The messages of a batch, and what went wrong with some.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    ids: Vec<String>,
    failed: BTreeSet<usize>,
    pub(crate) unrecognised: u64,
}

impl Plan {
    pub(crate) fn of(envelope: Envelope) -> Self {
        let mut plan = Self::default();
        let mut places = HashMap::new();
        match envelope {
            Envelope::Event(told) => plan.add(told, None, &mut places),
            Envelope::Batch(messages) => {
                let mut batch = Batch::default();
                for (place, Message { id, told }) in messages.into_iter().enumerate() {
                    match told {
                        Ok(told) => plan.add(told, Some(place), &mut places),
                        Err(why) => batch.not_understood(place, &id, &why),
                    }
                    batch.ids.push(id);
                }
                plan.batch = Some(batch);
            }
        }
        plan
    }

    fn add(
        &mut self,
        told: Vec<Notice>,
        by: Option<usize>,
        places: &mut HashMap<(String, String), usize>,
    ) {
        for notice in told {
            match notice {
                Notice::Record(record) => self.reported.push(record),
                Notice::Nothing(nothing) => mention(&nothing),
                Notice::Object(event) => match promise(&event.key) {
                    Promise::NotALog => self.skipped += 1,
                    _ if !event.created => self.skipped += 1,
                    promise => {
                        // The same object named twice is read once.
                        let name = (event.bucket.clone(), event.key.clone());
                        let place = *places.entry(name).or_insert(self.wanted.len());
                        match self.wanted.get_mut(place) {
                            Some(wanted) => wanted.by.extend(by),
                            None => {
                                let by = by.into_iter().collect();
                                self.wanted.push(Wanted { event, promise, by });
                            }
                        }
                    }
                },
            }
        }
    }
}

impl Batch {
    fn not_understood(&mut self, place: usize, id: &str, why: &Unrecognised) {
        warn!(message.id = ?id, "The message {id:?} is not understood and comes again: {why}");
        self.unrecognised += 1;
        self.failed.insert(place);
    }

    /// An object could not be read: whoever named it comes again.
    pub(crate) fn not_read(&mut self, wanted: &Wanted, why: &crate::Error) {
        for id in wanted.by.iter().filter_map(|place| self.ids.get(*place)) {
            warn!(message.id = ?id, "The message {id:?} comes again: {why}");
        }
        self.failed.extend(&wanted.by);
    }

    /// The ids of the messages that are to come again, in their order.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &String> {
        self.failed.iter().filter_map(|place| self.ids.get(*place))
    }
}

/// What is worth a line, though there is nothing to read.
fn mention(nothing: &Nothing) {
    match nothing {
        Nothing::Subscription { topic } => warn!(
            topic = ?topic,
            "A topic asks to confirm a subscription, which this function does not: confirm it \
             where the topic is, with `aws sns confirm-subscription`"
        ),
        Nothing::Unsubscription { topic } => {
            warn!(topic = ?topic, "A subscription to a topic has ended");
        }
        Nothing::S3Test | Nothing::CloudTrailValidation | Nothing::Insight => {
            info!("Nothing to read: {nothing:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, created: bool) -> Notice {
        Notice::Object(ObjectEvent { bucket: "logs".to_owned(), key: key.to_owned(), created })
    }

    fn message(id: &str, told: Vec<Notice>) -> Message {
        Message { id: id.to_owned(), told: Ok(told) }
    }

    #[test]
    fn an_object_is_read_once_and_fails_all_who_name_it() {
        let messages = vec![
            message("m0", vec![object("a", true), object("b", true)]),
            message("m1", vec![object("c", true)]),
            message("m2", vec![object("b", true), object("x/", true), object("a", false)]),
        ];
        let plan = Plan::of(Envelope::Batch(messages));
        let keys: Vec<_> = plan.wanted.iter().map(|wanted| wanted.event.key.as_str()).collect();
        assert_eq!((keys, plan.skipped), (vec!["a", "b", "c"], 2));
        let mut batch = plan.batch.unwrap();
        let why = || crate::Error::NotAllowed { bucket: "logs".into(), key: "b".into() };
        batch.not_read(&plan.wanted[1], &why());
        assert_eq!(batch.failed().collect::<Vec<_>>(), ["m0", "m2"]);
    }

    #[test]
    fn a_message_that_is_not_understood_fails_and_is_counted() {
        let told = crate::sniff_message("hello");
        let messages = vec![message("m0", vec![]), Message { id: "m1".to_owned(), told }];
        let batch = Plan::of(Envelope::Batch(messages)).batch.unwrap();
        assert_eq!(batch.failed().collect::<Vec<_>>(), ["m1"]);
        assert_eq!(batch.unrecognised, 1);
    }
}
