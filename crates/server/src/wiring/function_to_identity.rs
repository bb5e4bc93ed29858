//! function → identity: the credentials that a function's calls are signed with.

use std::sync::Arc;

use function::{RoleCredentials, Roles};
use identity::Identity;

/// How long a function's credentials hold, in milliseconds; an instance ends before.
const LIFETIME_MILLIS: i64 = 6 * 60 * 60 * 1000;
/// The service that assumes functions' roles.
const LAMBDA: &str = "lambda.amazonaws.com";
/// All that the shipped function does: it reads the object that it is told of.
const DETECT_POLICY: (&str, &str) = (
    "read-log-files",
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/*"}]}"#,
);

/// The role of the shipped function.
pub(crate) const DETECT_ROLE: &str = "trailhound-detect";

/// Makes the role of the shipped function where it is not there.
pub(crate) async fn ensure_detect_role(identity: &Identity) -> Result<(), identity::Error> {
    identity.ensure_role(DETECT_ROLE, LAMBDA, DETECT_POLICY).await
}

/// Issues credentials for functions' roles: what their policies allow is what functions may do.
pub(crate) fn roles(identity: Arc<Identity>) -> Roles {
    Arc::new(move |arn: &str, session: &str| {
        if identity.trust_of(arn).is_none() {
            return Err(format!("the function's role {arn} does not exist"));
        }
        let role = arn.rsplit('/').next().unwrap_or(arn);
        let made = identity.issue_role_session(role, session, LIFETIME_MILLIS);
        Ok(RoleCredentials {
            access_key_id: made.access_key_id,
            secret_access_key: made.secret,
            session_token: made.session_token,
            expires: Some(made.expires),
        })
    })
}
