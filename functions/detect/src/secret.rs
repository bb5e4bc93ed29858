//! Values of the environment that stand elsewhere, under a lock: `ssm:NAME` and
//! `secretsmanager:ARN#json-key`.

use anyhow::{Context, bail};
use serde_json::Value;

use crate::services::Services;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    /// A parameter of Systems Manager: its name or ARN.
    Parameter(&'a str),
    /// A secret of Secrets Manager: its name or ARN, and which member of its JSON.
    Secret { id: &'a str, member: Option<&'a str> },
}

impl<'a> Reference<'a> {
    /// Reads a reference; `None` for everything else, which stands for itself.
    ///
    /// # Errors
    /// It names nothing.
    pub(crate) fn parse(text: &'a str) -> anyhow::Result<Option<Self>> {
        let reference = match text.split_once(':') {
            Some(("ssm", name)) => Self::Parameter(name),
            Some(("secretsmanager", rest)) => match rest.split_once('#') {
                Some((_, "")) => bail!("`{text}`: a name goes on behind the #"),
                Some((id, member)) => Self::Secret { id, member: Some(member) },
                None => Self::Secret { id: rest, member: None },
            },
            _ => return Ok(None),
        };
        match reference {
            Self::Parameter("") => bail!("`{text}`: give ssm:NAME"),
            Self::Secret { id: "", .. } => bail!("`{text}`: give secretsmanager:ARN"),
            named => Ok(Some(named)),
        }
    }

    /// Fetches the value.
    ///
    /// # Errors
    /// It cannot be had, or is not what the reference says. The value itself is in no message.
    pub(crate) async fn value(&self, services: &Services) -> anyhow::Result<String> {
        match self {
            Self::Parameter(name) => {
                let asked = services.parameter(name).await;
                asked.with_context(|| format!("ssm:{name} cannot be read"))
            }
            Self::Secret { id, member } => {
                let asked = services.secret(id).await;
                let text = asked.with_context(|| format!("secretsmanager:{id} cannot be read"))?;
                match member {
                    None => Ok(text),
                    Some(member) => member_of(&text, member).with_context(|| {
                        format!("secretsmanager:{id} holds no JSON with a text `{member}`")
                    }),
                }
            }
        }
    }
}

fn member_of(text: &str, member: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get(member)?.as_str().map(str::to_owned)
}

/// The value that `text` stands for: itself, or what it refers to.
///
/// # Errors
/// It refers to what cannot be had.
pub(crate) async fn resolved(text: &str, services: &Services) -> anyhow::Result<String> {
    match Reference::parse(text)? {
        Some(reference) => Ok(reference.value(services).await?.trim().to_owned()),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_what_stands_for_itself() {
        let check =
            |text: &str, wanted| assert_eq!(Reference::parse(text).unwrap(), wanted, "{text}");
        check("ssm:/detect/slack", Some(Reference::Parameter("/detect/slack")));
        let arn = "arn:aws:secretsmanager:us-east-2:111122223333:secret:slack-AbCdEf";
        let secret = |member| Some(Reference::Secret { id: arn, member });
        check(&format!("secretsmanager:{arn}"), secret(None));
        check(&format!("secretsmanager:{arn}#url"), secret(Some("url")));
        check("https://example.com", None);
        check("plain", None);
        for text in ["ssm:", "secretsmanager:", "secretsmanager:#a", "secretsmanager:a#"] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_member_is_a_text_of_an_object() {
        assert_eq!(member_of(r#"{"url": "https://a"}"#, "url").as_deref(), Some("https://a"));
        for text in ["https://a", r#"{"url": 3}"#, r#"{"other": "x"}"#, "[1]"] {
            assert_eq!(member_of(text, "url"), None, "{text}");
        }
    }
}
