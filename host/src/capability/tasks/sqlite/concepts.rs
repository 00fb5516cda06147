//! Refined concepts: prepared by a worker, made visible when the task
//! completes.

use concept_refinement_domain::capability::{ConceptPage, Page, Position};
use concept_refinement_domain::concept::{Concept, NewConcept};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::fault::Fault;
use super::reads::{one_more, start};
use super::references;
use super::stored::Stored;
use super::writer::Step;

const COLUMNS: &str = "id, task_id, user_id, is_anonymous, image_path, image_url, \
     original_image_url, refinement_prompt, logo_description, theme_description, color_palettes, \
     created_at";

/// Replaces what was prepared under the same id.
pub(super) fn prepare(step: &Step<'_>, id: &str, concept: &NewConcept) -> Result<(), Fault> {
    let color_palettes = serde_json::Value::from(concept.color_palettes.clone()).to_string();
    step.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO concept (id, task_id, user_id, is_anonymous, image_path, \
             image_url, original_image_url, refinement_prompt, logo_description, \
             theme_description, color_palettes) VALUES (:id, :task_id, :user_id, :is_anonymous, \
             :image_path, :image_url, :original, :prompt, :logo, :theme, :color_palettes)",
        )?
        .execute(named_params! {
            ":id": id,
            ":task_id": concept.task_id,
            ":user_id": concept.user_id,
            ":is_anonymous": concept.is_anonymous,
            ":image_path": concept.image_path,
            ":image_url": concept.image_url,
            ":original": concept.original_image_url,
            ":prompt": concept.refinement_prompt,
            ":logo": concept.logo_description,
            ":theme": concept.theme_description,
            ":color_palettes": color_palettes,
        })?;
    Ok(())
}

/// Makes the prepared concept visible and returns the path of its image. None:
/// no such concept is prepared.
pub(super) fn publish(step: &Step<'_>, task_id: &str, id: &str) -> Result<Option<String>, Fault> {
    Ok(step
        .connection
        .prepare_cached(
            "UPDATE concept SET created_at = ? \
             WHERE id = ? AND task_id = ? AND created_at IS NULL RETURNING image_path",
        )?
        .query_row(params![Stored(step.now), id, task_id], |row| row.get(0))
        .optional()?)
}

/// Deletes the prepared concept of a task that will not complete.
pub(super) fn drop_prepared(step: &Step<'_>, task_id: &str) -> Result<(), Fault> {
    step.connection
        .prepare_cached("DELETE FROM concept WHERE task_id = ? AND created_at IS NULL")?
        .execute([task_id])?;
    Ok(())
}

pub(super) fn get(
    connection: &Connection,
    user_id: &str,
    id: &str,
) -> Result<Option<Concept>, Fault> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM concept \
             WHERE id = ? AND user_id = ? AND created_at IS NOT NULL"
        ))?
        .query_row([id, user_id], read)
        .optional()?)
}

pub(super) fn list(
    connection: &Connection,
    user_id: &str,
    limit: u32,
    after: Option<Position>,
) -> Result<ConceptPage, Fault> {
    let (created_at, id) = start(after);
    let concepts = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM concept \
             WHERE user_id = ? AND created_at IS NOT NULL AND (created_at, id) < (?, ?) \
             ORDER BY created_at DESC, id DESC LIMIT ?"
        ))?
        .query_map(params![user_id, created_at, id, one_more(limit)], read)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(concepts, limit, |concept| Position {
        created_at: concept.created_at,
        id: concept.id.clone(),
    }))
}

/// The task keeps its result id and loses its image.
pub(super) fn delete(step: &Step<'_>, user_id: &str, id: &str) -> Result<Option<String>, Fault> {
    let deleted: Option<(String, String)> = step
        .connection
        .prepare_cached(
            "DELETE FROM concept WHERE id = ? AND user_id = ? AND created_at IS NOT NULL \
             RETURNING image_path, task_id",
        )?
        .query_row([id, user_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((image_path, task_id)) = deleted else {
        return Ok(None);
    };
    take_image(step, &task_id)?;
    references::forget(step, &task_id)?;
    Ok(Some(image_path))
}

/// Removes a task's image together with its concept.
pub(super) fn take_image(step: &Step<'_>, task_id: &str) -> Result<(), Fault> {
    step.connection
        .prepare_cached("UPDATE task SET image_path = NULL WHERE id = ?")?
        .execute([task_id])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Concept> {
    let color_palettes: String = row.get("color_palettes")?;
    let color_palettes = serde_json::from_str(&color_palettes).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
    })?;
    Ok(Concept {
        id: row.get("id")?,
        created_at: row.get::<_, Stored<_>>("created_at")?.0,
        content: NewConcept {
            task_id: row.get("task_id")?,
            user_id: row.get("user_id")?,
            is_anonymous: row.get("is_anonymous")?,
            image_path: row.get("image_path")?,
            image_url: row.get("image_url")?,
            original_image_url: row.get("original_image_url")?,
            refinement_prompt: row.get("refinement_prompt")?,
            logo_description: row.get("logo_description")?,
            theme_description: row.get("theme_description")?,
            color_palettes,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use concept_refinement_domain::capability::{Fenced, Lease, NewTask, Submission};

    use super::*;
    use crate::capability::clock::ManualClock;
    use crate::capability::tasks::samples::new_task;
    use crate::capability::tasks::sqlite::{Options, SqliteTasks};
    use crate::capability::tasks::{Leases as _, Tasks as _};

    /// A task whose concept is prepared, and its lease.
    async fn prepared(store: &SqliteTasks) -> Lease {
        let new = NewTask {
            user_id: "ada".into(),
            ..new_task("a")
        };
        let Submission::Created(accepted) = store.submit(new).await.unwrap() else {
            panic!("not created")
        };
        let claimed = store.claim("a", None).await.unwrap().unwrap();
        let refinement = accepted.task.refinement;
        let concept = NewConcept {
            task_id: "a".into(),
            user_id: "ada".into(),
            is_anonymous: false,
            image_path: "a".into(),
            image_url: "a".into(),
            original_image_url: refinement.original_image_url,
            refinement_prompt: refinement.refinement_prompt,
            logo_description: None,
            theme_description: None,
            color_palettes: vec![],
        };
        store
            .put_concept(&claimed.lease, concept)
            .await
            .unwrap()
            .unwrap();
        claimed.lease
    }

    async fn rows(store: &SqliteTasks) -> u32 {
        let count = |step: &mut Step<'_>| {
            let count = "SELECT count(*) FROM concept";
            Ok(step.connection.query_row(count, [], |row| row.get(0))?)
        };
        store.write(count).await.unwrap()
    }

    /// A leftover would be invisible, but it would never be removed.
    #[tokio::test]
    async fn nothing_prepared_outlives_its_task() {
        let store = || {
            let clock = Arc::new(ManualClock::default());
            SqliteTasks::in_memory(Options::default(), clock).unwrap()
        };

        let failed = store();
        let lease = prepared(&failed).await;
        assert_eq!(rows(&failed).await, 1);
        assert_eq!(failed.fail(&lease, None, "No.").await, Ok(Fenced::Done));
        assert_eq!(rows(&failed).await, 0);

        let withdrawn = store();
        let lease = prepared(&withdrawn).await;
        assert_eq!(withdrawn.release(&lease).await, Ok(Fenced::Done));
        assert_eq!(withdrawn.withdraw("a", "No.").await, Ok(Fenced::Done));
        assert_eq!(rows(&withdrawn).await, 0);

        let deleted = store();
        prepared(&deleted).await;
        let answer = deleted.delete("ada", "a").await.unwrap();
        assert!(answer.is_some());
        assert_eq!(rows(&deleted).await, 0);
    }
}
