//! A topic: its name, its ARN, its attributes.

use std::collections::BTreeMap;

use flow::{AccountId, Arn, Fault, Region, Tree};

use crate::{delivery_policy, permission};

/// The longest name, in characters (API_CreateTopic).
const NAME_CHARS_MAX: usize = 256;
/// The longest display name, in characters (API_CreateTopic).
const DISPLAY_NAME_CHARS_MAX: usize = 100;

/// A topic as the state database holds it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) attributes: Attributes,
    /// Subscriptions that were deleted since the topic was made.
    pub(crate) deleted: u64,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Topic {
    pub(crate) fn new(arn: String, name: String) -> Self {
        let (attributes, tags) = (Attributes::default(), BTreeMap::new());
        Self { name, arn, attributes, deleted: 0, tags }
    }
}

/// The attributes that can be set and have an effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Attributes {
    pub(crate) display_name: Option<String>,
    pub(crate) signature_version: Option<SignatureVersion>,
    /// `None` for the default one.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) delivery_policy: Option<String>,
}

/// How messages are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum SignatureVersion {
    /// SHA-1 with RSA, SNS's default.
    #[default]
    One,
    /// SHA-256 with RSA.
    Two,
}

impl SignatureVersion {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// `InvalidParameter` in SNS's words.
pub(crate) fn invalid(parameter: &str, reason: &str) -> Fault {
    Fault::new(
        "InvalidParameterException",
        format!("Invalid parameter: {parameter} Reason: {reason}"),
    )
}

/// `NotFound` in SNS's words.
pub(crate) fn not_found(what: &str) -> Fault {
    Fault::new("NotFoundException", format!("{what} does not exist")).with_status(404)
}

/// Checks a topic's name: 1 to 256 letters, digits, `_` and `-`.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    if name.ends_with(".fifo") {
        return Err(invalid("Topic Name", "FIFO topics are not offered; choose a standard topic"));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(allowed) {
        return Err(Fault::new("InvalidParameterException", "Invalid parameter: Topic Name"));
    }
    Ok(())
}

/// The ARN of the topic `name`.
pub(crate) fn arn(account: &AccountId, region: &Region, name: &str) -> String {
    format!("arn:aws:sns:{region}:{account}:{name}")
}

/// The topic's name in `text`, which must be the ARN of a topic of this account and region.
pub(crate) fn name_in_arn<'a>(
    account: &AccountId,
    region: &Region,
    text: &'a str,
) -> Result<&'a str, Fault> {
    let wrong = || Fault::new("InvalidParameterException", "Invalid parameter: TopicArn");
    let parsed: Arn = text.parse().map_err(|_| wrong())?;
    if parsed.service != "sns" || parsed.resource.contains(':') {
        return Err(wrong());
    }
    if parsed.region != region.as_str() || parsed.account != account.as_str() {
        return Err(not_found("Topic"));
    }
    text.rsplit(':').next().filter(|name| !name.is_empty()).ok_or_else(wrong)
}

impl Attributes {
    /// Reads the attributes of `CreateTopic`.
    pub(crate) fn from_tree(tree: Option<&Tree>) -> Result<Self, Fault> {
        let mut attributes = Self::default();
        for (name, value) in tree.map(Tree::members).unwrap_or_default() {
            attributes.set(name, value.as_text().unwrap_or_default())?;
        }
        Ok(attributes)
    }

    /// Sets one attribute; one that would have no effect is refused.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        match name {
            "DisplayName" if value.chars().count() > DISPLAY_NAME_CHARS_MAX => {
                Err(invalid("DisplayName", "it must be at most 100 characters long"))
            }
            "DisplayName" => {
                self.display_name = Some(value.to_owned()).filter(|name| !name.is_empty());
                Ok(())
            }
            "SignatureVersion" => {
                self.signature_version = Some(match value {
                    "1" => SignatureVersion::One,
                    "2" => SignatureVersion::Two,
                    _ => return Err(invalid("SignatureVersion", "it must be 1 or 2")),
                });
                Ok(())
            }
            "Policy" => {
                if !value.is_empty() {
                    permission::check(value)?;
                }
                self.policy = Some(value.to_owned()).filter(|text| !text.is_empty());
                Ok(())
            }
            "DeliveryPolicy" => {
                if !value.is_empty() {
                    delivery_policy::check_topic(value)
                        .map_err(|why| invalid("DeliveryPolicy", &why))?;
                }
                self.delivery_policy = Some(value.to_owned()).filter(|text| !text.is_empty());
                Ok(())
            }
            "FifoTopic" if value == "false" => Ok(()),
            // What these say holds anyway.
            "KmsMasterKeyId" if value.is_empty() => Ok(()),
            "TracingConfig" if value == "PassThrough" => Ok(()),
            "KmsMasterKeyId"
            | "TracingConfig"
            | "FifoTopic"
            | "ContentBasedDeduplication"
            | "ArchivePolicy"
            | "MaximumMessageSize"
            | "FifoThroughputScope" => {
                Err(invalid("AttributeName", &format!("{name} is not offered by this server")))
            }
            _ if name.ends_with("FeedbackRoleArn") || name.ends_with("FeedbackSampleRate") => {
                Err(invalid("AttributeName", &format!("{name} is not offered by this server")))
            }
            _ => Err(Fault::new("InvalidParameterException", "Invalid parameter: AttributeName")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_and_short() {
        assert!(check_name("dropmeplease").is_ok());
        for wrong in ["", "a b", "a/b", "ünï", "queue.fifo", &"x".repeat(257)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_arn_of_another_account_names_no_topic_here() {
        let account: AccountId = "123456789012".parse().unwrap();
        let region: Region = "us-east-2".parse().unwrap();
        let name = |text: &str| name_in_arn(&account, &region, text).map(str::to_owned);
        assert_eq!(name("arn:aws:sns:us-east-2:123456789012:a").unwrap(), "a");
        assert_eq!(
            name("arn:aws:sns:us-east-2:999999999999:a").unwrap_err().code,
            "NotFoundException"
        );
        for wrong in ["a", "arn:aws:sqs:us-east-2:123456789012:a", "arn:aws:sns:us-east-2:1:a:b"] {
            assert_eq!(name(wrong).unwrap_err().code, "InvalidParameterException", "{wrong}");
        }
    }

    #[test]
    fn an_attribute_without_effect_is_refused() {
        let mut attributes = Attributes::default();
        attributes.set("SignatureVersion", "2").unwrap();
        assert_eq!(attributes.signature_version, Some(SignatureVersion::Two));
        for name in
            ["Policy", "DeliveryPolicy", "KmsMasterKeyId", "HTTPSuccessFeedbackRoleArn", "Nonsense"]
        {
            assert!(attributes.set(name, "x").is_err(), "{name}");
        }
    }
}
