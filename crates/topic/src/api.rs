//! The operations of SNS: a decoded call in, an answer out.

use std::sync::Arc;

use flow::{Answer, Fault, Pending, Principal, Request, Service, Tree};

use crate::{
    Topics,
    delivery_policy::Effective,
    error::Error,
    run::{Inner, read_row, row_key},
    tags, topic,
};

mod subscribe;

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
        let anonymous = request.caller.principal == Principal::Anonymous;
        match request.operation.as_str() {
            "CreateTopic" => self.create_topic(input).await,
            "DeleteTopic" => self.delete_topic(input).await,
            "ListTopics" => self.list_topics(input).await,
            "GetTopicAttributes" => self.get_topic_attributes(input).await,
            "SetTopicAttributes" => self.set_topic_attributes(input).await,
            "AddPermission" => self.add_permission(input).await,
            "RemovePermission" => self.remove_permission(input).await,
            "TagResource" => self.tag(input).await,
            "UntagResource" => self.untag(input).await,
            "ListTagsForResource" => self.list_tags(input).await,
            "Subscribe" => self.subscribe(input, &request.caller).await,
            "ConfirmSubscription" => self.confirm(input, anonymous).await,
            "Unsubscribe" => self.unsubscribe(input, anonymous).await,
            "GetSubscriptionAttributes" => self.get_subscription_attributes(input).await,
            "SetSubscriptionAttributes" => self.set_subscription_attributes(input).await,
            "ListSubscriptions" => self.list_subscriptions(input, "").await,
            "ListSubscriptionsByTopic" => {
                let topic = self.topic(required(input, "TopicArn")?).await?;
                self.list_subscriptions(input, &format!("{}/", topic.name)).await
            }
            "Publish" => self.publish_call(input).await,
            "PublishBatch" => self.publish_batch(input).await,
            other => Err(Fault::new(
                "InvalidAction",
                format!("The action {other} is not offered by this server's SNS."),
            )),
        }
    }

    async fn create_topic(&self, input: &Tree) -> Result<Tree, Fault> {
        if input.get("DataProtectionPolicy").is_some() {
            let why = "data protection policies are not offered by this server";
            return Err(topic::invalid("DataProtectionPolicy", why));
        }
        let tags = tags::read(input.list("Tags"))?;
        let topic = self.create(required(input, "Name")?, input.get("Attributes"), tags).await?;
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
        self.forget_policy(arn);
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
        let delivery_policy = topic.attributes.delivery_policy.as_deref();
        let mut attributes = vec![
            ("TopicArn", topic.arn.clone()),
            ("Owner", self.config.account.to_string()),
            ("DisplayName", topic.attributes.display_name.clone().unwrap_or_default()),
            ("SubscriptionsConfirmed", confirmed.to_string()),
            ("SubscriptionsPending", (rows.len() - confirmed).to_string()),
            ("SubscriptionsDeleted", topic.deleted.to_string()),
            ("Policy", topic.policy(&self.config.account)),
            ("EffectiveDeliveryPolicy", Effective::of_topic(delivery_policy)),
        ];
        if let Some(policy) = delivery_policy {
            attributes.push(("DeliveryPolicy", policy.to_owned()));
        }
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

    async fn add_permission(&self, input: &Tree) -> Result<Tree, Fault> {
        let label = required(input, "Label")?;
        let texts = |name: &str| -> Vec<&str> {
            input.list(name).iter().filter_map(Tree::as_text).collect()
        };
        let _changing = self.changing.lock().await;
        let mut topic = self.topic(required(input, "TopicArn")?).await?;
        let owner = &self.config.account;
        topic.permit(owner, label, &texts("AWSAccountId"), &texts("ActionName"))?;
        self.put_topic(&topic).await?;
        Ok(Tree::Null)
    }

    async fn remove_permission(&self, input: &Tree) -> Result<Tree, Fault> {
        let label = required(input, "Label")?;
        let _changing = self.changing.lock().await;
        let mut topic = self.topic(required(input, "TopicArn")?).await?;
        topic.forbid(&self.config.account, label);
        self.put_topic(&topic).await?;
        Ok(Tree::Null)
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
