//! Access keys of users.

use flow::{Fault, Request, Tree};

use super::{
    need,
    page::page,
    users::own_or_named,
    wording::{gone, invalid, limit, no_such},
};
use crate::{
    Identity,
    entity::{AccessKey, User},
    registry::{Change, Holder},
};

/// Access keys of one user, as on AWS.
pub(crate) const KEYS_MAX: usize = 2;

impl Identity {
    pub(super) async fn create_access_key(&self, request: &Request) -> Result<Tree, Fault> {
        let name = own_or_named(request)?;
        let made = AccessKey::new(self.clock.now(), &*self.chance);
        let key = made.clone();
        self.edit_keys(name, |user| {
            if user.keys.len() >= KEYS_MAX {
                return Err(limit(format!(
                    "Cannot exceed quota for AccessKeysPerUser: {KEYS_MAX}"
                )));
            }
            user.keys.push(key);
            Ok(())
        })
        .await?;
        let mut shown = shown(name, &made);
        shown.push(("SecretAccessKey", Tree::from(made.secret().expose())));
        Ok(Tree::map([("AccessKey", Tree::map(shown))]))
    }

    pub(super) fn list_access_keys(&self, request: &Request) -> Result<Tree, Fault> {
        let name = own_or_named(request)?;
        let state = self.registry.read();
        let user = state.users.get(name).ok_or_else(|| no_such(Holder::User(name)))?;
        let mut keys: Vec<_> =
            user.keys.iter().map(|key| (key.id.clone(), Tree::map(shown(name, key)))).collect();
        keys.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(page(request, "AccessKeyMetadata", keys))
    }

    pub(super) async fn update_access_key(&self, request: &Request) -> Result<Tree, Fault> {
        let (name, id) = (self.owner(request)?, need(request, "AccessKeyId")?);
        let active = match need(request, "Status")? {
            "Active" => true,
            "Inactive" => false,
            other => {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{other}' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]"
                )));
            }
        };
        self.edit_keys(&name, |user| {
            let key = user.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_key(id))?;
            key.active = active;
            Ok(())
        })
        .await?;
        Ok(Tree::Null)
    }

    pub(super) async fn delete_access_key(&self, request: &Request) -> Result<Tree, Fault> {
        let (name, id) = (self.owner(request)?, need(request, "AccessKeyId")?);
        self.edit_keys(&name, |user| {
            let before = user.keys.len();
            user.keys.retain(|key| key.id != id);
            if user.keys.len() == before { Err(no_key(id)) } else { Ok(()) }
        })
        .await?;
        Ok(Tree::Null)
    }

    /// Whose key a request is about: named, whoever calls, or whose it is.
    fn owner(&self, request: &Request) -> Result<String, Fault> {
        if let Ok(name) = own_or_named(request) {
            return Ok(name.to_owned());
        }
        let id = need(request, "AccessKeyId")?;
        self.registry.read().keys.get(id).cloned().ok_or_else(|| no_key(id))
    }

    /// Changes the keys of a user as `how` says.
    pub(crate) async fn edit_keys(
        &self,
        name: &str,
        how: impl FnOnce(&mut User) -> Result<(), Fault> + Send,
    ) -> Result<(), Fault> {
        let _turn = self.registry.turn.lock().await;
        let user = {
            let state = self.registry.read();
            let holder = Holder::User(name);
            let mut user = state.users.get(name).ok_or_else(|| no_such(holder))?.as_ref().clone();
            how(&mut user)?;
            user
        };
        self.keep(Change::User(user)).await
    }
}

fn no_key(id: &str) -> Fault {
    gone(format!("The Access Key with id {id} cannot be found."))
}

fn shown(user: &str, key: &AccessKey) -> Vec<(&'static str, Tree)> {
    vec![
        ("UserName", Tree::from(user)),
        ("AccessKeyId", Tree::from(key.id.as_str())),
        ("Status", Tree::from(key.status())),
        ("CreateDate", Tree::from(key.created)),
    ]
}
