//! The keys of the account: who stands behind each, and new ones.
//!
//! For those who run a server, beside IAM's own calls:
//! [`Identity::users`], [`Identity::add_user`], [`Identity::rotate_key`], [`Identity::disable_user`].

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use flow::{AccountId, Caller, Chance, Clock, Key, Keys, Principal, Secret};
use store::Table;
use tracing::info;

use crate::{
    Error, credentials,
    kept::{self, ROOT_ROW, RootRow},
    registry::Registry,
    session::Sessions,
};

/// What the room is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account whose keys these are.
    pub account: AccountId,
}

/// Knows the account's users, roles and access keys, and issues temporary ones. Share it in an
/// [`Arc`].
pub struct Identity {
    pub(crate) account: AccountId,
    root: RootRow,
    pub(crate) table: Table,
    pub(crate) registry: Registry,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
}

impl Identity {
    /// Reads what is kept; makes the root key where there is none.
    ///
    /// # Errors
    /// When the store fails or a kept row cannot be read.
    pub async fn open(
        database: &store::Database,
        config: Config,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, Error> {
        let table = database.table("identity").await?;
        let root = root_row(&table, &*chance).await?;
        let Config { account } = config;
        let registry = Registry::open(table.clone(), account.clone()).await?;
        let sessions = Sessions::default();
        let identity = Self { account, root, table, registry, sessions, clock, chance };
        identity.read_sessions().await?;
        Ok(identity)
    }

    /// The access key id and the secret of the account's root.
    pub fn root_key(&self) -> (String, Secret) {
        (self.root.access_key_id.clone(), self.root.secret())
    }

    /// The key of a user, as long as it is active.
    fn long_term_key(&self, access_key_id: &str) -> Option<Key> {
        let state = self.registry.read();
        let user = state.users.get(state.keys.get(access_key_id)?)?;
        let key = user.keys.iter().find(|key| key.id == access_key_id && key.active)?;
        Some(Key {
            secret: key.secret(),
            session_token: None,
            expires: None,
            caller: Caller {
                account: self.account.clone(),
                principal: Principal::User {
                    id: user.entity.id.clone(),
                    path: user.entity.path.clone(),
                    name: user.entity.name.clone(),
                },
                access_key_id: access_key_id.to_owned(),
                session: None,
            },
        })
    }

    /// A temporary key. That of a user ends with the user.
    fn temporary_key(&self, access_key_id: &str) -> Option<Key> {
        let key = {
            let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
            sessions.get(access_key_id)?.key.clone()
        };
        match &key.caller.principal {
            Principal::User { id, name, .. } => {
                let state = self.registry.read();
                state.users.get(name).is_some_and(|user| user.entity.id == *id).then_some(key)
            }
            _ => Some(key),
        }
    }
}

impl Keys for Identity {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        if access_key_id == self.root.access_key_id {
            return Some(Key {
                secret: self.root.secret(),
                session_token: None,
                expires: None,
                caller: Caller::root(self.account.clone(), access_key_id),
            });
        }
        self.long_term_key(access_key_id).or_else(|| self.temporary_key(access_key_id))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("account", &self.account).finish_non_exhaustive()
    }
}

/// The kept root key, or a new one, durable when this returns.
async fn root_row(table: &Table, chance: &dyn Chance) -> Result<RootRow, Error> {
    if let Some(bytes) = table.get(ROOT_ROW).await? {
        return kept::read(ROOT_ROW, &bytes);
    }
    let made = RootRow::new(credentials::long_term_id(chance), &credentials::secret(chance));
    table.put(ROOT_ROW, kept::write(&made)).await?;
    info!(key.id = %made.access_key_id, "Made the root access key {}", made.access_key_id);
    Ok(made)
}
