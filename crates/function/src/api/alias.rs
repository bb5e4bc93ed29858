//! Aliases: names for versions, that may be moved from one to another.

use flow::{Fault, Tree};

use super::{
    broken, conflict, fault, invalid,
    listing::page,
    name::{Named, is_alias},
    not_found,
    parameter::{check_revision, description},
    required, validation,
};
use crate::{
    Functions,
    kept::{Alias, Row},
    version::{LATEST, number},
};

/// Aliases of a function.
const ALIASES_MAX: usize = 200;

impl Functions {
    pub(super) async fn create_alias(&self, input: &Tree) -> Result<Tree, Fault> {
        let name = alias_name(input)?;
        refuse_routing(input)?;
        let description = input.text("Description").map(description).transpose()?;
        let version = required(input, "FunctionVersion")?;
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        self.check_version(&named, version)?;
        if row.aliases.contains_key(name) {
            let arn = self.arn_of(&named.name);
            return Err(conflict(format!("Alias already exists: {arn}:{name}")));
        }
        if row.aliases.len() >= ALIASES_MAX {
            return Err(invalid(format!(
                "A function has at most {ALIASES_MAX} aliases on this server."
            )));
        }
        let alias = Alias {
            version: version.to_owned(),
            description: description.unwrap_or_default(),
            revision: self.0.host.chance.uuid(),
        };
        row.aliases.insert(name.to_owned(), alias);
        self.keep_alias(&named, name, row).await
    }

    pub(super) async fn update_alias(&self, input: &Tree) -> Result<Tree, Fault> {
        let name = alias_name(input)?;
        refuse_routing(input)?;
        let description = input.text("Description").map(description).transpose()?;
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        if let Some(version) = input.text("FunctionVersion") {
            self.check_version(&named, version)?;
        }
        let gone = || self.no_alias(&named, name);
        check_revision(input, row.alias_revision(name).ok_or_else(gone)?)?;
        let alias = row.aliases.get_mut(name).ok_or_else(gone)?;
        if let Some(version) = input.text("FunctionVersion") {
            version.clone_into(&mut alias.version);
        }
        alias.description = description.unwrap_or_else(|| alias.description.clone());
        alias.revision = self.0.host.chance.uuid();
        if let Some(beside) = row.beside.get_mut(name) {
            beside.revision = None;
        }
        self.keep_alias(&named, name, row).await
    }

    pub(super) async fn delete_alias(&self, input: &Tree) -> Result<Tree, Fault> {
        let name = alias_name(input)?;
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        let known = row.aliases.remove(name).is_some();
        row.beside.remove(name);
        // As Lambda: what is not there is gone.
        if known {
            self.put_row(&named.name, row).await.map_err(|error| broken(&error))?;
            self.0.replaced.notify_one();
        }
        Ok(Tree::Null)
    }

    pub(super) fn get_alias(&self, input: &Tree) -> Result<Tree, Fault> {
        let name = alias_name(input)?;
        let (named, row) = self.known(input)?;
        self.alias_tree(&named, name, &row)
    }

    pub(super) fn list_aliases(&self, input: &Tree) -> Result<Tree, Fault> {
        let (named, row) = self.known(input)?;
        let wanted = input.text("FunctionVersion");
        let all =
            row.aliases.iter().filter(|(_, alias)| wanted.is_none_or(|it| it == alias.version));
        let trees = all.map(|(name, _)| Ok((name.clone(), self.alias_tree(&named, name, &row)?)));
        Ok(page(input, "Aliases", trees.collect::<Result<_, Fault>>()?))
    }

    /// Stores a changed row, and answers the alias.
    async fn keep_alias(&self, named: &Named, name: &str, row: Row) -> Result<Tree, Fault> {
        let told = self.alias_tree(named, name, &row)?;
        self.put_row(&named.name, row).await.map_err(|error| broken(&error))?;
        Ok(told)
    }

    fn alias_tree(&self, named: &Named, name: &str, row: &Row) -> Result<Tree, Fault> {
        let alias = row.aliases.get(name).ok_or_else(|| self.no_alias(named, name))?;
        let revision = row.alias_revision(name).unwrap_or_default();
        Ok(Tree::map([
            ("AliasArn", Tree::from(format!("{}:{name}", self.arn_of(&named.name)))),
            ("Name", Tree::from(name)),
            ("FunctionVersion", Tree::from(alias.version.as_str())),
            ("Description", Tree::from(alias.description.as_str())),
            ("RevisionId", Tree::from(revision)),
        ]))
    }

    /// Whether the function has that version.
    fn check_version(&self, named: &Named, version: &str) -> Result<(), Fault> {
        let there = |number| self.0.versions.get(&named.name, number).is_some();
        match number(version) {
            Some(number) if there(number) => Ok(()),
            None if version == LATEST => Ok(()),
            None => Err(validation(&format!(
                "Value '{version}' at 'functionVersion' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: (\\$LATEST|[0-9]+)"
            ))),
            Some(_) => Err(not_found(&format!("{}:{version}", self.arn_of(&named.name)))),
        }
    }

    fn no_alias(&self, named: &Named, name: &str) -> Fault {
        let message = format!("Cannot find alias arn: {}:{name}", self.arn_of(&named.name));
        fault("ResourceNotFoundException", message).with_status(404)
    }
}

fn alias_name(input: &Tree) -> Result<&str, Fault> {
    let name = required(input, "Name")?;
    if is_alias(name) {
        return Ok(name);
    }
    Err(validation(&format!(
        "Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    )))
}

/// An alias leads to one version.
fn refuse_routing(input: &Tree) -> Result<(), Fault> {
    let routing = input.get("RoutingConfig").unwrap_or(&Tree::Null);
    let weights = routing.get("AdditionalVersionWeights").map(Tree::members).unwrap_or_default();
    if weights.is_empty() {
        return Ok(());
    }
    let why = "RoutingConfig.AdditionalVersionWeights: weights are not offered by this server: an \
               alias leads to one version.";
    Err(invalid(why))
}
