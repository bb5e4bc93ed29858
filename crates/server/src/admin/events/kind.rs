//! Which records are asked for.

use detect::Examiner;
use rule::RuleSet;
use serde::Deserialize;

use super::EventsQuery;

/// A record's name for its reader: it is JSON, and no digest.
const KEY: &str = "record.json";
const SOURCE_ENDING: &str = ".amazonaws.com";

/// What a record must be.
pub(super) struct Wanted {
    rules: Option<RuleSet>,
    examiner: Examiner,
    user: Option<String>,
    source: Option<String>,
    errors: bool,
}

/// What is looked at of a record; unknown members are passed over unread.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Seen {
    event_source: String,
    error_code: Option<String>,
    user_identity: Option<Identity>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity {
    user_name: Option<String>,
    arn: Option<String>,
    access_key_id: Option<String>,
    principal_id: Option<String>,
    session_context: Option<Session>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Session {
    session_issuer: Option<Issuer>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Issuer {
    user_name: Option<String>,
    arn: Option<String>,
}

impl Wanted {
    /// # Errors
    /// The expression cannot be read.
    pub(super) fn of(query: &EventsQuery) -> Result<Self, String> {
        let rules = match &query.when {
            Some(text) => {
                let rule = rule::when(text).map_err(|why| format!("--when: {why}"))?;
                Some(RuleSet::from_rules(vec![rule]))
            }
            None => None,
        };
        let source = query.source.as_deref().map(|source| match source.contains('.') {
            true => source.to_owned(),
            false => format!("{source}{SOURCE_ENDING}"),
        });
        let examiner = Examiner::new();
        Ok(Self { rules, examiner, user: query.user.clone(), source, errors: query.errors })
    }

    /// Whether this is one of them.
    pub(super) fn holds(&mut self, record: &[u8]) -> bool {
        if let Some(rules) = &self.rules {
            let mut held = false;
            self.examiner.whole(rules, KEY, record, &mut |_| held = true);
            if !held {
                return false;
            }
        }
        if self.user.is_none() && self.source.is_none() && !self.errors {
            return true;
        }
        let Ok(seen) = serde_json::from_slice::<Seen>(record) else { return false };
        let of_source = self.source.as_ref().is_none_or(|source| *source == seen.event_source);
        of_source
            && (!self.errors || seen.error_code.is_some())
            && self.user.as_deref().is_none_or(|user| seen.is_by(user))
    }
}

impl Seen {
    fn is_by(&self, user: &str) -> bool {
        let Some(identity) = &self.user_identity else { return false };
        let issuer = identity.session_context.as_ref().and_then(|it| it.session_issuer.as_ref());
        let texts = [
            identity.user_name.as_deref(),
            identity.arn.as_deref(),
            identity.access_key_id.as_deref(),
            identity.principal_id.as_deref(),
            // Behind the last slash or colon of an ARN: the user's name, the session's, `root`.
            identity.arn.as_deref().and_then(|arn| arn.rsplit(['/', ':']).next()),
            issuer.and_then(|issuer| issuer.user_name.as_deref()),
            issuer.and_then(|issuer| issuer.arn.as_deref()),
        ];
        texts.into_iter().flatten().any(|text| text == user)
    }
}
