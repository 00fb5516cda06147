//! The table, and how an older one becomes it.

use rusqlite::Connection;

/// Later ones are added behind; what was released is never changed.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE image (
        id INTEGER PRIMARY KEY,
        -- Of the owner, and of the image, as in its path.
        tag TEXT NOT NULL,
        name TEXT NOT NULL,
        -- What is said of it, as in a file.
        envelope TEXT NOT NULL,
        contents BLOB NOT NULL,
        -- It is gone, but for a backup that is being made.
        removed INTEGER NOT NULL DEFAULT FALSE
    ) STRICT;
    -- Names begin with the task's id, which are in order of time.
    CREATE UNIQUE INDEX image_name ON image (name, tag);
    CREATE INDEX image_removed ON image (id) WHERE removed;
"];

pub(super) enum SchemaError {
    /// It is of a newer release.
    Newer,
    Engine(rusqlite::Error),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

pub(super) fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(SchemaError::Newer);
    }
    if version == 0 {
        // Room that images leave has to become the disk's again. It takes effect by
        // writing the file, which is empty, anew.
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
        connection.execute_batch("VACUUM")?;
    }
    for (number, migration) in (1..).zip(MIGRATIONS).skip(version) {
        let step = connection.transaction()?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "user_version", number)?;
        step.commit()?;
    }
    Ok(())
}
