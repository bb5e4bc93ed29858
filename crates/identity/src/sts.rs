//! The calls of STS.

use flow::{Answer, Caller, Fault, Principal, Request, Tree};
use tracing::error;

use crate::{Identity, kept::SessionOf};

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
            other => Err(Fault::new(
                "UnsupportedOperation",
                format!("This server does not offer the operation {other} of STS yet."),
            )),
        }
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

impl Identity {
    async fn session_token(&self, request: &Request) -> Result<Answer, Fault> {
        if request.caller.session.is_some() {
            return Err(Fault::new(
                "AccessDenied",
                "Cannot call GetSessionToken with session credentials",
            )
            .with_status(403));
        }
        if request.caller.principal != Principal::Root {
            return Err(Fault::new(
                "AccessDenied",
                "Only the root of the account may ask for this.",
            )
            .with_status(403));
        }
        if ["SerialNumber", "TokenCode"].iter().any(|name| request.input.get(name).is_some()) {
            return Err(Fault::new(
                "AccessDenied",
                "MultiFactorAuthentication failed: this server knows no MFA devices.",
            )
            .with_status(403));
        }
        let seconds = seconds(request.input.int("DurationSeconds"))?.min(ROOT_SECONDS_MAX);
        let made =
            self.issue_session(SessionOf::Root, None, seconds * 1000).await.map_err(|error| {
                error!(%error, "A session token could not be kept");
                Fault::internal()
            })?;
        let made =
            made.ok_or_else(|| Fault::new("Throttling", "Rate exceeded").with_status(400))?;
        Ok(Tree::map([(
            "Credentials",
            Tree::map([
                ("AccessKeyId", Tree::from(made.access_key_id.as_str())),
                ("SecretAccessKey", Tree::from(made.secret.expose())),
                ("SessionToken", Tree::from(made.session_token.expose())),
                ("Expiration", Tree::from(made.expires)),
            ]),
        )])
        .into())
    }
}

fn seconds(asked: Option<i64>) -> Result<i64, Fault> {
    let seconds = asked.unwrap_or(SECONDS_DEFAULT);
    let bound = match seconds {
        ..SECONDS_MIN => format!("greater than or equal to {SECONDS_MIN}"),
        SECONDS_MIN..=SECONDS_MAX => return Ok(seconds),
        _ => format!("less than or equal to {SECONDS_MAX}"),
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
            assert_eq!(seconds(asked).ok(), expected, "{asked:?}");
        }
    }
}
