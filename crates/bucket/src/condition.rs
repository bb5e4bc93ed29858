//! `If-Match` and its kin: whether a read is answered and a write takes place.

use flow::Timestamp;
use http::HeaderMap;
use s3s::dto::ETagCondition;

use crate::refusal::Refusal;

/// The conditions of a read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// What the conditions say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Serve,
    NotModified,
    /// This header does not hold.
    Failed(&'static str),
}

fn matches(condition: &ETagCondition, e_tag: &str) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.value() == e_tag)
}

impl ReadCondition {
    /// RFC 9110, section 13.2.2, as S3 applies it: dates count whole seconds, and an ETag that
    /// was asked for outweighs a date.
    pub(crate) fn verdict(&self, e_tag: &str, modified: Timestamp) -> Verdict {
        match (&self.if_match, self.if_unmodified_since) {
            (Some(wanted), _) if !matches(wanted, e_tag) => return Verdict::Failed("If-Match"),
            (None, Some(since)) if modified.as_secs() > since.as_secs() => {
                return Verdict::Failed("If-Unmodified-Since");
            }
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(unwanted), _) if matches(unwanted, e_tag) => Verdict::NotModified,
            (None, Some(since)) if modified.as_secs() <= since.as_secs() => Verdict::NotModified,
            _ => Verdict::Serve,
        }
    }
}

/// The condition of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum WriteCondition {
    #[default]
    Always,
    /// Only where nothing stands under the key.
    Absent,
    /// Only where an object of this ETag stands under the key.
    Present(String),
}

impl WriteCondition {
    /// Reads `If-Match` and `If-None-Match`; S3 knows `*` alone for the latter.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Result<Self, Refusal> {
        let value = |name| headers.get(name).map(|v| v.to_str().unwrap_or_default().trim());
        match (value("if-match"), value("if-none-match")) {
            (None, None) => Ok(Self::Always),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(Refusal::not_implemented("If-None-Match with an ETag")),
            (Some(_), Some(_)) => {
                Err(Refusal::not_implemented("If-Match together with If-None-Match"))
            }
            (Some("*"), None) => Err(Refusal::not_implemented("If-Match: * on a write")),
            (Some(e_tag), None) => Ok(Self::Present(e_tag.trim_matches('"').to_owned())),
        }
    }

    /// Whether the write takes place, given the ETag of what stands under `key`.
    pub(crate) fn check(&self, key: &str, standing: Option<&str>) -> Result<(), Refusal> {
        match (self, standing) {
            (Self::Absent, Some(_)) => Err(Refusal::precondition_failed("If-None-Match")),
            (Self::Present(_), None) => Err(Refusal::no_such_key(key)),
            (Self::Present(wanted), Some(e_tag)) if wanted != e_tag => {
                Err(Refusal::precondition_failed("If-Match"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &ReadCondition, expected: Verdict) {
        let modified = Timestamp::from_millis(10_500);
        assert_eq!(condition.verdict("abc", modified), expected, "{condition:?}");
    }

    #[test]
    fn an_etag_outweighs_a_date() {
        let tag = |text: &str| Some(text.parse::<ETagCondition>().unwrap());
        let at = |secs| Some(Timestamp::from_secs(secs));
        let none = ReadCondition::default;
        check(&none(), Verdict::Serve);
        check(&ReadCondition { if_match: tag("\"abc\""), ..none() }, Verdict::Serve);
        check(&ReadCondition { if_match: tag("*"), ..none() }, Verdict::Serve);
        check(&ReadCondition { if_match: tag("\"x\""), ..none() }, Verdict::Failed("If-Match"));
        check(
            &ReadCondition { if_match: tag("\"abc\""), if_unmodified_since: at(1), ..none() },
            Verdict::Serve,
        );
        check(
            &ReadCondition { if_unmodified_since: at(9), ..none() },
            Verdict::Failed("If-Unmodified-Since"),
        );
        check(&ReadCondition { if_unmodified_since: at(10), ..none() }, Verdict::Serve);
        check(&ReadCondition { if_none_match: tag("\"abc\""), ..none() }, Verdict::NotModified);
        check(
            &ReadCondition { if_none_match: tag("\"x\""), if_modified_since: at(99), ..none() },
            Verdict::Serve,
        );
        check(&ReadCondition { if_modified_since: at(10), ..none() }, Verdict::NotModified);
        check(&ReadCondition { if_modified_since: at(9), ..none() }, Verdict::Serve);
    }

    #[test]
    fn a_write_may_ask_for_absence_or_for_what_it_knows() {
        let of = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )]);
            WriteCondition::of_headers(&headers)
        };
        let absent = of("if-none-match", "*").unwrap();
        assert!(absent.check("k", None).is_ok());
        assert_eq!(absent.check("k", Some("abc")).unwrap_err().code, "PreconditionFailed");
        let known = of("if-match", "\"abc\"").unwrap();
        assert!(known.check("k", Some("abc")).is_ok());
        assert_eq!(known.check("k", Some("x")).unwrap_err().code, "PreconditionFailed");
        assert_eq!(known.check("k", None).unwrap_err().code, "NoSuchKey");
        assert_eq!(of("if-none-match", "\"abc\"").unwrap_err().code, "NotImplemented");
    }
}
