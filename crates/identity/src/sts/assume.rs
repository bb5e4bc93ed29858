//! Sessions of roles. Whether the caller may is decided before the call is served, by the caller's
//! policies and the role's.

use flow::{Answer, Fault, Principal, Request, Tree};
use policy::{Kind, Policy};

use super::{seconds, shown};
use crate::{
    Identity,
    iam::{attachable, invalid, is_name, malformed},
    kept::SessionOf,
};

/// The most that any role lets its sessions last, what an absent `DurationSeconds` means, and the
/// most where a session of a role asks for another, in seconds.
const SECONDS_MAX: i64 = 43_200;
const SECONDS_DEFAULT: i64 = 3_600;
const CHAINED_SECONDS_MAX: i64 = 3_600;
/// Letters of a session's name.
const SESSION_CHARS: std::ops::RangeInclusive<usize> = 2..=64;
/// The longest session policy in characters, and how many managed ones a session is begun with.
const POLICY_CHARS_MAX: usize = 2_048;
const POLICY_ARNS_MAX: usize = 10;

/// What would change what the session may do and is not known here.
const NOT_OFFERED: &[&str] = &[
    "Tags",
    "TransitiveTagKeys",
    "SourceIdentity",
    "SerialNumber",
    "TokenCode",
    "ProvidedContexts",
];

impl Identity {
    pub(super) async fn assume_role(&self, request: &Request) -> Result<Answer, Fault> {
        let input = &request.input;
        let given = |name: &&&str| match input.get(name) {
            Some(Tree::List(items)) => !items.is_empty(),
            other => other.is_some(),
        };
        if let Some(name) = NOT_OFFERED.iter().find(given) {
            return Err(invalid(format!("This server does not offer {name} of AssumeRole.")));
        }
        let arn = input.text("RoleArn").unwrap_or_default();
        let session_name = input.text("RoleSessionName").unwrap_or_default();
        if !is_name(session_name) || !SESSION_CHARS.contains(&session_name.len()) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{session_name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]* and have a length of 2 to 64"
            )));
        }
        let asked = input.int("DurationSeconds");
        let seconds = seconds(asked, SECONDS_DEFAULT, SECONDS_MAX)?;
        let chained = matches!(request.caller.principal, Principal::AssumedRole { .. });
        if chained && seconds > CHAINED_SECONDS_MAX {
            return Err(invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        let policies = self.session_documents(request)?;
        let packed = policies.as_ref().map(|all| packed_percent(all));
        let (name, seconds_max) = {
            let name = arn.rsplit('/').next().unwrap_or_default();
            let state = self.registry.read();
            let role = state.roles.get(name);
            let role = role.filter(|role| role.entity.arn(&self.account, "role") == arn);
            let role = role.ok_or_else(|| invalid(format!("{arn} is invalid")))?;
            (role.entity.name.clone(), role.session_seconds_max)
        };
        if seconds > seconds_max {
            return Err(invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let of = self.session_of_role(&name, session_name);
        let id = match &of {
            SessionOf::Role { role_id, .. } => format!("{role_id}:{session_name}"),
            SessionOf::Root | SessionOf::User { .. } => String::new(),
        };
        let made = self.issue(of, policies, seconds).await?;
        let account = &self.account;
        let user = Tree::map([
            ("AssumedRoleId", Tree::from(id)),
            (
                "Arn",
                Tree::from(format!("arn:aws:sts::{account}:assumed-role/{name}/{session_name}")),
            ),
        ]);
        Ok(Tree::map([
            ("Credentials", shown(&made)),
            ("AssumedRoleUser", user),
            ("PackedPolicySize", Tree::from(packed)),
        ])
        .into())
    }

    /// The documents that a session is begun with; `None` where it is begun without.
    fn session_documents(&self, request: &Request) -> Result<Option<Vec<String>>, Fault> {
        let mut documents = Vec::new();
        if let Some(document) = request.input.text("Policy") {
            if document.chars().count() > POLICY_CHARS_MAX {
                let why =
                    format!("The session policy is longer than {POLICY_CHARS_MAX} characters");
                return Err(Fault::new("PackedPolicyTooLargeException", why));
            }
            Policy::parse(document, Kind::Identity).map_err(|why| malformed(&why))?;
            documents.push(document.to_owned());
        }
        let arns = request.input.list("PolicyArns");
        if arns.len() > POLICY_ARNS_MAX {
            return Err(invalid(format!("At most {POLICY_ARNS_MAX} PolicyArns are taken.")));
        }
        let state = self.registry.read();
        for arn in arns {
            let arn = arn.text("arn").unwrap_or_default();
            attachable(arn, &state, &self.account)?;
            documents.extend(state.managed_document(arn, &self.account).map(str::to_owned));
        }
        Ok((!documents.is_empty()).then_some(documents))
    }
}

/// How much of the room for session policies these take, in percent.
fn packed_percent(documents: &[String]) -> i64 {
    let chars: usize = documents.iter().map(|document| document.chars().count()).sum();
    i64::try_from((chars * 100).div_ceil(POLICY_CHARS_MAX)).map_or(100, |percent| percent.min(100))
}
