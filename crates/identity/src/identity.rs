//! The keys of the account: who stands behind each, and new ones.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use flow::{
    AccountId, Caller, Chance, Clock, Grant, Key, Keys, Principal, Secret, Session, Timestamp,
};
use store::Table;
use tracing::{info, warn};

use crate::{
    Credentials, Error, credentials,
    kept::{self, ROOT_ROW, RootRow, SESSION_ROWS, SessionRow},
    role,
};

/// How long an expired session is remembered, in milliseconds, so that whoever still uses it
/// reads that it expired and not that it never was.
const EXPIRED_REMEMBERED_MILLIS: i64 = 15 * 60 * 1000;
/// Sessions at one time; beyond it none is issued until some expire.
pub(crate) const SESSIONS_MAX: usize = 10_000;

/// What the room is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account whose keys these are.
    pub account: AccountId,
}

/// Knows the account's access keys and issues temporary ones. Share it in an [`Arc`].
pub struct Identity {
    pub(crate) account: AccountId,
    root: RootRow,
    table: Table,
    sessions: RwLock<HashMap<String, Key>>,
    pub(crate) clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

impl Identity {
    /// Reads the kept keys; makes the root key where there is none.
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
        let sessions = RwLock::new(HashMap::new());
        let identity = Self { account: config.account, root, table, sessions, clock, chance };
        for (row, bytes) in identity.table.list(SESSION_ROWS).await? {
            let session: SessionRow = kept::read(&row, &bytes)?;
            let caller = identity.root_session(&session);
            identity.admit(&session.credentials(), caller);
        }
        identity.forget_expired().await;
        Ok(identity)
    }

    /// The access key id and the secret of the account's root.
    pub fn root_key(&self) -> (String, Secret) {
        (self.root.access_key_id.clone(), self.root.secret())
    }

    /// Credentials of a session of `role`, known until they expire or this process ends.
    pub fn issue_role_session(
        &self,
        role: &str,
        session_name: &str,
        lifetime_millis: i64,
        grant: Grant,
    ) -> Credentials {
        let now = self.clock.now();
        let made = Credentials::temporary(&*self.chance, now.plus_millis(lifetime_millis));
        let caller = Caller {
            account: self.account.clone(),
            principal: Principal::AssumedRole {
                role_id: role::unique_id(&self.account, role),
                path: "/".to_owned(),
                role: role.to_owned(),
                session_name: session_name.to_owned(),
            },
            access_key_id: made.access_key_id.clone(),
            session: Some(Session { created: now, mfa: false }),
            grant,
        };
        self.drop_expired();
        self.admit(&made, caller);
        made
    }

    /// Credentials of a session of the root, durable when this returns; `None` where there are
    /// [`SESSIONS_MAX`] already.
    pub(crate) async fn issue_root_session(
        &self,
        lifetime_millis: i64,
    ) -> Result<Option<Credentials>, Error> {
        self.forget_expired().await;
        if self.sessions.read().unwrap_or_else(PoisonError::into_inner).len() >= SESSIONS_MAX {
            return Ok(None);
        }
        let now = self.clock.now();
        let made = Credentials::temporary(&*self.chance, now.plus_millis(lifetime_millis));
        let session = SessionRow::new(&made, now);
        self.table.put(&kept::session_row(&made.access_key_id), kept::write(&session)).await?;
        self.admit(&made, self.root_session(&session));
        Ok(Some(made))
    }

    fn root_session(&self, session: &SessionRow) -> Caller {
        Caller {
            session: Some(Session { created: session.created, mfa: false }),
            ..Caller::root(self.account.clone(), session.credentials().access_key_id)
        }
    }

    fn admit(&self, credentials: &Credentials, caller: Caller) {
        let key = Key {
            secret: credentials.secret.clone(),
            session_token: Some(credentials.session_token.clone()),
            expires: Some(credentials.expires),
            caller,
        };
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(credentials.access_key_id.clone(), key);
    }

    /// Takes what expired long enough ago out of memory; the ids of what went.
    fn drop_expired(&self) -> Vec<String> {
        let before = self.clock.now().plus_millis(-EXPIRED_REMEMBERED_MILLIS);
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let gone = |key: &Key| key.expires.is_some_and(|at: Timestamp| at <= before);
        sessions.extract_if(|_, key| gone(key)).map(|(id, _)| id).collect()
    }

    /// Forgets what expired long enough ago, in memory and in the table.
    async fn forget_expired(&self) {
        for id in self.drop_expired() {
            // A row that stays is refused as expired all the same, and goes on the next start.
            if let Err(error) = self.table.delete(&kept::session_row(&id)).await {
                warn!(key.id = %id, %error, "The expired session {id} stays in the table");
            }
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
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
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
