//! A policy: its statements, and what they say to a question.

use crate::{
    action::Actions,
    condition::Condition,
    context::Context,
    pattern::Pattern,
    principal::{Asker, Named, Principals},
    read::{self, Malformed},
    resource::Resources,
};

/// What a policy hangs on, which says what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On a user, a role or a session: it names no principals.
    Identity,
    /// On a bucket, a topic or a function: it names principals and resources.
    Resource,
    /// On a queue: as on other resources, but a statement may leave out the resource, which is then
    /// the queue (IAM's guide leaves to each service whether it demands the element).
    Queue,
    /// On a role, saying who may assume it: it names principals and no resources.
    Trust,
}

/// A policy document that was read and can be honoured; the default one says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    pub(crate) statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) allows: bool,
    /// `None` in identity policies, which speak of whoever they hang on.
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: Actions,
    /// `None` where they speak of what they hang on, a role or a queue.
    pub(crate) resources: Option<Resources>,
    pub(crate) conditions: Vec<Condition>,
}

/// What one policy says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Nothing,
    Allow(Named),
    Deny,
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is no policy of this kind, or holds what cannot be honoured.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        read::policy(text, kind)
    }

    /// Denies everything to everybody: for what was kept and cannot be read any more.
    pub fn deny_all() -> Self {
        let actions = Actions { except: false, patterns: vec![Pattern::everything()] };
        let statement = Statement {
            allows: false,
            principals: None,
            actions,
            resources: None,
            conditions: Vec::new(),
        };
        Self { statements: vec![statement] }
    }

    /// Whether it is silent, allows, or denies, which comes before all that allows.
    pub(crate) fn says(&self, asker: &Asker<'_>, question: &Question<'_>) -> Says {
        let mut says = Says::Nothing;
        for statement in &self.statements {
            let Some(named) = statement.covers(asker, question) else { continue };
            if !statement.allows {
                return Says::Deny;
            }
            says = match says {
                Says::Allow(before) => Says::Allow(before.max(named)),
                _ => Says::Allow(named),
            };
        }
        says
    }
}

/// An action on a resource, and what is known of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context<'a>,
}

impl Statement {
    fn covers(&self, asker: &Asker<'_>, question: &Question<'_>) -> Option<Named> {
        let named = match &self.principals {
            Some(principals) => principals.cover(asker)?,
            None => Named::Itself,
        };
        let about = self.actions.cover(question.action)
            && self.resources.as_ref().is_none_or(|r| r.cover(question.resource, question.context))
            && self.conditions.iter().all(|condition| condition.holds(question.context));
        about.then_some(named)
    }
}
