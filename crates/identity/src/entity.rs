//! Users, groups, roles and managed policies, as they are kept.

use std::collections::{BTreeMap, BTreeSet};

use flow::{AccountId, Chance, Secret, Timestamp};

use crate::credentials;

/// What users, groups and roles have in common.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Entity {
    /// `AIDA…`, `AGPA…` or `AROA…`.
    pub(crate) id: String,
    pub(crate) name: String,
    /// With both slashes.
    pub(crate) path: String,
    pub(crate) created: Timestamp,
    /// Documents by their names.
    pub(crate) inline: BTreeMap<String, String>,
    /// ARNs of managed policies, in the order in which they were attached.
    pub(crate) attached: Vec<String>,
    /// The ARN of the managed policy that bounds what the others give.
    pub(crate) boundary: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct User {
    #[serde(flatten)]
    pub(crate) entity: Entity,
    pub(crate) keys: Vec<AccessKey>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Role {
    #[serde(flatten)]
    pub(crate) entity: Entity,
    /// The document that says who may assume it.
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) session_seconds_max: i64,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Group {
    #[serde(flatten)]
    pub(crate) entity: Entity,
    /// The names of its users.
    pub(crate) members: BTreeSet<String>,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    secret: String,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
}

/// A policy of its own, which several users and roles may have.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ManagedPolicy {
    /// `ANPA…`
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// By their numbers.
    pub(crate) versions: BTreeMap<u32, Version>,
    pub(crate) default: u32,
    pub(crate) next: u32,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Version {
    pub(crate) document: String,
    pub(crate) created: Timestamp,
}

impl Entity {
    /// A new one; `prefix` is that of its id.
    pub(crate) fn new(
        prefix: &str,
        name: &str,
        path: &str,
        now: Timestamp,
        chance: &dyn Chance,
    ) -> Self {
        Self {
            id: credentials::unique_id(prefix, chance),
            name: name.to_owned(),
            path: path.to_owned(),
            created: now,
            inline: BTreeMap::new(),
            attached: Vec::new(),
            boundary: None,
            tags: BTreeMap::new(),
        }
    }

    /// `kind` is `user`, `group` or `role`.
    pub(crate) fn arn(&self, account: &AccountId, kind: &str) -> String {
        format!("arn:aws:iam::{account}:{kind}{}{}", self.path, self.name)
    }
}

impl AccessKey {
    pub(crate) fn new(now: Timestamp, chance: &dyn Chance) -> Self {
        Self {
            id: credentials::long_term_id(chance),
            secret: credentials::secret(chance).expose().to_owned(),
            active: true,
            created: now,
        }
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.secret.clone())
    }

    /// `Active` or `Inactive`.
    pub(crate) fn status(&self) -> &'static str {
        if self.active { "Active" } else { "Inactive" }
    }
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ManagedPolicy {
    pub(crate) fn arn(&self, account: &AccountId) -> String {
        format!("arn:aws:iam::{account}:policy{}{}", self.path, self.name)
    }

    /// The document that counts.
    pub(crate) fn document(&self) -> &str {
        self.versions.get(&self.default).map_or("", |version| version.document.as_str())
    }
}
