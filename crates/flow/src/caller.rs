//! Who stands behind an access key.

use crate::{AccountId, Timestamp};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account of the caller.
    pub account: AccountId,
    /// Who it is.
    pub principal: Principal,
    /// The access key id that signed the call.
    pub access_key_id: String,
    /// Present where the credentials are temporary.
    pub session: Option<Session>,
}

/// The kinds of callers that a record tells apart (`userIdentity.type`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The account itself.
    Root,
    /// An IAM user.
    User {
        /// The unique id, `AIDA…`.
        id: String,
        /// The path with both slashes, `/` where there is none.
        path: String,
        /// The name.
        name: String,
    },
    /// A session of a role.
    AssumedRole {
        /// The role's unique id, `AROA…`.
        role_id: String,
        /// The path with both slashes.
        path: String,
        /// The role's name.
        role: String,
        /// The session's name.
        session_name: String,
    },
    /// Whoever signs nothing, where that is allowed.
    Anonymous,
}

/// Temporary credentials (`userIdentity.sessionContext`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// When they were issued.
    pub created: Timestamp,
    /// Whether a second factor was given.
    pub mfa: bool,
}

impl Caller {
    /// The root of an account, as a long-term key finds it.
    pub fn root(account: AccountId, access_key_id: impl Into<String>) -> Self {
        Self {
            account,
            principal: Principal::Root,
            access_key_id: access_key_id.into(),
            session: None,
        }
    }

    /// The ARN of the caller; `None` for the anonymous.
    pub fn arn(&self) -> Option<String> {
        let account = &self.account;
        match &self.principal {
            Principal::Root => Some(account.root_arn()),
            Principal::User { path, name, .. } => {
                Some(format!("arn:aws:iam::{account}:user{path}{name}"))
            }
            Principal::AssumedRole { role, session_name, .. } => {
                Some(format!("arn:aws:sts::{account}:assumed-role/{role}/{session_name}"))
            }
            Principal::Anonymous => None,
        }
    }

    /// The unique id of the caller, as `GetCallerIdentity` and records give it.
    pub fn principal_id(&self) -> String {
        match &self.principal {
            Principal::Root => self.account.to_string(),
            Principal::User { id, .. } => id.clone(),
            Principal::AssumedRole { role_id, session_name, .. } => {
                format!("{role_id}:{session_name}")
            }
            Principal::Anonymous => String::new(),
        }
    }
}
