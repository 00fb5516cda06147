//! Refined concepts.

use concept_refinement_domain::capability::{ConceptPage, Position};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::document;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::reads::{one_more, page_of, start, with_position};
use super::references;
use super::rows::unreadable;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::{all, find, run};

const COLUMNS: &str = "id, created_at, content";

/// Its index among these columns.
const CREATED_AT: usize = 1;

pub(super) fn insert(tx: &Tx<'_>, concept: &Concept) -> Result<(), Fault> {
    let Concept {
        id,
        created_at,
        content,
    } = concept;
    run(
        tx.connection,
        "INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, image_sha256, \
         created_at, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            content.task_id,
            content.user_id,
            content.is_anonymous,
            content.image_path,
            content.image_sha256,
            Stored(*created_at),
            document::write(content),
        ],
    )?;
    Ok(())
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
    run(tx.connection, sql, [task_id])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Concept> {
    Ok(Concept {
        id: row.get(0)?,
        created_at: row.get::<_, Stored<_>>(CREATED_AT)?.0,
        content: document::read(row.get_ref(2)?.as_str()?).map_err(unreadable)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use concept_refinement_capability::clock::SystemClock;
    use concept_refinement_capability::tasks::{Leases as _, Options, Tasks as _};
    use concept_refinement_domain::capability::{Finished, Stored};
    use concept_refinement_kit::samples::new_task;

    use super::*;
    use crate::tasks::SqliteTasks;

    #[tokio::test]
    async fn a_concept_is_found_by_what_its_image_hashes_to() {
        let clock = Arc::new(SystemClock);
        let store = SqliteTasks::in_memory(Options::default(), clock).unwrap();
        let new = new_task("ada");
        let id = new.id.clone();
        store.submit(new).await.unwrap();
        let claimed = store.claim(&id, None).await.unwrap().unwrap();
        let image = Stored {
            path: "refined/a/b.png".to_owned(),
            url: String::new(),
            sha256: Some("5a".repeat(32)),
        };
        let finished = store.finish(&claimed.lease, image.into()).await;
        assert_eq!(finished, Ok(Finished::Done));
        let found = store.write(|tx| {
            let sql = "SELECT task_id FROM concept WHERE image_sha256 = ?";
            Ok(find(tx.connection, sql, ["5a".repeat(32)], |row| {
                row.get(0)
            })?)
        });
        assert_eq!(found.await, Ok(Some(id)));
    }
}
