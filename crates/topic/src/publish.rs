//! Publishing: a message becomes one durable delivery for each confirmed subscription.

use std::sync::Arc;

use flow::{Accepted, Fault, Pending, Publish, PublishError, QueueMessage, SendError, Tree};
use sha2::{Digest, Sha256};

use crate::{
    Topics,
    delivery::Delivery,
    delivery_policy,
    error::Error,
    message::{Message, MessageKind},
    publish::draft::{Draft, MESSAGE_BYTES_MAX},
    run::{Inner, row_key, write_row},
    subscription::Subscription,
    topic::{Topic, invalid},
};

mod batch;
mod draft;

/// Rows of one write, each with the whole message in it.
const ROWS_AT_ONCE_MAX: usize = 32;

impl Publish for Topics {
    fn publish<'a>(
        &'a self,
        topic_arn: &'a str,
        delivery_id: &'a str,
        subject: Option<&'a str>,
        message: &'a str,
    ) -> Pending<'a, Result<Accepted, PublishError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let topic = inner.topic(topic_arn).await.map_err(|fault| match fault.status {
                404 => PublishError::NoSuchTopic(topic_arn.to_owned()),
                _ => PublishError::Retry(fault.message),
            })?;
            let draft = Draft::plain(subject, message);
            // The same delivery gives the same message id, hence the same rows.
            let id = uuid_of(delivery_id);
            inner
                .publish(&topic, &id, &draft)
                .await
                .map_err(|why| PublishError::Retry(why.to_string()))?;
            Ok(Accepted(id))
        })
    }
}

impl Topics {
    /// Publishes as [`Publish`] does, with message attributes.
    ///
    /// # Errors
    /// [`SendError::NoSuchQueue`] where there is no such topic, [`SendError::Rejected`] where the
    /// message is too long.
    pub async fn send(
        &self,
        topic_arn: &str,
        delivery_id: &str,
        message: QueueMessage,
    ) -> Result<(), SendError> {
        let topic = self.inner.topic(topic_arn).await.map_err(|fault| match fault.status {
            404 => SendError::NoSuchQueue(topic_arn.to_owned()),
            _ => SendError::Retry(fault.message),
        })?;
        let draft = Draft::of_message(message);
        if draft.bytes > MESSAGE_BYTES_MAX {
            let bytes = draft.bytes;
            return Err(SendError::Rejected(format!(
                "a message of {bytes} bytes is larger than {MESSAGE_BYTES_MAX} bytes"
            )));
        }
        let sent = self.inner.publish(&topic, &uuid_of(delivery_id), &draft).await;
        sent.map_err(|why| SendError::Retry(why.to_string()))
    }
}

impl Inner {
    pub(crate) async fn publish_call(&self, input: &Tree) -> Result<Tree, Fault> {
        if input.get("PhoneNumber").is_some() {
            return Err(invalid("PhoneNumber", "it is not offered by this server"));
        }
        let arn = input.text("TopicArn").or_else(|| input.text("TargetArn"));
        let Some(arn) = arn else {
            return Err(invalid("TopicArn or TargetArn", "no value for required parameter"));
        };
        let draft = Draft::from_tree(input)?;
        let topic = self.topic(arn).await?;
        let id = self.chance.uuid();
        self.publish(&topic, &id, &draft).await?;
        Ok(Tree::map([("MessageId", Tree::from(id))]))
    }

    async fn publish(&self, topic: &Topic, message_id: &str, draft: &Draft) -> Result<(), Error> {
        let now = self.clock.now();
        let mut rows = Vec::new();
        for row in self.subscriptions(&format!("{}/", topic.name)).await? {
            if !row.confirmed() {
                continue;
            }
            let protocol = row.protocol.as_str();
            let own = draft.by_protocol.iter().find(|(name, _)| name == protocol);
            let text = own.map_or(&draft.text, |(_, text)| text);
            if !row.settings.wants(&draft.attributes, text) {
                continue;
            }
            let message = Message {
                kind: MessageKind::Notification,
                message_id: message_id.to_owned(),
                topic_arn: topic.arn.clone(),
                subscription_arn: Some(row.arn.clone()),
                subject: draft.subject.clone(),
                text: text.clone(),
                time: now,
                token: None,
                attributes: draft.attributes.clone(),
                group: draft.group.clone(),
            };
            rows.push(delivery_row(topic, message, &row));
            if rows.len() >= ROWS_AT_ONCE_MAX {
                self.deliveries.put_all(std::mem::take(&mut rows), now).await?;
            }
        }
        if !rows.is_empty() {
            self.deliveries.put_all(rows, now).await?;
        }
        Ok(())
    }

    /// Puts one delivery, durable when this returns; the same message to the same subscription
    /// again changes nothing.
    pub(crate) async fn enqueue(
        &self,
        topic: &Topic,
        message: Message,
        to: &Subscription,
    ) -> Result<(), Error> {
        let (id, body) = delivery_row(topic, message, to);
        self.deliveries.put(&id, body, self.clock.now()).await?;
        Ok(())
    }
}

/// The row of one message to one subscription; both together are its id.
fn delivery_row(topic: &Topic, message: Message, to: &Subscription) -> (String, Vec<u8>) {
    let id = format!("{}/{}", message.message_id, row_key(&to.arn));
    let of_topic = topic.attributes.delivery_policy.as_deref();
    let own = to.settings.delivery_policy.as_deref();
    let delivery = Delivery {
        message,
        protocol: to.protocol,
        endpoint: to.endpoint.clone(),
        raw: to.settings.raw,
        policy: delivery_policy::effective(of_topic, own),
        dead_letter_queue: to.settings.dead_letter_queue(),
    };
    (id, write_row(&delivery))
}

/// A UUID that is a function of `text`.
fn uuid_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let mut uuid = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        // The version digit of name-based ids by a hash of one's own (RFC 9562, version 8).
        uuid.push(if at == 12 { '8' } else { digit });
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_delivery_has_the_same_message_id() {
        assert_eq!(uuid_of("a/sns"), uuid_of("a/sns"));
        assert_ne!(uuid_of("a/sns"), uuid_of("b/sns"));
        assert_eq!(uuid_of("a").len(), 36);
    }
}
