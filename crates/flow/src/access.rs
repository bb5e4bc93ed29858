//! Who asks to do what to which resource, and what policies say to it.

use crate::Caller;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// Whoever signed a call.
    Caller(&'a Caller),
    /// A service that acts for itself, such as `s3.amazonaws.com`: only resource policies speak of
    /// it.
    Service(&'a str),
    /// A role, by its ARN, that a service acts under: its identity policies decide.
    Role(&'a str),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The action as policies name it, such as `s3:GetObject`.
    pub action: String,
    /// The ARN of what it is done to; `*` where the action has no resource.
    pub resource: String,
    /// Condition keys (`aws:SourceArn`) with their values; a key of several values comes several
    /// times. Those that follow from who asks need not be given.
    pub context: Vec<(String, String)>,
}

impl Access {
    /// `action` on `resource`, with no condition keys.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), context: Vec::new() }
    }

    /// The same with one more condition key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.context.push((key.into(), value.into()));
        self
    }
}

/// What policies say. Whatever none allows is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Some policy allows it, none denies it.
    Allowed,
    /// In AWS's words, such as `User: arn:… is not authorized to perform: sns:Publish on resource:
    /// arn:… because no identity-based policy allows the sns:Publish action`.
    Denied(String),
}

impl Decision {
    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }
}

/// Decides by policies. Answers from memory: every request asks.
pub trait Authorize: Send + Sync {
    /// Whether `who` may do this.
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision;
}

/// A room whose resources have policies of their own: buckets, topics, queues, functions, roles.
/// Answers from memory: every request asks.
pub trait ResourcePolicies: Send + Sync {
    /// The policy document (JSON) of the resource that `arn` names or lies in, as an object in its
    /// bucket; `None` where there is no such resource, or it has no policy.
    fn policy_of(&self, arn: &str) -> Option<std::sync::Arc<str>>;
}
