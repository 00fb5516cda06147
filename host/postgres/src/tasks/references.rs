//! Finds images that nothing refers to now or will ever refer to.

use std::collections::HashSet;

use concept_refinement_domain::image::Format;
use concept_refinement_domain::refined;
use concept_refinement_domain::rulebook::{ImageFacts, is_unreferenced};

use crate::PostgresTasks;
use crate::connection::database::SCAN_DEADLINE;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Text, id, parameters};
use crate::tasks::rows::{columns, read};

/// A mask has no column: no other text of a document looks like one, as quotes in it are
/// escaped.
///
/// A single statement, and so one snapshot: between two statements a worker could
/// complete its task, and both would miss its image.
const FACTS: &str = concat!(
    "SELECT image.number, tombstone.task_id IS NOT NULL, concept.image_path, \
     EXISTS (SELECT FROM schema.task AS other \
         WHERE other.original_path = ANY (ARRAY (SELECT image.path || format \
             FROM unnest($3) AS format)) AND other.completed_at IS NULL) \
     OR EXISTS (SELECT FROM schema.task AS other WHERE other.completed_at IS NULL \
         AND (strpos(other.request, '\"mask_path\":\"' || image.path || '\"') > 0 \
             OR strpos(other.request, '\"mask_path\":\"' || image.path || '.') > 0)), ",
    columns!(),
    " FROM unnest($1, $2) WITH ORDINALITY AS image (path, task_id, number) \
     LEFT JOIN schema.task ON task.id = image.task_id \
     LEFT JOIN schema.tombstone ON tombstone.task_id = image.task_id \
     LEFT JOIN schema.concept ON concept.task_id = image.task_id"
);

/// Returns those of these images that nothing refers to.
pub(crate) async fn unreferenced(
    store: &PostgresTasks,
    mut image_paths: Vec<String>,
) -> Result<Vec<String>, Fault> {
    let task_ids: Vec<_> = image_paths
        .iter()
        .map(|path| refined::task_and_attempt(path).and_then(|(task_id, _)| id(task_id)))
        .collect();
    // A path may lack its format.
    let mut formats = vec![String::new()];
    formats.extend(Format::ALL.map(|format| format!(".{}", format.extension())));
    let parameters = parameters![Text::all(&image_paths), task_ids, formats];
    let session = store.database.session_within(SCAN_DEADLINE).await?;
    let rows = session.query(FACTS, &parameters).await?;
    let mut unreferenced = HashSet::new();
    for row in &rows {
        const TASK: usize = 4;
        let mut cells = Cells::of(row);
        let number: usize = cells.count()?;
        let index = number.checked_sub(1);
        let Some(path) = index.and_then(|index| image_paths.get(index)) else {
            continue;
        };
        let is_forgotten = cells.get()?;
        let concept_image = cells.maybe_text()?;
        let is_original = cells.get()?;
        let task = match row.try_get::<_, Option<uuid::Uuid>>(TASK)? {
            Some(id) => match readable(id, read(&mut cells))? {
                Some(stored) => Some(stored.record),
                // It may refer to the image.
                None => continue,
            },
            None => None,
        };
        let facts = ImageFacts {
            task: task.as_ref(),
            is_forgotten,
            concept_image: concept_image.as_deref(),
            is_original,
        };
        if is_unreferenced(path, facts) {
            unreferenced.insert(path.clone());
        }
    }
    image_paths.retain(|path| unreferenced.contains(path));
    Ok(image_paths)
}
