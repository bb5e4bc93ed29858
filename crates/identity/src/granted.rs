//! What policies are asked: who stands behind a call, and what they were given.

use std::sync::Arc;

use flow::{Caller, Principal};
use policy::Policy;

use crate::{
    Identity,
    registry::{Compiled, Holder},
};

/// The policies of whoever asks.
#[derive(Clone, Debug, Default)]
pub struct Granted {
    /// Those of the user or the role.
    pub identity: Arc<[Arc<Policy>]>,
    /// What bounds those.
    pub boundary: Option<Arc<Policy>>,
    /// What the session was begun with.
    pub session: Option<Arc<[Arc<Policy>]>>,
}

impl From<Compiled> for Granted {
    fn from(compiled: Compiled) -> Self {
        Self { identity: compiled.identity, boundary: compiled.boundary, session: None }
    }
}

impl Identity {
    /// The policies of a caller; none for the root, who needs none, and for whoever is gone.
    pub fn granted(&self, caller: &Caller) -> Granted {
        let holder = match &caller.principal {
            Principal::User { name, id, .. } => (Holder::User(name), id),
            Principal::AssumedRole { role, role_id, .. } => (Holder::Role(role), role_id),
            Principal::Root | Principal::Anonymous => return Granted::default(),
        };
        let granted = self.granted_to(holder.0, Some(holder.1));
        Granted { session: self.session_policies(&caller.access_key_id), ..granted }
    }

    /// The policies of the role of that ARN.
    pub fn granted_to_role(&self, arn: &str) -> Granted {
        let name = arn.rsplit('/').next().unwrap_or_default();
        self.granted_to(Holder::Role(name), None)
    }

    /// A name that was given anew is somebody else's: the id must be the same too.
    fn granted_to(&self, holder: Holder<'_>, id: Option<&str>) -> Granted {
        let same = self
            .registry
            .read()
            .entity(holder)
            .is_some_and(|entity| id.is_none_or(|id| entity.id == id));
        if !same {
            return Granted::default();
        }
        self.registry.compiled(holder).map(Granted::from).unwrap_or_default()
    }

    /// Who may assume the role of that ARN; `None` where there is no such role.
    pub fn trust_of(&self, role_arn: &str) -> Option<Arc<Policy>> {
        let name = role_arn.rsplit('/').next()?;
        if self.role_arn(name)? != role_arn {
            return None;
        }
        self.registry.compiled(Holder::Role(name))?.trust
    }

    /// The ARN of the role of that name, its path with it.
    pub fn role_arn(&self, name: &str) -> Option<String> {
        let state = self.registry.read();
        Some(state.entity(Holder::Role(name))?.arn(&self.account, "role"))
    }

    /// The ARN with its path of a user, group or role that is named without: names are unique
    /// whatever their paths.
    pub fn with_path(&self, arn: &str) -> Option<String> {
        let (_, resource) = arn.split_once("arn:aws:iam::")?.1.split_once(':')?;
        let (kind, name) = resource.split_once('/')?;
        let state = self.registry.read();
        match kind {
            "user" => Some(state.entity(Holder::User(name))?.arn(&self.account, kind)),
            "group" => Some(state.entity(Holder::Group(name))?.arn(&self.account, kind)),
            "role" => Some(state.entity(Holder::Role(name))?.arn(&self.account, kind)),
            _ => None,
        }
    }
}
