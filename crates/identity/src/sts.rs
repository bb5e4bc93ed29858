//! The calls of STS.

mod assume;

use flow::{Answer, Caller, Fault, Principal, Request, Tree};
use tracing::error;

use crate::{Credentials, Identity, kept::SessionOf};

/// The least and the most that `DurationSeconds` may say.
const SECONDS_MIN: i64 = 900;
const SECONDS_MAX: i64 = 129_600;
/// What an absent `DurationSeconds` means.
const SECONDS_DEFAULT: i64 = 43_200;
/// Sessions of the root end within this whatever was asked, as AWS documents for account owners.
const ROOT_SECONDS_MAX: i64 = 3_600;

impl Identity {
    pub(crate) async fn sts(&self, request: &Request) -> Result<Answer, Fault> {
        match request.operation.as_str() {
            "GetCallerIdentity" => Ok(caller_identity(&request.caller)),
            "GetSessionToken" => self.session_token(request).await,
            "AssumeRole" => self.assume_role(request).await,
            other => Err(Fault::new(
                "UnsupportedOperation",
                format!("This server does not offer the operation {other} of STS."),
            )),
        }
    }

    async fn session_token(&self, request: &Request) -> Result<Answer, Fault> {
        let denied = |why: &str| Fault::new("AccessDenied", why).with_status(403);
        if request.caller.session.is_some() {
            return Err(denied("Cannot call GetSessionToken with session credentials"));
        }
        if ["SerialNumber", "TokenCode"].iter().any(|name| request.input.get(name).is_some()) {
            return Err(denied(
                "MultiFactorAuthentication failed: this server knows no MFA devices.",
            ));
        }
        let asked = seconds(request.input.int("DurationSeconds"), SECONDS_DEFAULT, SECONDS_MAX)?;
        let (of, seconds) = match request.caller.principal.clone() {
            Principal::Root => (SessionOf::Root, asked.min(ROOT_SECONDS_MAX)),
            Principal::User { id, path, name } => (SessionOf::User { id, path, name }, asked),
            Principal::AssumedRole { .. } | Principal::Anonymous => {
                return Err(denied("Cannot call GetSessionToken with session credentials"));
            }
        };
        let made = self.issue(of, None, seconds).await?;
        Ok(Tree::map([("Credentials", shown(&made))]).into())
    }

    async fn issue(
        &self,
        of: SessionOf,
        policies: Option<Vec<String>>,
        seconds: i64,
    ) -> Result<Credentials, Fault> {
        let made = self.issue_session(of, policies, seconds * 1000).await.map_err(|error| {
            error!(%error, "A session could not be kept");
            Fault::internal()
        })?;
        made.ok_or_else(|| Fault::new("Throttling", "Rate exceeded").with_status(400))
    }
}

fn caller_identity(caller: &Caller) -> Answer {
    Tree::map([
        ("UserId", Tree::from(caller.principal_id())),
        ("Account", Tree::from(caller.account.as_str())),
        ("Arn", Tree::from(caller.arn())),
    ])
    .into()
}

fn shown(made: &Credentials) -> Tree {
    Tree::map([
        ("AccessKeyId", Tree::from(made.access_key_id.as_str())),
        ("SecretAccessKey", Tree::from(made.secret.expose())),
        ("SessionToken", Tree::from(made.session_token.expose())),
        ("Expiration", Tree::from(made.expires)),
    ])
}

fn seconds(asked: Option<i64>, default: i64, max: i64) -> Result<i64, Fault> {
    let seconds = asked.unwrap_or(default);
    let bound = match seconds {
        ..SECONDS_MIN => format!("greater than or equal to {SECONDS_MIN}"),
        _ if seconds <= max => return Ok(seconds),
        _ => format!("less than or equal to {max}"),
    };
    Err(Fault::new(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value {bound}"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_the_limits_of_aws() {
        for (asked, expected) in [
            (None, Some(43_200)),
            (Some(900), Some(900)),
            (Some(129_600), Some(129_600)),
            (Some(899), None),
            (Some(129_601), None),
            (Some(-1), None),
        ] {
            assert_eq!(seconds(asked, SECONDS_DEFAULT, SECONDS_MAX).ok(), expected, "{asked:?}");
        }
    }
}
