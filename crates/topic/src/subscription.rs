//! A subscription: who wants a topic's messages, and whether they said so themselves.

use flow::{Chance, Fault, Timestamp, Tree};
use url::Url;

use crate::topic::invalid;

/// How long a confirmation token holds (API_Subscribe: two days).
const TOKEN_MILLIS: i64 = 2 * 24 * 60 * 60 * 1000;
/// A token's length in characters.
const TOKEN_CHARS: usize = 128;
/// The longest endpoint, in bytes.
const ENDPOINT_BYTES_MAX: usize = 2048;

/// What SNS answers in place of an ARN until the endpoint has confirmed.
pub(crate) const PENDING: &str = "pending confirmation";

/// A subscription as the state database holds it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Subscription {
    /// `TOPIC_ARN:UUID`.
    pub(crate) arn: String,
    pub(crate) topic_arn: String,
    pub(crate) protocol: String,
    pub(crate) endpoint: String,
    pub(crate) raw: bool,
    pub(crate) state: State,
    /// Only the owner, signed, may unsubscribe.
    pub(crate) authenticate_on_unsubscribe: bool,
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
            State::Confirmed { token } => token == given,
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

/// A new pending state with a fresh token.
pub(crate) fn pending(chance: &dyn Chance, now: Timestamp) -> State {
    State::Pending { token: chance.text(b"0123456789abcdef", TOKEN_CHARS), since: now }
}

/// Checks protocol and endpoint of `Subscribe`.
pub(crate) fn check_endpoint(protocol: &str, endpoint: &str) -> Result<Url, Fault> {
    match protocol {
        "http" | "https" => {}
        "email" | "email-json" | "sms" | "sqs" | "application" | "lambda" | "firehose" => {
            let why = format!("the protocol {protocol} is not offered by this server");
            return Err(invalid("Protocol", &why));
        }
        _ => {
            let why = format!("Amazon SNS does not support this protocol string: {protocol}");
            return Err(Fault::new(
                "InvalidParameterException",
                format!("Invalid parameter: {why}"),
            ));
        }
    }
    if !endpoint.starts_with(&format!("{protocol}://")) {
        return Err(Fault::new(
            "InvalidParameterException",
            "Invalid parameter: Endpoint must match the specified protocol",
        ));
    }
    if endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(invalid("Endpoint", "it must be at most 2048 bytes long"));
    }
    endpoint.parse().map_err(|why| invalid("Endpoint", &format!("{why}")))
}

/// Reads the attributes of `Subscribe`; one that would have no effect is refused.
pub(crate) fn raw_delivery(attributes: Option<&Tree>) -> Result<bool, Fault> {
    let mut raw = false;
    for (name, value) in attributes.map(Tree::members).unwrap_or_default() {
        match (name.as_str(), value.as_text()) {
            ("RawMessageDelivery", Some("true" | "True")) => raw = true,
            ("RawMessageDelivery", Some("false" | "False")) => raw = false,
            _ => {
                let why = format!("{name} is not offered by this server");
                return Err(invalid("Attributes", &why));
            }
        }
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_fits_its_protocol() {
        assert!(check_endpoint("http", "http://example.com/hook").is_ok());
        for (protocol, endpoint) in [
            ("http", "https://example.com/"),
            ("https", "example.com"),
            ("sqs", "arn:aws:sqs:us-east-2:123456789012:q"),
            ("pigeon", "http://example.com/"),
        ] {
            assert!(check_endpoint(protocol, endpoint).is_err(), "{protocol} {endpoint}");
        }
    }

    #[test]
    fn a_token_holds_two_days() {
        let start = Timestamp::from_secs(1_000_000);
        let chance = flow::SeededChance::new(1);
        let state = pending(&chance, start);
        let State::Pending { token, .. } = state.clone() else { panic!("pending is pending") };
        let subscription = Subscription {
            arn: "arn".into(),
            topic_arn: "topic".into(),
            protocol: "http".into(),
            endpoint: "http://example.com".into(),
            raw: false,
            state,
            authenticate_on_unsubscribe: false,
        };
        assert!(subscription.accepts(&token, start.plus_millis(TOKEN_MILLIS - 1)));
        assert!(!subscription.accepts(&token, start.plus_millis(TOKEN_MILLIS)));
        assert!(!subscription.accepts("another", start));
    }
}
