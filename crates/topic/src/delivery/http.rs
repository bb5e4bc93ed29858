//! Deliveries over HTTP: posted, and judged by the answer's status.

use bytes::Bytes;
use url::Url;

use crate::{
    delivery::{Deliverer, Delivery, Ending},
    message::MessageKind,
};

impl Deliverer {
    pub(super) async fn post(&self, delivery: &Delivery) -> Ending {
        let message = &delivery.message;
        let url: Url = match delivery.endpoint.parse() {
            Ok(url) => url,
            Err(why) => return Ending::Never(format!("the endpoint is not a URL: {why}")),
        };
        let raw = delivery.is_raw();
        let body = if raw {
            message.text.clone()
        } else {
            match self.inner.envelope(message).await {
                Ok(body) => body,
                Err(ending) => return ending,
            }
        };
        let kind = delivery.policy.content_type.as_deref();
        let mut headers = vec![
            ("Content-Type", kind.unwrap_or("text/plain; charset=UTF-8")),
            ("User-Agent", "Amazon Simple Notification Service Agent"),
            ("x-amz-sns-message-type", message.kind.as_str()),
            ("x-amz-sns-message-id", &message.message_id),
            ("x-amz-sns-topic-arn", &message.topic_arn),
        ];
        if message.kind != MessageKind::SubscriptionConfirmation
            && let Some(arn) = &message.subscription_arn
        {
            headers.push(("x-amz-sns-subscription-arn", arn));
        }
        if raw {
            headers.push(("x-amz-sns-rawdelivery", "true"));
        }
        match self.inner.outgoing.post(&url, &headers, Bytes::from(body)).await {
            Ok(answer) if answer.is_success() => Ending::Delivered,
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                Ending::Again(format!("the endpoint answered {}", answer.status))
            }
            Ok(answer) => Ending::Never(format!("the endpoint answered {}", answer.status)),
            Err(outgoing::Error::Refused { url, why }) => Ending::Never(format!("{url}: {why}")),
            Err(error) => Ending::Again(error.to_string()),
        }
    }
}
