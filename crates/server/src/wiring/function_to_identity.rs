//! function → identity: the credentials that a function's calls are signed with.

use std::sync::Arc;

use flow::Grant;
use function::{RoleCredentials, Roles};
use identity::Identity;

/// How long a function's credentials hold, in milliseconds; an instance ends before.
const LIFETIME_MILLIS: i64 = 6 * 60 * 60 * 1000;
/// All that the shipped function does: it reads the object that it is told of.
const DETECT_MAY: &[&str] = &["s3:GetObject"];

/// The role of the shipped function.
pub(crate) const DETECT_ROLE: &str = "trailhound-detect";

/// Issues credentials for functions' roles: those of the shipped function read objects, all others
/// may do nothing.
pub(crate) fn roles(identity: Arc<Identity>) -> Roles {
    Arc::new(move |arn: &str| {
        let role = arn.rsplit('/').next().unwrap_or(arn);
        let may = if role == DETECT_ROLE { DETECT_MAY } else { &[] };
        let made =
            identity.issue_role_session(role, "detect", LIFETIME_MILLIS, Grant::Actions(may));
        RoleCredentials {
            access_key_id: made.access_key_id,
            secret_access_key: made.secret,
            session_token: made.session_token,
            expires: Some(made.expires),
        }
    })
}
