//! The bucket's queue: receive, keep hidden, delete, show again.

mod place;

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::timeout::TimeoutConfig,
    error::DisplayErrorContext,
    types::{MessageSystemAttributeName, QueueAttributeName},
};
use credentials::Access;

use crate::Error;

/// Messages that one call receives; SQS's limit.
pub(crate) const BATCH_MAX: usize = 10;
/// Bounds on how long a message stays hidden without a word from us, in seconds: a queue's own
/// setting may be 0, and after a crash nobody wants to wait for 12 hours.
const VISIBILITY_SECONDS: std::ops::RangeInclusive<i32> = 2..=15 * 60;
/// How long an answer may take, beyond the time that a receive waits for messages.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// The queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    client: Client,
    url: String,
    wait_seconds: i32,
    pub(crate) visibility_seconds: i32,
    /// After how many receives the queue itself gives a message away.
    pub(crate) redrive: Option<String>,
}

/// A message in hand.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    /// How often it was received, this time included.
    pub(crate) receives: u32,
}

impl Queue {
    /// The queue, once it has answered.
    pub(crate) async fn open(url: &str, access: &Access, wait: Duration) -> Result<Self, Error> {
        let access = place::of(url, access).map_err(Error::Settings)?;
        let failed = |source| Error::Access { what: format!("the queue {url}"), source };
        let sdk = access.sdk_config().await.map_err(failed)?;
        access.check(&sdk).await.map_err(failed)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            .operation_attempt_timeout(wait + ANSWER_TIME_MAX)
            .build();
        let config = aws_sdk_sqs::config::Builder::from(&sdk).timeout_config(timeouts).build();
        let mut queue = Self {
            client: Client::from_conf(config),
            url: url.to_owned(),
            wait_seconds: i32::try_from(wait.as_secs()).unwrap_or(20),
            visibility_seconds: *VISIBILITY_SECONDS.start(),
            redrive: None,
        };
        queue.look().await?;
        Ok(queue)
    }

    /// Reads the settings that its owner gave it.
    async fn look(&mut self) -> Result<(), Error> {
        let asked = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::VisibilityTimeout)
            .attribute_names(QueueAttributeName::RedrivePolicy)
            .send()
            .await;
        let answer = asked.map_err(|error| {
            let why = format!(
                "{} (the keys need sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and \
                 sqs:ChangeMessageVisibility on it)",
                said(&error)
            );
            Error::Queue { url: self.url.clone(), why }
        })?;
        let attribute =
            |name: &QueueAttributeName| answer.attributes().and_then(|all| all.get(name));
        let visibility = attribute(&QueueAttributeName::VisibilityTimeout);
        let visibility = visibility.and_then(|text| text.parse().ok()).unwrap_or(30);
        self.visibility_seconds =
            i32::clamp(visibility, *VISIBILITY_SECONDS.start(), *VISIBILITY_SECONDS.end());
        self.redrive = attribute(&QueueAttributeName::RedrivePolicy).cloned();
        Ok(())
    }

    /// Waits for up to `limit` (at most 10) messages; none where none came in time.
    pub(crate) async fn receive(&self, limit: usize) -> Result<Vec<Message>, String> {
        let limit = i32::try_from(limit.clamp(1, BATCH_MAX)).unwrap_or(1);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(limit)
            .wait_time_seconds(self.wait_seconds)
            .visibility_timeout(self.visibility_seconds)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await;
        let received = received.map_err(|error| said(&error))?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    /// Keeps a message hidden for `seconds` from now on; 0 shows it again at once.
    pub(crate) async fn hide(&self, message: &Message, seconds: i32) -> Result<(), String> {
        let hidden = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&message.receipt)
            .visibility_timeout(seconds)
            .send()
            .await;
        hidden.map(drop).map_err(|error| said(&error))
    }

    /// Deletes a message for good.
    pub(crate) async fn delete(&self, message: &Message) -> Result<(), String> {
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&message.receipt)
            .send()
            .await;
        deleted.map(drop).map_err(|error| said(&error))
    }
}

/// A message as it came; one without a receipt could not be deleted.
fn message(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let receives = message.attributes().and_then(|all| {
        all.get(&MessageSystemAttributeName::ApproximateReceiveCount)?.parse::<u32>().ok()
    });
    Some(Message {
        receives: receives.unwrap_or(1).max(1),
        id: message.message_id?,
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
    })
}

/// An error with all that lies under it.
fn said(error: &(impl std::error::Error + Send + Sync)) -> String {
    DisplayErrorContext(error).to_string()
}
