//! What all policies that bear on a request say together.

use std::sync::Arc;

use flow::Decision;

use crate::{
    context::Context,
    policy::{Policy, Question, Says},
    principal::{Asker, Named},
};

/// The policies that bear on a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Those of whoever asks.
    pub identity: &'a [Arc<Policy>],
    /// What bounds those.
    pub boundary: Option<&'a Policy>,
    /// What bounds a session; `None` where it was begun without.
    pub session: Option<&'a [Arc<Policy>]>,
    /// That of the resource.
    pub resource: Option<&'a Policy>,
    /// That of the role that is to be assumed, which must allow it in any case.
    pub trust: Option<&'a Policy>,
}

/// Which policies a decision is due to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Those of whoever asks.
    Identity,
    /// What bounds those.
    Boundary,
    /// What bounds a session.
    Session,
    /// That of the resource.
    Resource,
    /// That of a role.
    Trust,
}

impl By {
    fn shown(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
        }
    }

    fn with_article(self) -> String {
        let article = if self == Self::Identity { "an" } else { "a" };
        format!("{article} {}", self.shown())
    }
}

/// What the policies say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They allow it.
    Allowed,
    /// One of these denies it.
    Denied(By),
    /// None of these allows it.
    NotAllowed(By),
}

impl Verdict {
    /// The same with AWS's message.
    pub fn decision(self, asker: &Asker<'_>, action: &str, resource: &str) -> Decision {
        let why = match self {
            Self::Allowed => return Decision::Allowed,
            Self::Denied(by) => format!("with an explicit deny in {}", by.with_article()),
            Self::NotAllowed(by) => {
                format!("because no {} allows the {action} action", by.shown())
            }
        };
        let who = asker.shown();
        // S3 alone quotes its resources.
        let quote = if resource.starts_with("arn:aws:s3:::") { "\"" } else { "" };
        Decision::Denied(format!(
            "User: {who} is not authorized to perform: {action} on resource: {quote}{resource}{quote} {why}"
        ))
    }
}

/// Decides as AWS documents it ("policy evaluation logic"): an explicit deny anywhere counts, then
/// what allows. Within an account either side may allow; of another account's resource both must.
/// `owner` is the account of the resource, `None` where its ARN names none: then it is the asker's.
pub fn decide(
    asker: &Asker<'_>,
    action: &str,
    resource: &str,
    owner: Option<&str>,
    context: &Context<'_>,
    policies: &Policies<'_>,
) -> Verdict {
    let question = Question { action, resource, context };
    let ask = |policy: &Policy| policy.says(asker, &question);
    let ask_all = |all: &[Arc<Policy>]| all.iter().fold(Says::Nothing, |b, p| b.and(ask(p)));
    let identity = ask_all(policies.identity);
    let boundary = policies.boundary.map(ask);
    let session = policies.session.map(ask_all);
    let (on_resource, by) = match (policies.trust, policies.resource) {
        (Some(trust), _) => (ask(trust), By::Trust),
        (None, Some(policy)) => (ask(policy), By::Resource),
        (None, None) => (Says::Nothing, By::Resource),
    };
    let denials = [
        (Some(identity), By::Identity),
        (boundary, By::Boundary),
        (session, By::Session),
        (Some(on_resource), by),
    ];
    if let Some((_, by)) = denials.iter().find(|(says, _)| *says == Some(Says::Deny)) {
        return Verdict::Denied(*by);
    }
    let named = match on_resource {
        Says::Allow(named) => Some(named),
        _ => None,
    };
    let foreign = match (asker.account(), owner) {
        (Some(own), Some(owner)) => own != owner,
        _ => false,
    };
    let resource_must = foreign || policies.trust.is_some();
    match asker {
        Asker::Service(_) | Asker::Anonymous => {
            return named.map_or(Verdict::NotAllowed(by), |_| Verdict::Allowed);
        }
        Asker::Root { .. } if resource_must && named.is_none() => return Verdict::NotAllowed(by),
        // Nothing bounds the root of an account but explicit denials and its session.
        Asker::Root { .. } => return bounded([(session, By::Session)]),
        _ if resource_must && named.is_none() => return Verdict::NotAllowed(by),
        _ => {}
    }
    let bounds = [(boundary, By::Boundary), (session, By::Session)];
    match named {
        Some(Named::Itself) if !foreign => Verdict::Allowed,
        Some(Named::ByRole) if !foreign => bounded(bounds),
        _ if identity == Says::Nothing => Verdict::NotAllowed(By::Identity),
        _ => bounded(bounds),
    }
}

/// Allowed where each of the bounds that are there allows it.
fn bounded<const N: usize>(bounds: [(Option<Says>, By); N]) -> Verdict {
    let silent = bounds.iter().find(|(says, _)| *says == Some(Says::Nothing));
    silent.map_or(Verdict::Allowed, |(_, by)| Verdict::NotAllowed(*by))
}

impl Says {
    /// Both together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::Allow(one), Self::Allow(other)) => Self::Allow(one.max(other)),
            (Self::Allow(named), Self::Nothing) | (Self::Nothing, Self::Allow(named)) => {
                Self::Allow(named)
            }
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
