//! Who is meant, and who asks.

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// The root of an account.
    Root {
        /// The account.
        account: &'a str,
    },
    /// A user.
    User {
        /// The account.
        account: &'a str,
        /// The user's ARN.
        arn: &'a str,
    },
    /// A session of a role.
    Session {
        /// The account.
        account: &'a str,
        /// The role's ARN, its path with it.
        role_arn: &'a str,
        /// The session's ARN.
        arn: &'a str,
    },
    /// A role itself, which a service acts under.
    Role {
        /// The account.
        account: &'a str,
        /// The role's ARN.
        arn: &'a str,
    },
    /// A service, such as `s3.amazonaws.com`.
    Service(&'a str),
    /// Whoever signs nothing.
    Anonymous,
}

impl<'a> Asker<'a> {
    /// The account, where there is one.
    pub fn account(&self) -> Option<&'a str> {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::Session { account, .. }
            | Self::Role { account, .. } => Some(account),
            Self::Service(_) | Self::Anonymous => None,
        }
    }

    /// What messages call it.
    pub fn shown(&self) -> String {
        match self {
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User { arn, .. } | Self::Session { arn, .. } | Self::Role { arn, .. } => {
                (*arn).to_owned()
            }
            Self::Service(name) => (*name).to_owned(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// How closely a policy names whoever asks; the closest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// As one of an account, whose own policies say which of them.
    ByAccount,
    /// As a session of a role.
    ByRole,
    /// Itself, or as anybody.
    Itself,
}

/// One of those whom a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    Everyone,
    Account(String),
    /// The ARN of a user, a role or a session.
    Arn(String),
    Service(String),
}

impl Principal {
    /// One of `"AWS"`'s texts.
    pub(crate) fn aws(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        let invalid = || {
            format!(
                "Invalid principal in policy: `{text}` is no account, user, role or session; give `*`, 12 digits or an ARN without wildcards"
            )
        };
        if text.parse::<flow::AccountId>().is_ok() {
            return Ok(Self::Account(text.to_owned()));
        }
        let arn: flow::Arn = text.parse().map_err(|_| invalid())?;
        let account: flow::AccountId = arn.account.parse().map_err(|_| invalid())?;
        let kind = arn.resource.split_once('/').map_or(arn.resource.as_str(), |(kind, _)| kind);
        if text.contains(['*', '?']) || !arn.region.is_empty() {
            return Err(invalid());
        }
        match (arn.service.as_str(), kind) {
            ("iam", "root") if arn.resource == "root" => Ok(Self::Account(account.to_string())),
            ("iam", "user" | "role") if arn.resource.len() > kind.len() + 1 => {
                Ok(Self::Arn(text.to_owned()))
            }
            ("sts", "assumed-role") if arn.resource.split('/').count() == 3 => {
                Ok(Self::Arn(text.to_owned()))
            }
            _ => Err(invalid()),
        }
    }

    /// One of `"Service"`'s texts.
    pub(crate) fn service(text: &str) -> Result<Self, String> {
        let letters =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        if text.chars().all(letters) && text.contains(".amazonaws.com") {
            Ok(Self::Service(text.to_owned()))
        } else {
            Err(format!(
                "Invalid principal in policy: `{text}` is no service; give one such as s3.amazonaws.com"
            ))
        }
    }

    /// Whether and how closely this names `asker`.
    pub(crate) fn names(&self, asker: &Asker<'_>) -> Option<Named> {
        match (self, asker) {
            (Self::Everyone, _) => Some(Named::Itself),
            (Self::Service(name), Asker::Service(other)) => {
                (name == other).then_some(Named::Itself)
            }
            (Self::Account(account), Asker::Root { account: own }) => {
                (account == own).then_some(Named::Itself)
            }
            (Self::Account(account), asker) => {
                (asker.account() == Some(account)).then_some(Named::ByAccount)
            }
            (Self::Arn(named), Asker::User { arn, .. }) => (named == arn).then_some(Named::Itself),
            (Self::Arn(named), Asker::Session { role_arn, arn, .. }) => {
                if named == arn {
                    Some(Named::Itself)
                } else {
                    (named == role_arn).then_some(Named::ByRole)
                }
            }
            (Self::Arn(named), Asker::Role { arn, .. }) => (named == arn).then_some(Named::ByRole),
            (Self::Arn(_) | Self::Service(_), _) => None,
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principals {
    pub(crate) except: bool,
    pub(crate) listed: Vec<Principal>,
}

impl Principals {
    pub(crate) fn cover(&self, asker: &Asker<'_>) -> Option<Named> {
        let named = self.listed.iter().filter_map(|principal| principal.names(asker)).max();
        if self.except {
            // Those who are listed are left out, however they are named.
            return named.is_none().then_some(Named::Itself);
        }
        named
    }
}
