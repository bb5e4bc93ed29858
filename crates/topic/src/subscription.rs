//! A subscription: who wants a topic's messages, which ones, and whether they said so themselves.

mod settings;

use flow::{Chance, Timestamp, Tree};

use crate::protocol::Protocol;
pub(crate) use crate::subscription::settings::{Owner, Settings};

/// How long a confirmation token holds (API_Subscribe: two days).
const TOKEN_MILLIS: i64 = 2 * 24 * 60 * 60 * 1000;
/// A token's length in characters.
const TOKEN_CHARS: usize = 128;

/// What SNS answers in place of an ARN until the endpoint has confirmed.
pub(crate) const PENDING: &str = "pending confirmation";

/// A subscription as the state database holds it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Subscription {
    /// `TOPIC_ARN:UUID`.
    pub(crate) arn: String,
    pub(crate) topic_arn: String,
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    #[serde(flatten)]
    pub(crate) settings: Settings,
    pub(crate) state: State,
    /// Only the owner, signed, may unsubscribe.
    pub(crate) authenticate_on_unsubscribe: bool,
    /// Whether whoever confirmed had signed the call.
    #[serde(default)]
    pub(crate) authenticated: bool,
    /// The ARN of who subscribed.
    #[serde(default)]
    pub(crate) principal: String,
}

/// Where the handshake stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum State {
    /// The endpoint has not sent the token back yet.
    Pending { token: String, since: Timestamp },
    /// It has, this one: the message that asks may come twice, and so may the answer.
    Confirmed { token: String },
}

impl Subscription {
    pub(crate) fn confirmed(&self) -> bool {
        matches!(self.state, State::Confirmed { .. })
    }

    /// The ARN, or the words that stand for it until it is confirmed.
    pub(crate) fn shown_arn(&self) -> &str {
        if self.confirmed() { &self.arn } else { "PendingConfirmation" }
    }

    /// Whether the token `given` confirms this at `now`, or has done so before.
    pub(crate) fn accepts(&self, given: &str, now: Timestamp) -> bool {
        match &self.state {
            State::Pending { token, since } => {
                token == given && now.millis_since(*since) < TOKEN_MILLIS
            }
            State::Confirmed { token } => !token.is_empty() && token == given,
        }
    }

    /// The row as `ListSubscriptions` gives it.
    pub(crate) fn to_tree(&self, owner: &str) -> Tree {
        Tree::map([
            ("SubscriptionArn", Tree::from(self.shown_arn())),
            ("Owner", owner.into()),
            ("Protocol", self.protocol.as_str().into()),
            ("Endpoint", self.endpoint.as_str().into()),
            ("TopicArn", self.topic_arn.as_str().into()),
        ])
    }
}

/// The state of a new subscription over `protocol`: what belongs to the same account needs not be
/// asked, all others get a fresh token.
pub(crate) fn begun(protocol: Protocol, chance: &dyn Chance, now: Timestamp) -> State {
    match protocol {
        Protocol::Queue | Protocol::Function => State::Confirmed { token: String::new() },
        _ => pending(chance, now),
    }
}

/// A pending state with a fresh token.
pub(crate) fn pending(chance: &dyn Chance, now: Timestamp) -> State {
    State::Pending { token: chance.text(b"0123456789abcdef", TOKEN_CHARS), since: now }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(protocol: Protocol, state: State) -> Subscription {
        Subscription {
            arn: "arn".into(),
            topic_arn: "topic".into(),
            protocol,
            endpoint: "http://example.com".into(),
            settings: Settings::default(),
            state,
            authenticate_on_unsubscribe: false,
            authenticated: false,
            principal: String::new(),
        }
    }

    #[test]
    fn a_token_holds_two_days() {
        let start = Timestamp::from_secs(1_000_000);
        let state = begun(Protocol::Http, &flow::SeededChance::new(1), start);
        let State::Pending { token, .. } = state.clone() else { panic!("pending is pending") };
        let subscription = subscription(Protocol::Http, state);
        assert!(subscription.accepts(&token, start.plus_millis(TOKEN_MILLIS - 1)));
        assert!(!subscription.accepts(&token, start.plus_millis(TOKEN_MILLIS)));
        assert!(!subscription.accepts("another", start));
    }

    #[test]
    fn a_queue_of_the_account_needs_no_token_and_takes_none() {
        let start = Timestamp::from_secs(1_000_000);
        let state = begun(Protocol::Queue, &flow::SeededChance::new(1), start);
        let subscription = subscription(Protocol::Queue, state);
        assert!(subscription.confirmed());
        assert!(!subscription.accepts("", start));
    }
}
