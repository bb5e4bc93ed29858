//! What a scan wants to know of a record that a rule holds for: when, where, who.

use flow::Timestamp;
use record::scan::{Scanner, plain_members};

/// The longest name of somebody that is kept, in characters.
const WHO_CHARS_MAX: usize = 160;

/// When, where and who, as far as a record says. The last of several members of one name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) time: Option<Timestamp>,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) who: Option<String>,
}

#[derive(Default)]
struct Identity {
    arn: Option<String>,
    kind: Option<String>,
    invoked_by: Option<String>,
    name: Option<String>,
    account: Option<String>,
}

impl Facts {
    /// Reads a record; what is not understood is left open.
    pub(crate) fn of(record: &[u8]) -> Self {
        let mut facts = Self::default();
        members(record, |key, value| match key {
            b"eventTime" => facts.time = text(value).and_then(|text| text.parse().ok()),
            b"recipientAccountId" => facts.account = text(value),
            b"awsRegion" => facts.region = text(value),
            b"userIdentity" => facts.who = Identity::of(value).who(),
            _ => {}
        });
        facts
    }
}

impl Identity {
    fn of(value: &[u8]) -> Self {
        let mut identity = Self::default();
        members(value, |key, value| match key {
            b"arn" => identity.arn = text(value),
            b"type" => identity.kind = text(value),
            b"invokedBy" => identity.invoked_by = text(value),
            b"userName" | b"principalId" => {
                identity.name = text(value).or_else(|| identity.name.take());
            }
            b"accountId" => identity.account = text(value),
            _ => {}
        });
        identity
    }

    /// The ARN; where there is none, the type and whatever tells two of a type apart.
    fn who(self) -> Option<String> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let who = given(self.arn).or_else(|| {
            let more = given(self.invoked_by).or(given(self.name)).or(given(self.account));
            match (given(self.kind), more) {
                (Some(kind), Some(more)) => Some(format!("{kind} {more}")),
                (kind, more) => kind.or(more),
            }
        })?;
        match who.char_indices().nth(WHO_CHARS_MAX) {
            Some((end, _)) => Some(who.get(..end)?.to_owned()),
            None => Some(who),
        }
    }
}

/// Calls `member` with each member of an object, up to where it stops being one.
fn members<'a>(object: &'a [u8], mut member: impl FnMut(&'a [u8], &'a [u8])) {
    let mut plain = Vec::new();
    if plain_members(object, &mut plain) {
        for (key, value) in plain {
            member(object.get(key).unwrap_or_default(), object.get(value).unwrap_or_default());
        }
        return;
    }
    let mut scanner = Scanner::new(object);
    scanner.space();
    let read = scanner.object(|scanner, key| {
        let start = scanner.at();
        scanner.value()?;
        member(key, scanner.since(start));
        Ok(())
    });
    // A record has been read whole before: this is one, or nothing more can be said of it.
    read.ok();
}

fn text(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(identity: &str) -> Option<String> {
        Facts::of(format!(r#"{{"userIdentity":{identity}}}"#).as_bytes()).who
    }

    #[test]
    fn a_record_says_when_where_and_who() {
        let facts = Facts::of(
            br#" {"eventTime":"2026-11-22T10:00:00Z","awsRegion":"us-east-2",
            "userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ada"},
            "requestParameters":{"eventTime":"no"},"recipientAccountId":"111122223333"}"#,
        );
        let wanted = Facts {
            time: "2026-11-22T10:00:00Z".parse().ok(),
            account: Some("111122223333".to_owned()),
            region: Some("us-east-2".to_owned()),
            who: Some("arn:aws:iam::111122223333:user/ada".to_owned()),
        };
        assert_eq!(facts, wanted);
    }

    #[test]
    fn somebody_without_an_arn_is_told_by_type_and_name() {
        let check = |identity: &str, wanted: Option<&str>| {
            assert_eq!(who(identity).as_deref(), wanted, "{identity}");
        };
        check(
            r#"{"type":"AWSService","invokedBy":"lambda.amazonaws.com"}"#,
            Some("AWSService lambda.amazonaws.com"),
        );
        check(r#"{"type":"AWSAccount","principalId":""}"#, Some("AWSAccount"));
        check(
            r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous"}"#,
            Some("AWSAccount anonymous"),
        );
        check(r#"{"type":"SAMLUser","principalId":"x","userName":"ada"}"#, Some("SAMLUser ada"));
        check(r#"{"arn":""}"#, None);
        check("null", None);
        check("7", None);
    }

    #[test]
    fn what_is_not_as_expected_is_left_open() {
        let check = |record: &str| assert_eq!(Facts::of(record.as_bytes()), Facts::default());
        check(r#"{"eventTime":7,"awsRegion":["x"],"userIdentity":"me"}"#);
        check(r#"{"eventTime":"yesterday"}"#);
        check("[]");
        check("");
    }

    #[test]
    fn names_are_kept_short() {
        let long = "ä".repeat(1000);
        assert_eq!(who(&format!(r#"{{"arn":"{long}"}}"#)).unwrap().chars().count(), 160);
    }
}
