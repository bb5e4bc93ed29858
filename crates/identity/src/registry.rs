//! All users, groups, roles and policies in memory, each change on disk first.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use flow::AccountId;
use policy::{Kind, Policy};
use store::Table;

use crate::{
    Error, aws_managed,
    entity::{Entity, Group, ManagedPolicy, Role, User},
    kept,
};

const USER_ROWS: &str = "user/";
const GROUP_ROWS: &str = "group/";
const ROLE_ROWS: &str = "role/";
const POLICY_ROWS: &str = "policy/";

/// What stands in memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) users: BTreeMap<String, Arc<User>>,
    pub(crate) groups: BTreeMap<String, Arc<Group>>,
    pub(crate) roles: BTreeMap<String, Arc<Role>>,
    pub(crate) policies: BTreeMap<String, Arc<ManagedPolicy>>,
    /// Whose each long-term access key is.
    pub(crate) keys: HashMap<String, String>,
}

/// A user, a group or a role, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder<'a> {
    User(&'a str),
    Group(&'a str),
    Role(&'a str),
}

/// One change.
pub(crate) enum Change {
    User(User),
    Group(Group),
    Role(Role),
    Policy(ManagedPolicy),
    NoUser(String),
    NoGroup(String),
    NoRole(String),
    NoPolicy(String),
}

/// The policies of a user or a role, ready to be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) identity: Arc<[Arc<Policy>]>,
    pub(crate) boundary: Option<Arc<Policy>>,
    /// Of a role: who may assume it.
    pub(crate) trust: Option<Arc<Policy>>,
}

pub(crate) struct Registry {
    account: AccountId,
    table: Table,
    state: RwLock<State>,
    /// Emptied at each change.
    compiled: RwLock<HashMap<String, Compiled>>,
    /// Held from the look at what there is to the change of it.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Registry {
    pub(crate) async fn open(table: Table, account: AccountId) -> Result<Self, Error> {
        let mut state = State::default();
        for (row, bytes) in table.list(USER_ROWS).await? {
            state.apply(Change::User(kept::read(&row, &bytes)?));
        }
        for (row, bytes) in table.list(GROUP_ROWS).await? {
            state.apply(Change::Group(kept::read(&row, &bytes)?));
        }
        for (row, bytes) in table.list(ROLE_ROWS).await? {
            state.apply(Change::Role(kept::read(&row, &bytes)?));
        }
        for (row, bytes) in table.list(POLICY_ROWS).await? {
            state.apply(Change::Policy(kept::read(&row, &bytes)?));
        }
        let (state, compiled) = (RwLock::new(state), RwLock::default());
        Ok(Self { account, table, state, compiled, turn: tokio::sync::Mutex::default() })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Durable when it returns. Who looked before deciding on it has held the turn since.
    pub(crate) async fn change(&self, change: Change) -> Result<(), Error> {
        match &change {
            Change::User(user) => {
                let row = format!("{USER_ROWS}{}", user.entity.name);
                self.table.put(&row, kept::write(user)).await?;
            }
            Change::Group(group) => {
                let row = format!("{GROUP_ROWS}{}", group.entity.name);
                self.table.put(&row, kept::write(group)).await?;
            }
            Change::Role(role) => {
                let row = format!("{ROLE_ROWS}{}", role.entity.name);
                self.table.put(&row, kept::write(role)).await?;
            }
            Change::Policy(policy) => {
                let row = format!("{POLICY_ROWS}{}", policy.name);
                self.table.put(&row, kept::write(policy)).await?;
            }
            Change::NoUser(name) => {
                self.table.delete(&format!("{USER_ROWS}{name}")).await?;
            }
            Change::NoGroup(name) => {
                self.table.delete(&format!("{GROUP_ROWS}{name}")).await?;
            }
            Change::NoRole(name) => {
                self.table.delete(&format!("{ROLE_ROWS}{name}")).await?;
            }
            Change::NoPolicy(name) => {
                self.table.delete(&format!("{POLICY_ROWS}{name}")).await?;
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.apply(change);
        // While nobody can read the state: what is compiled from it later is of the new one.
        self.compiled.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// The policies of a user or a role; `None` where there is no such.
    pub(crate) fn compiled(&self, holder: Holder<'_>) -> Option<Compiled> {
        let name = match holder {
            Holder::User(name) => format!("{USER_ROWS}{name}"),
            Holder::Group(name) => format!("{GROUP_ROWS}{name}"),
            Holder::Role(name) => format!("{ROLE_ROWS}{name}"),
        };
        {
            let compiled = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = compiled.get(&name) {
                return Some(found.clone());
            }
        }
        let state = self.read();
        let made = state.compile(holder, &self.account)?;
        let mut compiled = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        compiled.insert(name, made.clone());
        Some(made)
    }
}

impl State {
    fn apply(&mut self, change: Change) {
        match change {
            Change::User(user) => {
                let name = user.entity.name.clone();
                self.keys.retain(|_, owner| *owner != name);
                self.keys.extend(user.keys.iter().map(|key| (key.id.clone(), name.clone())));
                self.users.insert(name, Arc::new(user));
            }
            Change::Group(group) => {
                self.groups.insert(group.entity.name.clone(), Arc::new(group));
            }
            Change::Role(role) => {
                self.roles.insert(role.entity.name.clone(), Arc::new(role));
            }
            Change::Policy(policy) => {
                self.policies.insert(policy.name.clone(), Arc::new(policy));
            }
            Change::NoUser(name) => {
                self.keys.retain(|_, owner| *owner != name);
                self.users.remove(&name);
            }
            Change::NoGroup(name) => {
                self.groups.remove(&name);
            }
            Change::NoRole(name) => {
                self.roles.remove(&name);
            }
            Change::NoPolicy(name) => {
                self.policies.remove(&name);
            }
        }
    }

    /// The document of the managed policy of that ARN, ours or AWS's.
    pub(crate) fn managed_document(&self, arn: &str, account: &AccountId) -> Option<&str> {
        if let Some(policy) = aws_managed::find(arn) {
            return Some(policy.document);
        }
        self.managed(arn, account).map(|policy| policy.document())
    }

    /// The managed policy of that ARN, of our own.
    pub(crate) fn managed(&self, arn: &str, account: &AccountId) -> Option<&Arc<ManagedPolicy>> {
        let name = arn.rsplit('/').next()?;
        self.policies.get(name).filter(|policy| policy.arn(account) == arn)
    }

    /// The groups that a user is in, by name.
    pub(crate) fn groups_of<'s>(&'s self, user: &'s str) -> impl Iterator<Item = &'s Arc<Group>> {
        self.groups.values().filter(move |group| group.members.contains(user))
    }

    pub(crate) fn entity(&self, holder: Holder<'_>) -> Option<&Entity> {
        match holder {
            Holder::User(name) => self.users.get(name).map(|user| &user.entity),
            Holder::Group(name) => self.groups.get(name).map(|group| &group.entity),
            Holder::Role(name) => self.roles.get(name).map(|role| &role.entity),
        }
    }

    fn compile(&self, holder: Holder<'_>, account: &AccountId) -> Option<Compiled> {
        let entity = self.entity(holder)?;
        let groups: Vec<&Entity> = match holder {
            Holder::User(name) => self.groups_of(name).map(|group| &group.entity).collect(),
            Holder::Group(_) | Holder::Role(_) => Vec::new(),
        };
        let documents = std::iter::once(entity).chain(groups).flat_map(|entity| {
            let attached = entity.attached.iter().filter_map(|a| self.managed_document(a, account));
            entity.inline.values().map(String::as_str).chain(attached)
        });
        let identity = documents.map(|document| Arc::new(held(document, Kind::Identity)));
        let boundary = entity.boundary.as_deref().map(|arn| {
            // A boundary that is gone bounds to nothing.
            self.managed_document(arn, account).map_or_else(Policy::default, identity_policy)
        });
        let trust = match holder {
            Holder::Role(name) => self.roles.get(name).map(|role| held(&role.trust, Kind::Trust)),
            Holder::User(_) | Holder::Group(_) => None,
        };
        Some(Compiled {
            identity: identity.collect(),
            boundary: boundary.map(Arc::new),
            trust: trust.map(Arc::new),
        })
    }
}

fn identity_policy(document: &str) -> Policy {
    held(document, Kind::Identity)
}

/// A document that was read before it was kept. One that a later version cannot read denies all:
/// it may have held a denial.
fn held(document: &str, kind: Kind) -> Policy {
    Policy::parse(document, kind).unwrap_or_else(|_| Policy::deny_all())
}
