//! What the server itself wants to be there.

use policy::{Kind, Policy};

use crate::{
    Error, Identity,
    entity::{Entity, Role},
    iam::SESSION_SECONDS_DEFAULT,
    registry::Change,
};

/// The prefix of roles' unique ids.
pub(crate) const ROLE_ID: &str = "AROA";

impl Identity {
    /// Makes a role that `service` may assume, with one inline policy, unless there is one of that
    /// name. The document is the server's own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure_role(
        &self,
        name: &str,
        service: &str,
        policy: (&str, &str),
    ) -> Result<(), Error> {
        let _turn = self.registry.turn.lock().await;
        if self.registry.read().roles.contains_key(name) {
            return Ok(());
        }
        let (policy_name, document) = policy;
        debug_assert!(Policy::parse(document, Kind::Identity).is_ok(), "the server's own document");
        let mut entity = Entity::new(ROLE_ID, name, "/", self.clock.now(), &*self.chance);
        entity.inline.insert(policy_name.to_owned(), document.to_owned());
        let role = Role {
            entity,
            trust: trust(service),
            description: None,
            session_seconds_max: SESSION_SECONDS_DEFAULT,
        };
        self.registry.change(Change::Role(role)).await
    }
}

/// A document that lets a service assume the role that it hangs on.
fn trust(service: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}
