//! Subscriptions: begun, confirmed, changed, listed, ended.

use flow::{Caller, Fault, Tree};

use crate::{
    api::{page, required},
    delivery_policy,
    error::Error,
    message::{Message, MessageKind},
    protocol::Protocol,
    run::{Inner, read_row, row_key},
    subscription::{self, Owner, PENDING, Settings, State, Subscription},
    topic::{self, not_found},
};

/// Subscriptions of one topic. SNS has 12,500,000; here one publication reads them all at once.
const SUBSCRIPTIONS_MAX: usize = 10_000;

impl Inner {
    fn owner(&self, protocol: Protocol) -> Owner<'_> {
        Owner { protocol, account: &self.config.account, region: &self.config.region }
    }

    pub(super) async fn subscribe(&self, input: &Tree, caller: &Caller) -> Result<Tree, Fault> {
        let topic_arn = required(input, "TopicArn")?;
        // Of all that may be wrong, a topic that is not there is told first.
        self.topic(topic_arn).await?;
        let protocol = Protocol::parse(required(input, "Protocol")?)?;
        let endpoint = required(input, "Endpoint")?;
        let url = protocol.check(endpoint, (&self.config.account, &self.config.region))?;
        if let Some(url) = &url {
            self.outgoing.check(url).map_err(|why| topic::invalid("Endpoint", &why.to_string()))?;
        }
        if protocol.is_mail() && self.mailer.is_none() {
            let why = "no SMTP server is configured: set `smtp.host` and `smtp.from`";
            return Err(topic::invalid("Protocol", why));
        }
        let given = input.get("Attributes");
        let settings = Settings::from_tree(given, self.owner(protocol))?;
        let _changing = self.changing.lock().await;
        let topic = self.topic(topic_arn).await?;
        let all = self.subscriptions(&format!("{}/", topic.name)).await?;
        let count = all.len();
        let known = all.into_iter().find(|s| s.protocol == protocol && s.endpoint == endpoint);
        if let Some(known) = known.as_ref().filter(|known| known.confirmed()) {
            if given.is_some_and(|given| !given.members().is_empty()) && known.settings != settings
            {
                let why = "Subscription already exists with different attributes";
                return Err(topic::invalid("Attributes", why));
            }
            return Ok(Tree::map([("SubscriptionArn", Tree::from(known.arn.as_str()))]));
        }
        if known.is_none() && count >= SUBSCRIPTIONS_MAX {
            let what = format!("The topic has {SUBSCRIPTIONS_MAX} subscriptions already.");
            return Err(Fault::new("SubscriptionLimitExceededException", what).with_status(403));
        }
        let arn = known.map_or_else(|| format!("{}:{}", topic.arn, self.chance.uuid()), |k| k.arn);
        let row = Subscription {
            arn,
            topic_arn: topic.arn.clone(),
            protocol,
            endpoint: endpoint.to_owned(),
            settings,
            state: subscription::begun(protocol, self.chance.as_ref(), self.clock.now()),
            authenticate_on_unsubscribe: false,
            authenticated: matches!(protocol, Protocol::Queue | Protocol::Function),
            principal: caller.arn().unwrap_or_default(),
        };
        self.put_subscription(&row).await?;
        self.send_handshake(&topic, &row, MessageKind::SubscriptionConfirmation).await?;
        let whole = row.confirmed() || input.bool("ReturnSubscriptionArn").unwrap_or(false);
        let shown = if whole { row.arn.as_str() } else { PENDING };
        Ok(Tree::map([("SubscriptionArn", Tree::from(shown))]))
    }

    /// Queues the message that asks the endpoint to confirm, or tells it that it was unsubscribed.
    async fn send_handshake(
        &self,
        topic: &topic::Topic,
        row: &Subscription,
        kind: MessageKind,
    ) -> Result<(), Error> {
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
            group: None,
        };
        self.enqueue(topic, message, row).await
    }

    pub(super) async fn confirm(&self, input: &Tree, anonymous: bool) -> Result<Tree, Fault> {
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
        row.authenticated = !anonymous;
        self.put_subscription(&row).await?;
        Ok(Tree::map([("SubscriptionArn", Tree::from(row.arn))]))
    }

    /// The subscription that `SubscriptionArn` names.
    async fn subscription(&self, input: &Tree) -> Result<Subscription, Fault> {
        let arn = required(input, "SubscriptionArn")?;
        let key = row_key(arn);
        let bytes = self.subscriptions.get(&key).await.map_err(Error::from)?;
        let row: Option<Subscription> = bytes.map(|bytes| read_row(&key, &bytes)).transpose()?;
        row.filter(|row| row.arn == arn).ok_or_else(|| not_found("Subscription"))
    }

    pub(super) async fn unsubscribe(&self, input: &Tree, anonymous: bool) -> Result<Tree, Fault> {
        let _changing = self.changing.lock().await;
        let mut row = self.subscription(input).await?;
        let mut topic = self.topic(&row.topic_arn).await?;
        // Whoever got a function's or a queue's message could not take an ending back.
        let owned = matches!(row.protocol, Protocol::Queue | Protocol::Function);
        if !anonymous || (owned && !row.authenticate_on_unsubscribe) {
            self.subscriptions.delete(&row_key(&row.arn)).await.map_err(Error::from)?;
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
        self.send_handshake(&topic, &row, MessageKind::UnsubscribeConfirmation).await?;
        Ok(Tree::Null)
    }

    pub(super) async fn get_subscription_attributes(&self, input: &Tree) -> Result<Tree, Fault> {
        let row = self.subscription(input).await?;
        let topic = self.topic(&row.topic_arn).await?;
        let settings = &row.settings;
        let flag = |value: bool| Some(value.to_string());
        let scope = settings.filter_policy.as_ref().map(|_| settings.filter_scope.as_str().into());
        let effective = row.protocol.is_http().then(|| {
            let of_topic = topic.attributes.delivery_policy.as_deref();
            let own = settings.delivery_policy.as_deref();
            delivery_policy::effective(of_topic, own).of_subscription()
        });
        let attributes = [
            ("SubscriptionArn", Some(row.arn.clone())),
            ("TopicArn", Some(row.topic_arn.clone())),
            ("Protocol", Some(row.protocol.as_str().to_owned())),
            ("Endpoint", Some(row.endpoint.clone())),
            ("Owner", Some(self.config.account.to_string())),
            ("SubscriptionPrincipal", Some(row.principal.clone()).filter(|arn| !arn.is_empty())),
            ("PendingConfirmation", flag(!row.confirmed())),
            ("ConfirmationWasAuthenticated", flag(row.authenticated)),
            ("RawMessageDelivery", flag(settings.raw)),
            ("FilterPolicy", settings.filter_policy.clone()),
            ("FilterPolicyScope", scope),
            ("RedrivePolicy", settings.redrive_policy.clone()),
            ("DeliveryPolicy", settings.delivery_policy.clone()),
            ("EffectiveDeliveryPolicy", effective),
        ];
        let given = attributes.into_iter().filter_map(|(name, value)| Some((name, value?.into())));
        Ok(Tree::map([("Attributes", Tree::map::<&str>(given))]))
    }

    pub(super) async fn set_subscription_attributes(&self, input: &Tree) -> Result<Tree, Fault> {
        let name = required(input, "AttributeName")?;
        let _changing = self.changing.lock().await;
        let mut row = self.subscription(input).await?;
        let value = input.text("AttributeValue").unwrap_or_default();
        row.settings.set(name, value, self.owner(row.protocol))?;
        self.put_subscription(&row).await?;
        Ok(Tree::Null)
    }

    pub(super) async fn list_subscriptions(
        &self,
        input: &Tree,
        prefix: &str,
    ) -> Result<Tree, Fault> {
        let owner = self.config.account.as_str();
        let rows = self.subscriptions(prefix).await?;
        let rows = rows.iter().map(|row| (row_key(&row.arn), row.to_tree(owner))).collect();
        Ok(page("Subscriptions", rows, input.text("NextToken")))
    }
}
