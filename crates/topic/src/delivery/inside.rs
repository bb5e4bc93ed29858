//! Deliveries inside the process: to queues and functions, if their policies say that this topic
//! may.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flow::{
    Access, AttributeValue, Decision, InvokeError, MessageAttribute, QueueMessage, SendError, Who,
};

use crate::delivery::{Deliverer, Delivery, Ending};

/// Who asks.
const SERVICE: &str = "sns.amazonaws.com";
/// Attributes of a message in a queue (SQS's limit); a raw message with more cannot be sent.
const ATTRIBUTES_MAX: usize = 10;

impl Deliverer {
    /// Asks the policy of `resource`. What is not allowed is not tried again, as with SNS.
    fn allowed(&self, delivery: &Delivery, action: &str, resource: &str) -> Result<(), Ending> {
        let access = Access::new(action, resource)
            .with("aws:SourceArn", delivery.message.topic_arn.as_str())
            .with("aws:SourceAccount", self.inner.config.account.as_str());
        match self.reach.authorize.decide(Who::Service(SERVICE), &access) {
            Decision::Allowed => Ok(()),
            Decision::Denied(why) => Err(Ending::Never(why)),
        }
    }

    /// Sends the message to a queue: the subscriber's, or that of dead letters.
    pub(super) async fn enqueue(&self, delivery: &Delivery, queue: &str, id: &str) -> Ending {
        if let Err(ending) = self.allowed(delivery, "sqs:SendMessage", queue) {
            return ending;
        }
        let message = if delivery.is_raw() {
            raw(delivery)
        } else {
            let envelope = self.inner.envelope(&delivery.message).await;
            envelope.map(|body| QueueMessage { body, ..QueueMessage::default() })
        };
        let message = match message {
            // The group is the subscriber's alone: dead letters are no subscription's queue.
            Ok(message) if queue == delivery.endpoint => {
                QueueMessage { group: delivery.message.group.clone(), ..message }
            }
            Ok(message) => message,
            Err(ending) => return ending,
        };
        match self.reach.queues.enqueue(queue, id, message).await {
            Ok(_) => Ending::Delivered,
            Err(SendError::Retry(why)) => Ending::Again(why),
            Err(error) => Ending::Never(error.to_string()),
        }
    }

    /// Invokes a function.
    pub(super) async fn invoke(&self, delivery: &Delivery, id: &str) -> Ending {
        let function = &delivery.endpoint;
        if let Err(ending) = self.allowed(delivery, "lambda:InvokeFunction", function) {
            return ending;
        }
        let event = match self.inner.event(&delivery.message).await {
            Ok(event) => event,
            Err(ending) => return ending,
        };
        match self.reach.functions.invoke(function, id, event.into()).await {
            Ok(_) => Ending::Delivered,
            Err(error @ InvokeError::NoSuchFunction(_)) => Ending::Never(error.to_string()),
            Err(error) => Ending::Again(error.to_string()),
        }
    }
}

/// The message alone, its attributes as the queue has them.
fn raw(delivery: &Delivery) -> Result<QueueMessage, Ending> {
    let message = &delivery.message;
    if message.attributes.len() > ATTRIBUTES_MAX {
        let count = message.attributes.len();
        return Err(Ending::Never(format!(
            "a raw message has at most {ATTRIBUTES_MAX} attributes, this one has {count}"
        )));
    }
    let attributes = message.attributes.iter().map(|(name, kind, text)| {
        let bytes = kind.starts_with("Binary").then(|| BASE64_STANDARD.decode(text).ok()).flatten();
        let value = bytes.map_or_else(|| AttributeValue::Text(text.clone()), AttributeValue::Bytes);
        (name.clone(), MessageAttribute { data_type: kind.clone(), value })
    });
    let attributes = attributes.collect();
    Ok(QueueMessage { body: message.text.clone(), attributes, group: None })
}
