//! Keys and values in one SQLite file, with the statements, and the surprises,
//! of Spin's own store.
//!
//! - A swap that has not read, or has read that there is nothing, overwrites.
//! - `increment` of a value that is not eight bytes panics while it holds the
//!   one connection, so that each later call of anyone panics, too, until the
//!   next start.
//! - Whoever asks for many keys is not told of those that are not there.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use rusqlite::{Connection, named_params, params};

use super::bindings::wasi::keyvalue::store::Error;

/// How much Spin holds of one result.
const MAX_RESULT: usize = 128 << 20;

/// The one connection of all stores of the application.
#[derive(Clone)]
pub struct Database(Arc<Mutex<Connection>>);

/// One named store.
#[derive(Clone)]
pub struct Store {
    name: String,
    database: Database,
}

/// What a swap compares with.
pub struct Comparison {
    store: Store,
    key: String,
    read: Option<Vec<u8>>,
}

pub enum Swapped {
    Done,
    /// The value is another by now.
    Lost,
}

type Result<T, E = Error> = std::result::Result<T, E>;

impl Database {
    /// Without any pragma: SQLite as it comes.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("{} cannot be made", directory.display()))?;
        }
        let connection = Connection::open(path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        Self::of(connection)
    }

    /// One that is gone with its last handle.
    pub fn in_memory() -> anyhow::Result<Self> {
        Self::of(Connection::open_in_memory()?)
    }

    fn of(connection: Connection) -> anyhow::Result<Self> {
        connection.execute(
            "CREATE TABLE IF NOT EXISTS spin_key_value (
                store TEXT NOT NULL,
                key   TEXT NOT NULL,
                value BLOB NOT NULL,
                PRIMARY KEY (store, key)
            )",
            [],
        )?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Another one, in memory, with all that is in this one at this moment.
    pub fn copied(&self) -> anyhow::Result<Self> {
        let copy = Self::in_memory()?;
        let from = self.0.lock().unwrap();
        let mut rows = from.prepare("SELECT store, key, value FROM spin_key_value")?;
        let mut rows = rows.query([])?;
        let to = copy.0.lock().unwrap();
        while let Some(row) = rows.next()? {
            let (store, key): (String, String) = (row.get(0)?, row.get(1)?);
            put(&to, &store, &key, &row.get::<_, Vec<u8>>(2)?)?;
        }
        drop(to);
        Ok(copy)
    }

    pub fn store(&self, name: &str) -> Store {
        Store {
            name: name.to_owned(),
            database: self.clone(),
        }
    }

    /// Others may run meanwhile, except on the instance that calls.
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        tokio::task::block_in_place(|| {
            let mut connection = self.0.lock().unwrap();
            work(&mut connection).map_err(|error| Error::Other(format!("{error:?}")))
        })
    }
}

impl Store {
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.value(key)?;
        bounded(size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    pub fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        self.database
            .with(|connection| put(connection, &self.name, key, value))
            .map(drop)
    }

    pub fn delete(&self, key: &str) -> Result<()> {
        self.database.with(|connection| {
            connection
                .prepare_cached("DELETE FROM spin_key_value WHERE store=$1 AND key=$2")?
                .execute([&self.name, key])
                .map(drop)
        })
    }

    pub fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.value(key)?.is_some())
    }

    pub fn keys(&self) -> Result<Vec<String>> {
        let keys = self.database.with(|connection| {
            connection
                .prepare_cached("SELECT key FROM spin_key_value WHERE store=$1")?
                .query_map([&self.name], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let sizes = keys.iter().map(|key| size_of::<String>() + key.len());
        bounded(size_of::<Vec<String>>() + sizes.sum::<usize>())?;
        Ok(keys)
    }

    /// Those that are there, each once, whatever the order of the keys.
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<(String, Option<Vec<u8>>)>> {
        type Row = (String, Option<Vec<u8>>);
        let keys = array(keys)?;
        let rows = self.database.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, value FROM spin_key_value
                     WHERE store=:name AND key IN (SELECT value FROM json_each(:keys))",
                )?
                .query_map(named_params! { ":name": self.name, ":keys": keys }, |row| {
                    Row::try_from(row)
                })?
                .collect::<rusqlite::Result<Vec<Row>>>()
        })?;
        let sizes = rows
            .iter()
            .map(|(key, value)| size_of::<Row>() + key.len() + value.as_ref().map_or(0, Vec::len));
        bounded(size_of::<Vec<String>>() + sizes.sum::<usize>())?;
        Ok(rows)
    }

    /// In one transaction.
    pub fn set_many(&self, pairs: &[(String, Vec<u8>)]) -> Result<()> {
        self.database.with(|connection| {
            let transaction = connection.transaction()?;
            for (key, value) in pairs {
                put(&transaction, &self.name, key, value)?;
            }
            transaction.commit()
        })
    }

    pub fn delete_many(&self, keys: &[String]) -> Result<()> {
        let keys = array(keys)?;
        self.database.with(|connection| {
            connection
                .prepare_cached(
                    "DELETE FROM spin_key_value
                     WHERE store=:name AND key IN (SELECT value FROM json_each(:keys))",
                )?
                .execute(named_params! { ":name": self.name, ":keys": keys })
                .map(drop)
        })
    }

    pub fn increment(&self, key: &str, delta: i64) -> Result<i64> {
        self.database.with(|connection| {
            let transaction = connection.transaction()?;
            let number = match value(&transaction, &self.name, key)? {
                Some(bytes) => i64::from_le_bytes(bytes.try_into().expect("incorrect length")),
                None => 0,
            };
            let number = number.wrapping_add(delta);
            put(&transaction, &self.name, key, &number.to_le_bytes())?;
            transaction.commit()?;
            Ok(number)
        })
    }

    pub fn comparison(&self, key: String) -> Comparison {
        Comparison {
            store: self.clone(),
            key,
            read: None,
        }
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.database
            .with(|connection| value(connection, &self.name, key))
    }
}

impl Comparison {
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What there is now, which a swap then expects to find.
    pub fn current(&mut self) -> Result<Option<Vec<u8>>> {
        self.read = self.store.value(&self.key)?;
        bounded(size_of::<Option<Vec<u8>>>() + self.read.as_ref().map_or(0, Vec::len))?;
        Ok(self.read.clone())
    }

    pub fn swap(&self, value: &[u8]) -> Result<Swapped> {
        let Store { name, database } = &self.store;
        let changed = database.with(|connection| match &self.read {
            Some(read) => connection
                .prepare_cached(
                    "UPDATE spin_key_value SET value=:new
                     WHERE store=:name AND key=:key AND value=:old",
                )?
                .execute(named_params! {
                    ":name": name,
                    ":key": self.key,
                    ":old": read,
                    ":new": value,
                }),
            None => put(connection, name, &self.key, value),
        })?;
        Ok(match changed {
            1 => Swapped::Done,
            _ => Swapped::Lost,
        })
    }
}

fn value(connection: &Connection, store: &str, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM spin_key_value WHERE store=$1 AND key=$2")?
        .query_map([store, key], |row| row.get(0))?
        .next()
        .transpose()
}

fn put(connection: &Connection, store: &str, key: &str, value: &[u8]) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT INTO spin_key_value (store, key, value) VALUES ($1, $2, $3)
             ON CONFLICT(store, key) DO UPDATE SET value=$3",
        )?
        .execute(params![store, key, value])
}

/// The keys as one value for SQLite.
fn array(keys: &[String]) -> Result<String> {
    serde_json::to_string(keys).map_err(|error| Error::Other(error.to_string()))
}

fn bounded(size: usize) -> Result<()> {
    match size > MAX_RESULT {
        true => Err(Error::Other(format!(
            "query result exceeds limit of {MAX_RESULT} bytes"
        ))),
        false => Ok(()),
    }
}

/// What no component of `tests/platforms/spin_host` can show.
#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Store {
        Database::in_memory().unwrap().store("default")
    }

    #[test]
    fn stores_do_not_share_keys() {
        let store = opened();
        store.set("key", b"value").unwrap();
        let other = store.database.store("other");
        assert_eq!(other.get("key").unwrap(), None);
    }

    #[test]
    fn a_value_read_and_then_deleted_is_lost() {
        let store = opened();
        store.set("key", b"one").unwrap();
        let mut comparison = store.comparison("key".to_owned());
        comparison.current().unwrap();
        store.delete("key").unwrap();
        let swapped = comparison.swap(b"two").unwrap();
        assert!(matches!(swapped, Swapped::Lost));
    }

    #[test]
    fn a_result_has_a_limit_and_a_value_has_none() {
        let store = opened();
        let most = MAX_RESULT - size_of::<Option<Vec<u8>>>();
        store.set("fits", &vec![0; most]).unwrap();
        assert!(store.get("fits").unwrap().is_some());
        store.set("does not", &vec![0; most + 1]).unwrap();
        assert!(store.exists("does not").unwrap());
        assert!(matches!(store.get("does not"), Err(Error::Other(_))));
    }
}
