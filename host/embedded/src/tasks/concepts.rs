//! Refined concepts.

use concept_refinement_domain::capability::{ConceptPage, Position};
use concept_refinement_domain::concept::{Concept, ConceptContent};
use rusqlite::{Connection, Row, named_params, params};

use super::fault::Fault;
use super::reads::{one_more, page_of, start, with_position};
use super::references;
use super::stored::{Json, Stored};
use super::writer::Step;
use crate::sqlite::statements::{all, find, run};

const COLUMNS: &str = "id, task_id, user_id, is_anonymous, image_path, image_url, \
     original_image_url, refinement_prompt, logo_description, theme_description, color_palettes, \
     notes, created_at";

/// Its index among these columns.
const CREATED_AT: usize = 12;

pub(super) fn insert(step: &Step<'_>, concept: &Concept) -> Result<(), Fault> {
    let Concept {
        id,
        created_at,
        content,
    } = concept;
    let sql = format!(
        "INSERT INTO concept ({COLUMNS}) VALUES (:id, :task_id, :user_id, :is_anonymous, \
         :image_path, :image_url, :original, :prompt, :logo, :theme, :color_palettes, :notes, \
         :created_at)"
    );
    let parameters = named_params! {
        ":id": id,
        ":task_id": content.task_id,
        ":user_id": content.user_id,
        ":is_anonymous": content.is_anonymous,
        ":image_path": content.image_path,
        ":image_url": content.image_url,
        ":original": content.original_image_url,
        ":prompt": content.refinement_prompt,
        ":logo": content.logo_description,
        ":theme": content.theme_description,
        ":color_palettes": Json(&content.color_palettes),
        ":notes": Json(&content.notes),
        ":created_at": Stored(*created_at),
    };
    run(step.connection, &sql, parameters)?;
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
pub(super) fn delete(step: &Step<'_>, user_id: &str, id: &str) -> Result<Option<String>, Fault> {
    let sql = "DELETE FROM concept WHERE id = ? AND user_id = ? RETURNING image_path, task_id";
    let deleted = find(step.connection, sql, [id, user_id], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    let Some((image_path, task_id)) = deleted else {
        return Ok(None);
    };
    take_image(step, &task_id)?;
    references::forget(step, &task_id)?;
    Ok(Some(image_path))
}

/// Removes the image of a task, along with its concept.
pub(super) fn take_image(step: &Step<'_>, task_id: &str) -> Result<(), Fault> {
    let sql = "UPDATE task SET image_path = NULL WHERE id = ?";
    run(step.connection, sql, [task_id])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Concept> {
    Ok(Concept {
        id: row.get("id")?,
        created_at: row.get::<_, Stored<_>>("created_at")?.0,
        content: ConceptContent {
            task_id: row.get("task_id")?,
            user_id: row.get("user_id")?,
            is_anonymous: row.get("is_anonymous")?,
            image_path: row.get("image_path")?,
            image_url: row.get("image_url")?,
            original_image_url: row.get("original_image_url")?,
            refinement_prompt: row.get("refinement_prompt")?,
            logo_description: row.get("logo_description")?,
            theme_description: row.get("theme_description")?,
            color_palettes: row.get::<_, Json<_>>("color_palettes")?.0,
            notes: row.get::<_, Json<_>>("notes")?.0,
        },
    })
}
