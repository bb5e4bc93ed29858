//! The operations of SNS: a decoded call in, an answer out.

use std::sync::Arc;

use flow::{Answer, Fault, Pending, Principal, Request, Service, Tree};

use crate::{
    Topics,
    error::Error,
    message::{Message, MessageKind},
    run::{Inner, read_row, row_key},
    subscription::{self, PENDING, State, Subscription},
    topic::{self, not_found},
};

/// Rows in one answer of a listing (API_ListTopics).
const PAGE_ROWS_MAX: usize = 100;

impl Service for Topics {
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.call(&request).await.map(Answer::from) })
    }
}

impl Inner {
    async fn call(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        match request.operation.as_str() {
            "CreateTopic" => self.create_topic(input).await,
            "DeleteTopic" => self.delete_topic(input).await,
            "ListTopics" => self.list_topics(input).await,
            "GetTopicAttributes" => self.get_topic_attributes(input).await,
            "SetTopicAttributes" => self.set_topic_attributes(input).await,
            "Subscribe" => self.subscribe(input).await,
            "ConfirmSubscription" => self.confirm(input).await,
            "Unsubscribe" => {
                let anonymous = request.caller.principal == Principal::Anonymous;
                self.unsubscribe(input, anonymous).await
            }
            "ListSubscriptions" => self.list_subscriptions(input, "").await,
            "ListSubscriptionsByTopic" => {
                let topic = self.topic(required(input, "TopicArn")?).await?;
                self.list_subscriptions(input, &format!("{}/", topic.name)).await
            }
            "Publish" => self.publish_call(input).await,
            other => Err(Fault::new(
                "InvalidAction",
                format!("The action {other} is not offered by this server's SNS."),
            )),
        }
    }

    async fn create_topic(&self, input: &Tree) -> Result<Tree, Fault> {
        if !input.list("Tags").is_empty() {
            return Err(topic::invalid("Tags", "tags are not offered by this server"));
        }
        if input.get("DataProtectionPolicy").is_some() {
            let why = "data protection policies are not offered by this server";
            return Err(topic::invalid("DataProtectionPolicy", why));
        }
        let topic = self.create(required(input, "Name")?, input.get("Attributes")).await?;
        Ok(Tree::map([("TopicArn", Tree::from(topic.arn))]))
    }

    async fn delete_topic(&self, input: &Tree) -> Result<Tree, Fault> {
        let arn = required(input, "TopicArn")?;
        let name = topic::name_in_arn(&self.config.account, &self.config.region, arn)?;
        let _changing = self.changing.lock().await;
        // Subscriptions first: a crash in between leaves a topic without them, never the reverse.
        for row in self.subscriptions(&format!("{name}/")).await? {
            self.subscriptions.delete(&row_key(&row.arn)).await.map_err(Error::from)?;
        }
        self.topics.delete(name).await.map_err(Error::from)?;
        Ok(Tree::Null)
    }

    async fn list_topics(&self, input: &Tree) -> Result<Tree, Fault> {
        let rows = self.topics.list("").await.map_err(Error::from)?;
        let arns = rows.iter().map(|(key, bytes)| {
            read_row::<topic::Topic>(key, bytes)
                .map(|topic| (key.clone(), Tree::map([("TopicArn", Tree::from(topic.arn))])))
        });
        let arns = arns.collect::<Result<Vec<_>, Error>>()?;
        Ok(page("Topics", arns, input.text("NextToken")))
    }

    async fn get_topic_attributes(&self, input: &Tree) -> Result<Tree, Fault> {
        let topic = self.topic(required(input, "TopicArn")?).await?;
        let rows = self.subscriptions(&format!("{}/", topic.name)).await?;
        let confirmed = rows.iter().filter(|row| row.confirmed()).count();
        let mut attributes = vec![
            ("TopicArn", topic.arn.clone()),
            ("Owner", self.config.account.to_string()),
            ("DisplayName", topic.attributes.display_name.clone().unwrap_or_default()),
            ("SubscriptionsConfirmed", confirmed.to_string()),
            ("SubscriptionsPending", (rows.len() - confirmed).to_string()),
            ("SubscriptionsDeleted", topic.deleted.to_string()),
        ];
        if let Some(version) = topic.attributes.signature_version {
            attributes.push(("SignatureVersion", version.as_str().to_owned()));
        }
        let attributes = attributes.into_iter().map(|(name, value)| (name, Tree::from(value)));
        Ok(Tree::map([("Attributes", Tree::map(attributes))]))
    }

    async fn set_topic_attributes(&self, input: &Tree) -> Result<Tree, Fault> {
        let arn = required(input, "TopicArn")?;
        let name = required(input, "AttributeName")?;
        let _changing = self.changing.lock().await;
        let mut topic = self.topic(arn).await?;
        topic.attributes.set(name, input.text("AttributeValue").unwrap_or_default())?;
        self.put_topic(&topic).await?;
        Ok(Tree::Null)
    }

    async fn subscribe(&self, input: &Tree) -> Result<Tree, Fault> {
        let topic_arn = required(input, "TopicArn")?;
        let protocol = required(input, "Protocol")?;
        let endpoint = required(input, "Endpoint")?;
        let url = subscription::check_endpoint(protocol, endpoint)?;
        let raw = subscription::raw_delivery(input.get("Attributes"))?;
        self.outgoing.check(&url).map_err(|why| topic::invalid("Endpoint", &why.to_string()))?;
        let _changing = self.changing.lock().await;
        let topic = self.topic(topic_arn).await?;
        let known = self.subscriptions(&format!("{}/", topic.name)).await?;
        let known = known.into_iter().find(|s| s.protocol == protocol && s.endpoint == endpoint);
        if let Some(known) = known.as_ref().filter(|known| known.confirmed()) {
            return Ok(Tree::map([("SubscriptionArn", Tree::from(known.arn.as_str()))]));
        }
        let arn = known.map_or_else(|| format!("{}:{}", topic.arn, self.chance.uuid()), |k| k.arn);
        let row = Subscription {
            arn,
            topic_arn: topic.arn,
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            raw,
            state: subscription::pending(self.chance.as_ref(), self.clock.now()),
            authenticate_on_unsubscribe: false,
        };
        self.put_subscription(&row).await?;
        self.send_handshake(&row, MessageKind::SubscriptionConfirmation).await?;
        let whole = input.bool("ReturnSubscriptionArn").unwrap_or(false);
        let shown = if whole { row.arn.as_str() } else { PENDING };
        Ok(Tree::map([("SubscriptionArn", Tree::from(shown))]))
    }

    /// Queues the message that asks the endpoint to confirm, or tells it that it was unsubscribed.
    async fn send_handshake(&self, row: &Subscription, kind: MessageKind) -> Result<(), Error> {
        let State::Pending { token, .. } = &row.state else { return Ok(()) };
        let (arn, done) = (&row.topic_arn, kind == MessageKind::UnsubscribeConfirmation);
        let text = if done {
            format!(
                "You have chosen to deactivate subscription {}.\n\
                 To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
                row.arn
            )
        } else {
            format!(
                "You have chosen to subscribe to the topic {arn}.\n\
                 To confirm the subscription, visit the SubscribeURL included in this message."
            )
        };
        let message = Message {
            kind,
            message_id: self.chance.uuid(),
            topic_arn: arn.clone(),
            subscription_arn: Some(row.arn.clone()),
            subject: None,
            text,
            time: self.clock.now(),
            token: Some(token.clone()),
            attributes: Vec::new(),
        };
        self.enqueue(&message, row).await
    }

    async fn confirm(&self, input: &Tree) -> Result<Tree, Fault> {
        let token = required(input, "Token")?;
        let _changing = self.changing.lock().await;
        let topic = self.topic(required(input, "TopicArn")?).await?;
        let now = self.clock.now();
        let rows = self.subscriptions(&format!("{}/", topic.name)).await?;
        let Some(mut row) = rows.into_iter().find(|row| row.accepts(token, now)) else {
            return Err(Fault::new("InvalidParameterException", "Invalid token"));
        };
        if row.confirmed() {
            return Ok(Tree::map([("SubscriptionArn", Tree::from(row.arn))]));
        }
        row.state = State::Confirmed { token: token.to_owned() };
        row.authenticate_on_unsubscribe = input.text("AuthenticateOnUnsubscribe") == Some("true");
        self.put_subscription(&row).await?;
        Ok(Tree::map([("SubscriptionArn", Tree::from(row.arn))]))
    }

    async fn unsubscribe(&self, input: &Tree, anonymous: bool) -> Result<Tree, Fault> {
        let arn = required(input, "SubscriptionArn")?;
        let _changing = self.changing.lock().await;
        let key = row_key(arn);
        let Some(bytes) = self.subscriptions.get(&key).await.map_err(Error::from)? else {
            return Err(not_found("Subscription"));
        };
        let mut row: Subscription = read_row(&key, &bytes)?;
        if row.arn != arn {
            return Err(not_found("Subscription"));
        }
        if !anonymous {
            self.subscriptions.delete(&key).await.map_err(Error::from)?;
            let mut topic = self.topic(&row.topic_arn).await?;
            topic.deleted += 1;
            self.put_topic(&topic).await?;
            return Ok(Tree::Null);
        }
        if row.authenticate_on_unsubscribe {
            return Err(Fault::new(
                "AuthorizationErrorException",
                "Only the owner may end this subscription, with a signed call.",
            )
            .with_status(403));
        }
        if !row.confirmed() {
            // Nothing to end: whoever knows the URL must not have the endpoint written to at will.
            return Ok(Tree::Null);
        }
        // Whoever holds the URL may end the subscription, and the endpoint may take that back.
        row.state = subscription::pending(self.chance.as_ref(), self.clock.now());
        self.put_subscription(&row).await?;
        self.send_handshake(&row, MessageKind::UnsubscribeConfirmation).await?;
        Ok(Tree::Null)
    }

    async fn list_subscriptions(&self, input: &Tree, prefix: &str) -> Result<Tree, Fault> {
        let owner = self.config.account.as_str();
        let rows = self.subscriptions(prefix).await?;
        let rows = rows.iter().map(|row| (row_key(&row.arn), row.to_tree(owner))).collect();
        Ok(page("Subscriptions", rows, input.text("NextToken")))
    }
}

/// The member `name`, which must be given.
pub(crate) fn required<'a>(input: &'a Tree, name: &str) -> Result<&'a str, Fault> {
    input.text(name).filter(|text| !text.is_empty()).ok_or_else(|| {
        Fault::new("InvalidParameterException", format!("Invalid parameter: {name}"))
    })
}

/// One page of `rows`, which are in the order of their keys; the token is the last key shown.
fn page(name: &str, rows: Vec<(String, Tree)>, token: Option<&str>) -> Tree {
    let mut rest = rows.into_iter().filter(|(key, _)| token.is_none_or(|t| key.as_str() > t));
    let shown: Vec<_> = rest.by_ref().take(PAGE_ROWS_MAX).collect();
    let next = rest.next().and_then(|_| shown.last().map(|(key, _)| key.clone()));
    let items = shown.into_iter().map(|(_, item)| item).collect::<Vec<_>>();
    Tree::map([(name, Tree::List(items)), ("NextToken", next.into())])
}
