//! Versions published, told of, and taken away.

use std::sync::Arc;

use flow::{Fault, Tree};

use super::{
    broken, conflict,
    deploy::shipped,
    fault, invalid,
    listing::page,
    name::Named,
    not_found,
    parameter::{check_revision, description},
};
use crate::{
    Functions,
    kept::Row,
    version::{LATEST, Version, in_order, number},
};

/// Versions of a function.
const VERSIONS_MAX: usize = 1_000;

impl Functions {
    pub(super) async fn publish_version(&self, input: &Tree) -> Result<Tree, Fault> {
        if input.text("PublishTo").is_some_and(|to| !to.is_empty()) {
            return Err(invalid("PublishTo: it is not offered by this server."));
        }
        let description = input.text("Description").map(description).transpose()?;
        let _changing = self.0.changing.lock().await;
        let (named, row) = self.known(input)?;
        check_revision(input, &row.revision)?;
        let made = row.deployment.as_ref().ok_or_else(|| shipped(&named))?;
        if let Some(sha) = input.text("CodeSha256").filter(|sha| *sha != made.code.sha256) {
            let current = &made.code.sha256;
            return Err(invalid(format!(
                "CodeSHA256 ({sha}) is different from current CodeSHA256 in $LATEST ({current}). \
                 Please try again with the CodeSHA256 in $LATEST."
            )));
        }
        let number = self.publish(&named, description).await?;
        self.published(&named, number, format!("{}:{number}", self.arn_of(&named.name)))
    }

    /// Publishes what the function is now; its number, or that of the last version where nothing
    /// was changed since. Held by whoever changes the function.
    pub(super) async fn publish(
        &self,
        named: &Named,
        description: Option<String>,
    ) -> Result<u64, Fault> {
        let name = named.name.as_str();
        let versions = &self.0.versions;
        let mut row = self.row(name).ok_or_else(|| not_found(&named.arn()))?;
        if !row.changed && versions.get(name, row.published).is_some() {
            return Ok(row.published);
        }
        let mut deployment = row.deployment.clone().ok_or_else(|| shipped(named))?;
        if versions.count(name) >= VERSIONS_MAX {
            return Err(invalid(format!(
                "A function has at most {VERSIONS_MAX} versions on this server: delete old ones."
            )));
        }
        deployment.description = description.unwrap_or(deployment.description);
        let revision = self.0.host.chance.uuid();
        let version = Version { deployment, revision, modified: row.modified };
        let number = row.published.saturating_add(1);
        // The version first: a number that the function knows of is always there.
        let stored = versions.put((name, &row.born), number, &version).await;
        stored.map_err(|error| broken(&error))?;
        (row.published, row.changed) = (number, false);
        self.put_row(name, row).await.map_err(|error| broken(&error))?;
        versions.take(name, number, version.clone());
        let latest = self.hosted(&self.arn_of(name));
        let code = latest.as_ref().and_then(|hosted| hosted.deployed.as_ref());
        let code = code.map(|deployed| Arc::clone(&deployed.code));
        let code = code.unwrap_or_else(|| Arc::new(self.0.shelf.take(&version.deployment.code)));
        let hosted = self.host_deployment(name, &number.to_string(), &version.deployment, code);
        hosted.map_err(|error| broken(&error))?;
        Ok(number)
    }

    /// What a call that published answers.
    pub(super) fn published(&self, named: &Named, number: u64, arn: String) -> Result<Tree, Fault> {
        let gone = || not_found(&format!("{}:{number}", self.arn_of(&named.name)));
        let version = self.0.versions.get(&named.name, number).ok_or_else(gone)?;
        let row = self.row(&named.name).ok_or_else(gone)?;
        Ok(self.version_configuration(arn, (&named.name, number), &version, &row))
    }

    pub(super) fn list_versions(&self, input: &Tree) -> Result<Tree, Fault> {
        let (named, _) = self.known(input)?;
        Ok(page(input, "Versions", self.versions_of(&named.name)))
    }

    /// All versions of a function, that which changes first, with what they are listed by.
    pub(super) fn versions_of(&self, name: &str) -> Vec<(String, Tree)> {
        let Some(row) = self.row(name) else { return Vec::new() };
        let arn = self.arn_of(name);
        let latest = self.configuration_at(format!("{arn}:{LATEST}"), name, &row);
        let published = self.0.versions.of(name).into_iter().map(|(number, version)| {
            let arn = format!("{arn}:{number}");
            let tree = self.version_configuration(arn, (name, number), &version, &row);
            (in_order(number), tree)
        });
        [(LATEST.to_owned(), latest)].into_iter().chain(published).collect()
    }

    /// The version that was named, by itself or by an alias; `None` where it is that which changes.
    pub(super) fn version_of(
        &self,
        named: &Named,
        row: &Row,
    ) -> Result<Option<(u64, Version)>, Fault> {
        let Some(qualifier) = named.qualifier.as_deref() else { return Ok(None) };
        let gone = || not_found(&named.arn());
        let version = match (qualifier, number(qualifier)) {
            (LATEST, _) | (_, Some(_)) => qualifier,
            _ => &row.aliases.get(qualifier).ok_or_else(gone)?.version,
        };
        if version == LATEST {
            return Ok(None);
        }
        let number = number(version).ok_or_else(gone)?;
        Ok(Some((number, self.0.versions.get(&named.name, number).ok_or_else(gone)?)))
    }

    /// Takes a version away that no alias names.
    pub(super) async fn delete_version(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.qualified(input)?;
        let qualifier = named.qualifier.clone().unwrap_or_default();
        if qualifier == LATEST {
            let why = "$LATEST version cannot be deleted without deleting the function.";
            return Err(invalid(why));
        }
        let Some(number) = number(&qualifier) else {
            return Err(invalid(format!("{} is an alias: use DeleteAlias.", named.arn())));
        };
        let naming = row.aliases.iter().filter(|(_, alias)| alias.version == qualifier);
        let naming: Vec<&str> = naming.map(|(name, _)| name.as_str()).collect();
        if !naming.is_empty() {
            return Err(conflict(format!(
                "Unable to delete version because the following aliases reference it: [{}]",
                naming.join(", ")
            )));
        }
        let name = named.name.as_str();
        let deleted = self.0.versions.delete((name, &row.born), number).await;
        deleted.map_err(|error| broken(&error))?;
        self.retire(&named.arn());
        if row.beside.remove(&qualifier).is_some() {
            self.put_row(name, row).await.map_err(|error| broken(&error))?;
        }
        Ok(Tree::map([("StatusCode", Tree::Int(204))]))
    }

    /// The revision of what was named, as `GetPolicy` and its kin have it.
    pub(super) fn revision_of(&self, named: &Named, row: &Row) -> Result<String, Fault> {
        let Some(qualifier) = named.qualifier.as_deref().filter(|it| *it != LATEST) else {
            return Ok(row.revision.clone());
        };
        if let Some(set) = row.alias_revision(qualifier).or(row.revision_beside(qualifier)) {
            return Ok(set.to_owned());
        }
        let version = self.version_of(named, row)?;
        Ok(version.map_or_else(|| row.revision.clone(), |(_, version)| version.revision))
    }

    /// The part of a policy that a call may not be for.
    pub(super) fn check_not_latest(named: &Named) -> Result<(), Fault> {
        if named.qualifier.as_deref() == Some(LATEST) {
            let message = "We currently do not support adding policies for $LATEST.";
            return Err(fault("InvalidParameterValueException", message));
        }
        Ok(())
    }
}
