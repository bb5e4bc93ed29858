//! Temporary credentials: issued, remembered, forgotten.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use flow::{Caller, Key, Principal, Session, Timestamp};
use policy::{Kind, Policy};
use tracing::warn;

use crate::{
    Credentials, Error, Identity,
    kept::{self, SESSION_ROWS, SessionOf, SessionRow},
    registry::Holder,
    role,
};

/// How long an expired session is remembered, in milliseconds, so that whoever still uses it
/// reads that it expired and not that it never was.
const EXPIRED_REMEMBERED_MILLIS: i64 = 15 * 60 * 1000;
/// Sessions at one time; beyond it none is issued until some expire.
pub(crate) const SESSIONS_MAX: usize = 10_000;

/// Sessions by their access key ids.
pub(crate) type Sessions = RwLock<HashMap<String, Held>>;

/// A session in memory.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) key: Key,
    /// What it was begun with.
    policies: Option<Arc<[Arc<Policy>]>>,
}

impl Identity {
    pub(crate) async fn read_sessions(&self) -> Result<(), Error> {
        for (row, bytes) in self.table.list(SESSION_ROWS).await? {
            let session: SessionRow = kept::read(&row, &bytes)?;
            self.admit(&session);
        }
        self.forget_expired().await;
        Ok(())
    }

    /// Credentials of a session of `role`, known until they expire or this process ends: for
    /// processes that end with it.
    pub fn issue_role_session(
        &self,
        role: &str,
        session_name: &str,
        lifetime_millis: i64,
    ) -> Credentials {
        let now = self.clock.now();
        let made = Credentials::temporary(&*self.chance, now.plus_millis(lifetime_millis));
        self.drop_expired();
        self.admit(&SessionRow::new(&made, now, self.session_of_role(role, session_name), None));
        made
    }

    /// The session of a role by its name. One that is gone has an id that nobody else has, and no
    /// policies.
    pub(crate) fn session_of_role(&self, role: &str, session_name: &str) -> SessionOf {
        let state = self.registry.read();
        let entity = state.entity(Holder::Role(role));
        SessionOf::Role {
            role_id: entity
                .map_or_else(|| role::unique_id(&self.account, role), |entity| entity.id.clone()),
            path: entity.map_or_else(|| "/".to_owned(), |entity| entity.path.clone()),
            role: role.to_owned(),
            session_name: session_name.to_owned(),
        }
    }

    /// Credentials of a session, durable when this returns; `None` where there are
    /// [`SESSIONS_MAX`] already. `policies` bound it, where there are some.
    pub(crate) async fn issue_session(
        &self,
        of: SessionOf,
        policies: Option<Vec<String>>,
        lifetime_millis: i64,
    ) -> Result<Option<Credentials>, Error> {
        self.forget_expired().await;
        if self.sessions.read().unwrap_or_else(PoisonError::into_inner).len() >= SESSIONS_MAX {
            return Ok(None);
        }
        let now = self.clock.now();
        let made = Credentials::temporary(&*self.chance, now.plus_millis(lifetime_millis));
        let session = SessionRow::new(&made, now, of, policies);
        self.table.put(&kept::session_row(&made.access_key_id), kept::write(&session)).await?;
        self.admit(&session);
        Ok(Some(made))
    }

    /// What bounds the session with this access key id.
    pub(crate) fn session_policies(&self, access_key_id: &str) -> Option<Arc<[Arc<Policy>]>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(access_key_id)?.policies.clone()
    }

    fn admit(&self, session: &SessionRow) {
        let credentials = session.credentials();
        let principal = match session.of.clone() {
            SessionOf::Root => Principal::Root,
            SessionOf::User { id, path, name } => Principal::User { id, path, name },
            SessionOf::Role { role_id, path, role, session_name } => {
                Principal::AssumedRole { role_id, path, role, session_name }
            }
        };
        let key = Key {
            secret: credentials.secret.clone(),
            session_token: Some(credentials.session_token.clone()),
            expires: Some(credentials.expires),
            caller: Caller {
                account: self.account.clone(),
                principal,
                access_key_id: credentials.access_key_id.clone(),
                session: Some(Session { created: session.created, mfa: false }),
            },
        };
        let read = |document: &String| {
            // Read before it was kept; what a later version cannot read denies all.
            let policy = Policy::parse(document, Kind::Identity);
            Arc::new(policy.unwrap_or_else(|_| Policy::deny_all()))
        };
        let policies = session.policies.as_ref().map(|all| all.iter().map(read).collect());
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(credentials.access_key_id, Held { key, policies });
    }

    /// Takes what expired long enough ago out of memory; the ids of what went.
    fn drop_expired(&self) -> Vec<String> {
        let before = self.clock.now().plus_millis(-EXPIRED_REMEMBERED_MILLIS);
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let gone = |held: &Held| held.key.expires.is_some_and(|at: Timestamp| at <= before);
        sessions.extract_if(|_, held| gone(held)).map(|(id, _)| id).collect()
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
