//! Users and their keys for those who run the server.

use flow::{Fault, Secret, Timestamp};
use policy::{Kind, Policy};

use crate::{
    Identity, aws_managed,
    entity::{AccessKey, Entity, User},
    iam::{USER_ID, attachable, check_name, exists, malformed},
    registry::Change,
};

/// The name of the inline policy of users that are made with a document.
const INLINE_NAME: &str = "trailhound";
/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 64;

/// A user, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The unique id, `AIDA…`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its access keys, at most two.
    pub keys: Vec<KeySummary>,
    /// The names of its policies, inline ones first, then those of its groups.
    pub policies: Vec<String>,
}

/// An access key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// `AKIA…`
    pub id: String,
    /// Whether it opens anything.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// A new access key: its secret is told this once.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it is.
    pub user: String,
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret that signs.
    pub secret: Secret,
}

impl Identity {
    /// All users, by name.
    pub fn users(&self) -> Vec<UserSummary> {
        let state = self.registry.read();
        let summary = |user: &User| {
            let entity = &user.entity;
            let groups = state.groups_of(&entity.name).map(|group| &group.entity);
            let policies = std::iter::once(entity).chain(groups).flat_map(|entity| {
                let attached =
                    entity.attached.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn));
                entity.inline.keys().map(String::as_str).chain(attached)
            });
            let key = |key: &AccessKey| KeySummary {
                id: key.id.clone(),
                active: key.active,
                created: key.created,
            };
            UserSummary {
                name: entity.name.clone(),
                arn: entity.arn(&self.account, "user"),
                id: entity.id.clone(),
                created: entity.created,
                keys: user.keys.iter().map(key).collect(),
                policies: policies.map(str::to_owned).collect(),
            }
        };
        state.users.values().map(|user| summary(user)).collect()
    }

    /// Makes a user with a key. `policy` is a document (JSON), or the ARN of a managed policy, or the
    /// name of one of AWS's, such as `ReadOnlyAccess`; without, the user may do nothing yet.
    ///
    /// # Errors
    /// Where there is such a user, no such policy, or the document cannot be honoured.
    pub async fn add_user(&self, name: &str, policy: Option<&str>) -> Result<NewKey, Fault> {
        check_name("userName", name, NAME_CHARS_MAX)?;
        let now = self.clock.now();
        let mut entity = Entity::new(USER_ID, name, "/", now, &*self.chance);
        let key = AccessKey::new(now, &*self.chance);
        let _turn = self.registry.turn.lock().await;
        {
            let state = self.registry.read();
            if state.users.keys().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(exists(format!("User with name {name} already exists.")));
            }
            match policy {
                Some(text) if text.trim_start().starts_with('{') => {
                    Policy::parse(text, Kind::Identity).map_err(|why| malformed(&why))?;
                    entity.inline.insert(INLINE_NAME.to_owned(), text.to_owned());
                }
                Some(text) => {
                    let named = aws_managed::ALL.iter().find(|policy| policy.name == text);
                    let arn = named.map_or_else(
                        || {
                            let account = &self.account;
                            let own = || format!("arn:aws:iam::{account}:policy/{text}");
                            if text.starts_with("arn:") { text.to_owned() } else { own() }
                        },
                        aws_managed::AwsManaged::arn,
                    );
                    attachable(&arn, &state, &self.account)?;
                    entity.attached.push(arn);
                }
                None => {}
            }
        }
        let made = new_key(name, &key);
        self.keep(Change::User(User { entity, keys: vec![key] })).await?;
        Ok(made)
    }

    /// Gives a user a new key; those it had are refused from now on.
    ///
    /// # Errors
    /// Where there is no such user.
    pub async fn rotate_key(&self, name: &str) -> Result<NewKey, Fault> {
        let key = AccessKey::new(self.clock.now(), &*self.chance);
        let made = new_key(name, &key);
        self.edit_keys(name, |user| {
            user.keys = vec![key];
            Ok(())
        })
        .await?;
        Ok(made)
    }

    /// Makes all keys of a user inactive: they are refused from now on.
    ///
    /// # Errors
    /// Where there is no such user.
    pub async fn disable_user(&self, name: &str) -> Result<(), Fault> {
        self.edit_keys(name, |user| {
            user.keys.iter_mut().for_each(|key| key.active = false);
            Ok(())
        })
        .await
    }
}

fn new_key(user: &str, key: &AccessKey) -> NewKey {
    NewKey { user: user.to_owned(), access_key_id: key.id.clone(), secret: key.secret() }
}
