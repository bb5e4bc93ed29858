//! Named values: get, put, list, compare-and-set.

use rusqlite::OptionalExtension;

use crate::{Database, Error};

const STEPS: &[&str] = &["CREATE TABLE store_table (
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID"];

/// One table of a [`Database`]; clones share it. What resolved is durable.
#[derive(Clone)]
pub struct Table {
    database: Database,
    name: &'static str,
}

impl Table {
    pub(crate) async fn open(database: Database, name: &'static str) -> Result<Self, Error> {
        database.migrate("store.table", STEPS).await?;
        Ok(Self { database, name })
    }

    /// The value of `key`.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let (name, key) = (self.name, key.to_owned());
        self.database.read(move |c| value(c, name, &key)).await
    }

    /// Sets the value of `key`, whatever it was.
    pub async fn put(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        let (name, key) = (self.name, key.to_owned());
        self.database.write(move |t| set(t, name, &key, &value)).await
    }

    /// Takes `key` away; whether it was there.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        let (name, key) = (self.name, key.to_owned());
        self.database.write(move |t| unset(t, name, &key)).await
    }

    /// All whose key begins with `prefix`, by key in order of its bytes.
    pub async fn list(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let (name, prefix) = (self.name, prefix.to_owned());
        let read = move |c: &rusqlite::Connection| {
            let mut statement = c.prepare_cached(
                "SELECT key, value FROM store_table
                 WHERE name = ?1 AND key >= ?2 ORDER BY key",
            )?;
            let mut rows = statement.query((name, &prefix))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let key: String = row.get(0)?;
                // In order of bytes, those with a prefix stand together.
                if !key.starts_with(&prefix) {
                    break;
                }
                found.push((key, row.get(1)?));
            }
            Ok(found)
        };
        self.database.read(read).await
    }

    /// Makes the value of `key` `new` if it is `expected` (`None`: not there); whether it was.
    pub async fn compare_and_set(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Result<bool, Error> {
        let (name, key) = (self.name, key.to_owned());
        let write = move |t: &rusqlite::Transaction<'_>| {
            if value(t, name, &key)? != expected {
                return Ok(false);
            }
            match new {
                Some(new) => set(t, name, &key, &new)?,
                None => unset(t, name, &key).map(drop)?,
            }
            Ok(true)
        };
        self.database.write(write).await
    }
}

fn value(c: &rusqlite::Connection, name: &str, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    c.prepare_cached("SELECT value FROM store_table WHERE name = ?1 AND key = ?2")?
        .query_row((name, key), |row| row.get(0))
        .optional()
}

fn set(c: &rusqlite::Connection, name: &str, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT INTO store_table (name, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (name, key) DO UPDATE SET value = excluded.value",
    )?
    .execute((name, key, value))
    .map(drop)
}

fn unset(c: &rusqlite::Connection, name: &str, key: &str) -> rusqlite::Result<bool> {
    c.prepare_cached("DELETE FROM store_table WHERE name = ?1 AND key = ?2")?
        .execute((name, key))
        .map(|rows| rows > 0)
}
