//! Versions of functions: what was published, as it was then. A version is written once, and taken
//! away once.

use std::{collections::BTreeMap, sync::Mutex};

use flow::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Database, Table};

use crate::{
    Error,
    kept::{Deployment, Row},
};

/// What is called the version that changes.
pub(crate) const LATEST: &str = "$LATEST";
/// The table's name.
const TABLE: &str = "function.version";
/// Digits of a number in a key, so that keys stand in the order of their numbers.
const DIGITS: usize = 20;

/// A published version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) deployment: Deployment,
    pub(crate) revision: String,
    /// When what it holds was last changed before it was published.
    pub(crate) modified: Timestamp,
}

/// All versions of all functions.
pub(crate) struct Versions {
    table: Table,
    /// By name and number.
    rows: Mutex<BTreeMap<Place, Version>>,
}

impl Versions {
    /// Takes up those that functions know of. Others are of functions that are gone, or were never
    /// told of: a crash came between two rows.
    pub(crate) async fn open(
        state: &Database,
        functions: &BTreeMap<String, Row>,
    ) -> Result<Self, Error> {
        let table = state.table(TABLE).await?;
        let mut rows = BTreeMap::new();
        for (key, bytes) in table.list("").await? {
            let known = place(&key).filter(|(name, born, number)| {
                let row = functions.get(*name);
                row.is_some_and(|row| row.born == *born && *number <= row.published)
            });
            let Some((name, _, number)) = known else {
                table.delete(&key).await?;
                continue;
            };
            let version = serde_json::from_slice(&bytes)
                .map_err(|source| Error::Damaged { name: format!("{name}:{number}"), source })?;
            rows.insert((name.to_owned(), number), version);
        }
        Ok(Self { table, rows: Mutex::new(rows) })
    }

    pub(crate) fn get(&self, name: &str, number: u64) -> Option<Version> {
        let rows = self.rows.lock().expect("no holder panics");
        rows.get(&(name.to_owned(), number)).cloned()
    }

    /// How many versions a function has.
    pub(crate) fn count(&self, name: &str) -> usize {
        own(&self.rows.lock().expect("no holder panics"), name).count()
    }

    /// The versions of a function, in order.
    pub(crate) fn of(&self, name: &str) -> Vec<(u64, Version)> {
        let rows = self.rows.lock().expect("no holder panics");
        own(&rows, name).map(|((_, number), version)| (*number, version.clone())).collect()
    }

    /// Stores a version. It is not there before [`Versions::take`]: its function has to know of it.
    pub(crate) async fn put(
        &self,
        (name, born): (&str, &str),
        number: u64,
        version: &Version,
    ) -> Result<(), Error> {
        let bytes = serde_json::to_vec(version).expect("a version is JSON");
        Ok(self.table.put(&key(name, born, number), bytes).await?)
    }

    /// Takes a stored version for true.
    pub(crate) fn take(&self, name: &str, number: u64, version: Version) {
        self.rows.lock().expect("no holder panics").insert((name.to_owned(), number), version);
    }

    pub(crate) async fn delete(
        &self,
        (name, born): (&str, &str),
        number: u64,
    ) -> Result<(), Error> {
        self.table.delete(&key(name, born, number)).await?;
        self.rows.lock().expect("no holder panics").remove(&(name.to_owned(), number));
        Ok(())
    }

    /// Takes all versions of a function away that is gone. What a failure leaves goes with the next
    /// start.
    pub(crate) async fn forget(&self, name: &str, born: &str) {
        for (number, _) in self.of(name) {
            self.rows.lock().expect("no holder panics").remove(&(name.to_owned(), number));
            if let Err(error) = self.table.delete(&key(name, born, number)).await {
                tracing::warn!(%error, "{name}:{number} stays until the next start: {error}");
            }
        }
    }
}

type Place = (String, u64);

/// The versions of one function among all.
fn own<'a>(
    rows: &'a BTreeMap<Place, Version>,
    name: &'a str,
) -> impl Iterator<Item = (&'a Place, &'a Version)> {
    rows.range((name.to_owned(), 0)..).take_while(move |((of, _), _)| of == name)
}

/// A function that is made anew under an old name has versions of its own.
fn key(name: &str, born: &str, number: u64) -> String {
    format!("{name}/{born}/{}", in_order(number))
}

/// A number as a text that sorts as it does.
pub(crate) fn in_order(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

fn place(key: &str) -> Option<(&str, &str, u64)> {
    let mut parts = key.split('/');
    Some((parts.next()?, parts.next()?, parts.next()?.parse().ok()?))
}

/// The name in a function's ARN, and what follows it: a version or an alias.
pub(crate) fn name_in(arn: &str) -> (&str, Option<&str>) {
    let mut parts = arn.split(':').skip(6);
    (parts.next().unwrap_or(arn), parts.next())
}

/// The number of a published version, where the qualifier is one.
pub(crate) fn number(qualifier: &str) -> Option<u64> {
    let plain = qualifier.bytes().all(|byte| byte.is_ascii_digit());
    (plain && !qualifier.starts_with('0')).then(|| qualifier.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_their_numbers() {
        let keys = [9, 10, u64::MAX].map(|number| key("f", "b", number));
        assert!(keys.is_sorted());
        assert_eq!(place(&keys[2]), Some(("f", "b", u64::MAX)));
        assert_eq!(place("f"), None);
    }

    #[test]
    fn an_arn_may_name_a_version() {
        let arn = "arn:aws:lambda:us-east-2:123456789012:function:f";
        assert_eq!(name_in(arn), ("f", None));
        assert_eq!(name_in(&format!("{arn}:live")), ("f", Some("live")));
        for (qualifier, expected) in
            [("7", Some(7)), ("07", None), ("0", None), ("", None), ("v7", None), (LATEST, None)]
        {
            assert_eq!(number(qualifier), expected, "{qualifier}");
        }
    }
}
