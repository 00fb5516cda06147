//! Refined concepts.

use concept_refinement_domain::capability::{ConceptPage, Position};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::document;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::reads::{one_more, page_of, start, with_position};
use super::references;
use super::rows::{maybe, stored, unreadable};
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::{all, find};

const COLUMNS: &str = "id, created_at, content";

/// Its index among these columns.
const CREATED_AT: usize = 1;

pub(super) fn insert(tx: &Tx<'_>, concept: &Concept) -> Result<(), Fault> {
    let Concept {
        id,
        created_at,
        content,
    } = concept;
    tx.execute(
        "INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, image_sha256, \
         parent_id, created_at, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            content.task_id,
            content.user_id,
            content.is_anonymous,
            content.image_path,
            content.image_sha256,
            content.parent_id,
            Stored(*created_at),
            document::write(content),
        ],
    )
}

pub(super) fn get(
    connection: &Connection,
    user_id: &str,
    id: &str,
) -> Result<Option<Concept>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM concept WHERE id = ? AND user_id = ?");
    Ok(find(connection, &sql, [id, user_id], read)?)
}

pub(super) fn list(
    connection: &Connection,
    user_id: &str,
    limit: u32,
    after: Option<Position>,
) -> Result<ConceptPage, Fault> {
    let (created_at, id) = start(after);
    let sql = format!(
        "SELECT {COLUMNS} FROM concept WHERE user_id = ? AND (created_at, id) < (?, ?) \
         ORDER BY created_at DESC, id DESC LIMIT ?"
    );
    let parameters = params![user_id, created_at, id, one_more(limit)];
    let rows = all(connection, &sql, parameters, |row| {
        with_position(row, CREATED_AT, read)
    })?;
    Ok(page_of(rows, limit))
}

pub(super) fn children(
    connection: &Connection,
    user_id: &str,
    id: &str,
    limit: u32,
) -> Result<Vec<Concept>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM concept WHERE parent_id = ? AND user_id = ? \
         ORDER BY created_at, id LIMIT ?"
    );
    Ok(all(connection, &sql, params![id, user_id, limit], read)?)
}

pub(super) fn find_image(
    connection: &Connection,
    sha256: &str,
) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT min(created_at) FROM concept WHERE image_sha256 = ?";
    Ok(find(connection, sql, [sha256], |row| maybe(row, 0))?.flatten())
}

/// The task keeps its result id, but loses its image.
pub(super) fn delete(tx: &Tx<'_>, user_id: &str, id: &str) -> Result<Option<String>, Fault> {
    let sql = "DELETE FROM concept WHERE id = ? AND user_id = ? RETURNING image_path, task_id";
    let deleted = find(tx.connection, sql, [id, user_id], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    let Some((image_path, task_id)) = deleted else {
        return Ok(None);
    };
    take_image(tx, &task_id)?;
    references::forget(tx, &task_id)?;
    Ok(Some(image_path))
}

/// Removes the image of a task, along with its concept.
pub(super) fn take_image(tx: &Tx<'_>, task_id: &str) -> Result<(), Fault> {
    let sql = "UPDATE task SET image_path = NULL WHERE id = ?";
    tx.execute(sql, [task_id])
}

fn read(row: &Row<'_>) -> rusqlite::Result<Concept> {
    Ok(Concept {
        id: row.get(0)?,
        created_at: stored(row, CREATED_AT)?,
        content: document::read(row.get_ref(2)?.as_str()?).map_err(unreadable)?,
    })
}
