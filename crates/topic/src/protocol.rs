//! How a subscriber is reached, and what its endpoint must look like.

use flow::{AccountId, Arn, Fault, Region};
use url::Url;

use crate::topic::invalid;

/// The longest endpoint, in bytes.
const ENDPOINT_BYTES_MAX: usize = 2048;
/// The longest address of mail, in bytes (RFC 5321).
const ADDRESS_BYTES_MAX: usize = 254;

/// The protocols that are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Protocol {
    #[serde(rename = "http")]
    Http,
    #[serde(rename = "https")]
    Https,
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "email-json")]
    EmailJson,
    #[serde(rename = "sqs")]
    Queue,
    #[serde(rename = "lambda")]
    Function,
}

impl Protocol {
    pub(crate) const ALL: [Self; 6] =
        [Self::Http, Self::Https, Self::Email, Self::EmailJson, Self::Queue, Self::Function];

    /// As SNS spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Queue => "sqs",
            Self::Function => "lambda",
        }
    }

    /// Reads the protocol of `Subscribe`; those that cannot be honoured are refused by name.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(known) = Self::ALL.into_iter().find(|known| known.as_str() == text) {
            return Ok(known);
        }
        let why = match text {
            "sms" | "application" | "firehose" => {
                format!("the protocol {text} is not offered by this server")
            }
            _ => format!("Amazon SNS does not support this protocol string: {text}"),
        };
        Err(Fault::new("InvalidParameterException", format!("Invalid parameter: {why}")))
    }

    /// Whether its messages go over HTTP.
    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether its messages go by mail.
    pub(crate) fn is_mail(self) -> bool {
        matches!(self, Self::Email | Self::EmailJson)
    }

    /// Whether a message may go without its envelope.
    pub(crate) fn may_be_raw(self) -> bool {
        self.is_http() || self == Self::Queue
    }

    /// Checks the endpoint of `Subscribe`; the URL of those that have one.
    pub(crate) fn check(
        self,
        endpoint: &str,
        (account, region): (&AccountId, &Region),
    ) -> Result<Option<Url>, Fault> {
        if endpoint.len() > ENDPOINT_BYTES_MAX {
            return Err(invalid("Endpoint", "it must be at most 2048 bytes long"));
        }
        let wrong = |what: &str| {
            Fault::new("InvalidParameterException", format!("Invalid parameter: {what}"))
        };
        let (service, what) = match self {
            Self::Http | Self::Https => {
                if !endpoint.starts_with(&format!("{}://", self.as_str())) {
                    return Err(wrong("Endpoint must match the specified protocol"));
                }
                let url = endpoint.parse().map_err(|why| invalid("Endpoint", &format!("{why}")));
                return url.map(Some);
            }
            Self::Email | Self::EmailJson => {
                return if is_address(endpoint) { Ok(None) } else { Err(wrong("Email address")) };
            }
            Self::Queue => ("sqs", "SQS endpoint ARN"),
            Self::Function => ("lambda", "Lambda endpoint ARN"),
        };
        let arn: Arn = endpoint.parse().map_err(|_| wrong(what))?;
        let function = self == Self::Function;
        let named = match arn.resource.strip_prefix("function:") {
            Some(name) => function && !name.is_empty(),
            None => !function && !arn.resource.is_empty() && !arn.resource.contains(':'),
        };
        if arn.service != service || !named {
            return Err(wrong(what));
        }
        if arn.account != account.as_str() || arn.region != region.as_str() {
            let why = "this server serves its own account and region alone";
            return Err(invalid("Endpoint", why));
        }
        if arn.resource.ends_with(".fifo") {
            let why = "FIFO SQS Queues can not be subscribed to standard SNS topics";
            return Err(wrong(&format!("Invalid parameter: Endpoint Reason: {why}")));
        }
        Ok(None)
    }
}

/// Whether `text` may be an address of mail: one `@`, no blanks, nothing that could end a header.
fn is_address(text: &str) -> bool {
    let plain = text.len() <= ADDRESS_BYTES_MAX
        && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;\"".contains(c));
    plain
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.contains('@') && host.len() > 2 && !host.starts_with('.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: &str, endpoint: &str) -> Result<(), Fault> {
        let (account, region) = ("123456789012".parse().unwrap(), "us-east-2".parse().unwrap());
        Protocol::parse(protocol)?.check(endpoint, (&account, &region)).map(drop)
    }

    #[test]
    fn an_endpoint_fits_its_protocol() {
        for (protocol, endpoint) in [
            ("http", "http://example.com/hook"),
            ("sqs", "arn:aws:sqs:us-east-2:123456789012:q"),
            ("lambda", "arn:aws:lambda:us-east-2:123456789012:function:f"),
            ("lambda", "arn:aws:lambda:us-east-2:123456789012:function:f:live"),
            ("email", "a.b+c@example.com"),
        ] {
            check(protocol, endpoint).unwrap_or_else(|why| panic!("{protocol} {endpoint}: {why}"));
        }
        for (protocol, endpoint) in [
            ("http", "https://example.com/"),
            ("https", "example.com"),
            ("sqs", "http://127.0.0.1/123456789012/q"),
            ("sqs", "arn:aws:lambda:us-east-2:123456789012:function:f"),
            ("sqs", "arn:aws:sqs:us-east-2:123456789012:q.fifo"),
            ("sqs", "arn:aws:sqs:us-east-1:123456789012:q"),
            ("lambda", "arn:aws:lambda:us-east-2:123456789012:layer:f"),
            ("lambda", "arn:aws:lambda:us-east-2:111122223333:function:f"),
            ("email", "nobody"),
            ("email", "a@b.c\r\nBcc: d@e.f"),
            ("email", "<a@b.cd>"),
            ("sms", "+15551234567"),
            ("application", "arn:aws:sns:us-east-2:123456789012:app/x"),
            ("firehose", "arn:aws:firehose:us-east-2:123456789012:deliverystream/x"),
            ("pigeon", "http://example.com/"),
        ] {
            assert!(check(protocol, endpoint).is_err(), "{protocol} {endpoint}");
        }
    }

    #[test]
    fn what_is_not_offered_is_refused_by_name() {
        for protocol in ["sms", "application", "firehose"] {
            let message = check(protocol, "x").unwrap_err().message;
            assert!(message.contains(&format!("{protocol} is not offered")), "{message}");
        }
    }
}
