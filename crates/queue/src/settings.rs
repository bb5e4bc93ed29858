//! Queues themselves: made, found, changed, emptied, deleted, tagged.

use std::sync::Arc;

use flow::{Fault, Request, Timestamp, Tree};
use rusqlite::Transaction;

use crate::{
    attributes::{Attributes, SETTABLE},
    batch::required,
    error::Refusal,
    queue::{self, Line, Queue},
    receive::number,
    refusal,
    room::Inner,
    rows::{self, message, queue::Tags},
};

/// Queues in one answer of a listing.
const PAGE_QUEUES_MAX: u32 = 1_000;

/// Tags of one queue, and characters of their keys and values.
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

/// The attributes that are told and cannot be set.
const TOLD: &[&str] = &[
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

impl Inner {
    /// The URL of a queue, at the endpoint as the caller names it.
    fn url(&self, request: &Request, queue: &Queue) -> String {
        let endpoint = request.endpoint.trim_end_matches('/');
        format!("{endpoint}/{}/{}", self.config.account, queue.name)
    }

    /// The same name and attributes again give the same queue.
    pub(crate) async fn create_queue(&self, request: &Request) -> Result<Tree, Refusal> {
        let input = &request.input;
        let name = required(input, "QueueName")?;
        let given = input.get("Attributes");
        queue::check_name(name)?;
        let answer =
            |queue: &Queue| Tree::map([("QueueUrl", Tree::from(self.url(request, queue)))]);
        let _changing = self.changing.lock().await;
        if let Some(known) = self.by_name(name) {
            let wanted = known.attributes.with(given)?;
            return match wanted.difference(&known.attributes, given) {
                None => Ok(answer(&known)),
                Some(attribute) => Err(Fault::new(
                    "QueueNameExists",
                    format!(
                        "A queue already exists with the same name and a different value for \
                         attribute {attribute}"
                    ),
                )
                .into()),
            };
        }
        self.check_count()?;
        let arn = queue::arn(&self.config.account, &self.config.region, name);
        let attributes = Attributes::default().with(given)?;
        self.check_redrive(&arn, &attributes, given)?;
        let mut tags = Tags::new();
        tag(name, &mut tags, input.get("tags"))?;
        let (now, text) = (self.now(), text(&attributes));
        let stored = name.to_owned();
        let insert =
            move |db: &Transaction<'_>| rows::queue::insert(db, &stored, &text, &tags, now);
        let id = self.db.write(insert).await?;
        let queue = self.show(Queue {
            id,
            name: name.to_owned(),
            arn,
            created: now,
            modified: now,
            policy: attributes.policy.as_deref().map(Arc::from),
            attributes,
            line: Arc::new(Line::new()),
        });
        Ok(answer(&queue))
    }

    /// Refuses a dead-letter queue that is not there or does not admit this one.
    fn check_redrive(
        &self,
        arn: &str,
        attributes: &Attributes,
        given: Option<&Tree>,
    ) -> Result<(), Fault> {
        // A queue whose dead-letter queue was deleted may still be changed otherwise.
        let redrive = attributes.redrive.as_ref();
        let text = given.and_then(|given| given.text("RedrivePolicy"));
        let (Some(redrive), Some(text)) = (redrive, text) else { return Ok(()) };
        let refuse = |why| Err(refusal::invalid(text, "RedrivePolicy", why));
        if redrive.target == arn {
            return refuse("A queue cannot be its own dead letter queue.");
        }
        let Some(target) = self.by_arn(&redrive.target) else {
            return refuse("Dead letter target does not exist.");
        };
        match &target.attributes.redrive_allow {
            Some(allow) if !allow.admits(arn) => refuse(
                "The dead letter target's RedriveAllowPolicy does not admit this source queue.",
            ),
            _ => Ok(()),
        }
    }

    pub(crate) fn get_queue_url(&self, request: &Request) -> Result<Tree, Refusal> {
        let name = required(&request.input, "QueueName")?;
        let owner = request.input.text("QueueOwnerAWSAccountId");
        let queue = self
            .by_name(name)
            .filter(|_| owner.is_none_or(|owner| owner == self.config.account.as_str()))
            .ok_or_else(refusal::no_such_queue)?;
        Ok(Tree::map([("QueueUrl", Tree::from(self.url(request, &queue)))]))
    }

    pub(crate) fn list_queues(&self, request: &Request) -> Result<Tree, Refusal> {
        let prefix = request.input.text("QueueNamePrefix").unwrap_or_default();
        let queues = self.all();
        let queues = queues.iter().filter(|queue| queue.name.starts_with(prefix));
        self.page(request, queues, "QueueUrls")
    }

    pub(crate) fn list_dead_letter_source_queues(
        &self,
        request: &Request,
    ) -> Result<Tree, Refusal> {
        let target = self.by_url(required(&request.input, "QueueUrl")?)?;
        let queues = self.all();
        let sources = queues.iter().filter(|queue| {
            queue.attributes.redrive.as_ref().is_some_and(|redrive| redrive.target == target.arn)
        });
        match self.page(request, sources, "queueUrls")? {
            // This list, unlike others, is there even where it is empty.
            Tree::Map(members) if members.is_empty() => {
                Ok(Tree::map([("queueUrls", Tree::List(Vec::new()))]))
            }
            page => Ok(page),
        }
    }

    /// One page of `queues`, which are in the order of their names; the token is the last name
    /// shown.
    fn page<'a>(
        &self,
        request: &Request,
        queues: impl Iterator<Item = &'a Arc<Queue>>,
        list: &str,
    ) -> Result<Tree, Refusal> {
        let max = number(&request.input, "MaxResults", 1, PAGE_QUEUES_MAX)?;
        let token = request.input.text("NextToken");
        if token.is_some() && max.is_none() {
            let why = "MaxResults must be set where NextToken is.";
            return Err(refusal::unfit(why).into());
        }
        let most = usize::try_from(max.unwrap_or(PAGE_QUEUES_MAX)).unwrap_or(usize::MAX);
        let mut rest = queues.filter(|queue| token.is_none_or(|token| queue.name.as_str() > token));
        let shown: Vec<_> = rest.by_ref().take(most).collect();
        // Without a size of pages there is one of them.
        let next = rest.next().filter(|_| max.is_some()).and(shown.last());
        let next = next.map(|queue| queue.name.clone());
        let urls = shown.iter().map(|queue| Tree::from(self.url(request, queue))).collect();
        let members = [(list, Tree::List(urls)), ("NextToken", next.into())];
        let given = |tree: &Tree| !tree.is_null() && *tree != Tree::List(Vec::new());
        Ok(Tree::map(members.into_iter().filter(|(_, tree)| given(tree))))
    }

    pub(crate) async fn delete_queue(&self, input: &Tree) -> Result<Tree, Refusal> {
        let _changing = self.changing.lock().await;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let id = queue.id;
        self.db.write(move |db| rows::queue::end(db, id)).await?;
        self.hide(&queue.name);
        queue.line.wake();
        self.untidy.notify_one();
        Ok(Tree::Null)
    }

    pub(crate) async fn purge_queue(&self, input: &Tree) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let id = queue.id;
        let last = self.db.read(message::last).await?;
        while self.db.write(move |db| message::purge(db, id, last)).await? > 0 {}
        Ok(Tree::Null)
    }

    pub(crate) async fn get_queue_attributes(&self, input: &Tree) -> Result<Tree, Refusal> {
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let names: Vec<&str> =
            input.list("AttributeNames").iter().filter_map(Tree::as_text).collect();
        let known = |name: &str| {
            name == "All" || SETTABLE.contains(&name) || TOLD.contains(&name) || is_of_others(name)
        };
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(refusal::attribute_name(unknown).into());
        }
        let wanted = |name: &str| names.iter().any(|wanted| *wanted == "All" || *wanted == name);
        let counts = match names.iter().any(|name| name.starts_with("Approx") || *name == "All") {
            true => self.counts(&queue).await?,
            false => message::Counts::default(),
        };
        let told = TOLD.iter().map(|name| {
            let value = match *name {
                "QueueArn" => queue.arn.clone(),
                "CreatedTimestamp" => queue.created.as_secs().to_string(),
                "LastModifiedTimestamp" => queue.modified.as_secs().to_string(),
                "ApproximateNumberOfMessages" => counts.visible.to_string(),
                "ApproximateNumberOfMessagesNotVisible" => counts.in_flight.to_string(),
                _ => counts.delayed.to_string(),
            };
            (*name, Some(value))
        });
        let set = SETTABLE.iter().map(|name| (*name, queue.attributes.tell(name)));
        let attributes: Vec<(&str, Tree)> = told
            .chain(set)
            .filter(|(name, _)| wanted(name))
            .filter_map(|(name, value)| Some((name, Tree::from(value?))))
            .collect();
        Ok(match attributes.is_empty() {
            true => Tree::Map(Vec::new()),
            false => Tree::map([("Attributes", Tree::map(attributes))]),
        })
    }

    pub(crate) async fn set_queue_attributes(&self, input: &Tree) -> Result<Tree, Refusal> {
        let _changing = self.changing.lock().await;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let given = input.get("Attributes");
        if given.is_none_or(|given| given.members().is_empty()) {
            return Err(refusal::missing("Attribute.Name").into());
        }
        let attributes = queue.attributes.with(given)?;
        self.check_redrive(&queue.arn, &attributes, given)?;
        self.change_attributes(&queue, attributes).await?;
        Ok(Tree::Null)
    }

    /// Gives a queue other attributes; the caller holds `changing`.
    pub(crate) async fn change_attributes(
        &self,
        queue: &Queue,
        attributes: Attributes,
    ) -> Result<(), Refusal> {
        let now: Timestamp = self.now();
        let (id, text) = (queue.id, text(&attributes));
        self.db.write(move |db| rows::queue::set_attributes(db, id, &text, now)).await?;
        self.show(queue.with(attributes, now));
        queue.line.wake();
        Ok(())
    }

    pub(crate) async fn tag_queue(&self, input: &Tree) -> Result<Tree, Refusal> {
        let _changing = self.changing.lock().await;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let id = queue.id;
        let mut tags = self.db.read(move |db| rows::queue::tags(db, id)).await?;
        let given = input.get("Tags").filter(|given| !given.members().is_empty());
        tag(&queue.name, &mut tags, Some(given.ok_or_else(|| refusal::missing("Tags"))?))?;
        self.db.write(move |db| rows::queue::set_tags(db, id, &tags)).await?;
        Ok(Tree::Null)
    }

    pub(crate) async fn untag_queue(&self, input: &Tree) -> Result<Tree, Refusal> {
        let _changing = self.changing.lock().await;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let id = queue.id;
        let mut tags = self.db.read(move |db| rows::queue::tags(db, id)).await?;
        let keys: Vec<&str> = input.list("TagKeys").iter().filter_map(Tree::as_text).collect();
        let fits = |key: &&str| (1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count());
        if keys.is_empty() || !keys.iter().all(fits) {
            let why = "Tag keys must be between 1 and 128 characters in length.";
            return Err(Fault::new("InvalidParameterValue", why).into());
        }
        for key in keys {
            tags.remove(key);
        }
        self.db.write(move |db| rows::queue::set_tags(db, id, &tags)).await?;
        Ok(Tree::Null)
    }

    pub(crate) async fn list_queue_tags(&self, input: &Tree) -> Result<Tree, Refusal> {
        let id = self.by_url(required(input, "QueueUrl")?)?.id;
        let tags = self.db.read(move |db| rows::queue::tags(db, id)).await?;
        let tags: Vec<_> = tags.into_iter().map(|(key, value)| (key, Tree::from(value))).collect();
        Ok(match tags.is_empty() {
            true => Tree::Map(Vec::new()),
            false => Tree::map([("Tags", Tree::map(tags))]),
        })
    }
}

/// Attributes that only queues of FIFO or with keys of KMS have: known, and never told.
fn is_of_others(name: &str) -> bool {
    let fifo =
        ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
    name == "KmsMasterKeyId" || fifo.contains(&name)
}

fn text(attributes: &Attributes) -> String {
    serde_json::to_string(attributes).expect("attributes are plain structures")
}

/// Puts `given` among the `tags` of `queue`.
fn tag(queue: &str, tags: &mut Tags, given: Option<&Tree>) -> Result<(), Fault> {
    for (key, value) in given.map(Tree::members).unwrap_or_default() {
        let value = value.as_text().unwrap_or_default();
        let long =
            key.chars().count() > TAG_KEY_CHARS_MAX || value.chars().count() > TAG_VALUE_CHARS_MAX;
        if key.is_empty() || long || key.starts_with("aws:") {
            let why = "Tag keys must be 1 to 128 characters that do not begin with aws:, values at most 256.";
            return Err(refusal::invalid(key, "Tags", why));
        }
        tags.insert(key.clone(), value.to_owned());
    }
    if tags.len() > TAGS_MAX {
        let why = format!("Too many tags added for queue {queue}.");
        return Err(Fault::new("InvalidParameterValue", why));
    }
    Ok(())
}
