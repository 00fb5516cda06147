//! Refined concepts.

use concept_refinement_domain::capability::{ConceptPage, Position};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::document;
use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, id, parameters};
use crate::tasks::delete::tombstones;
use crate::tasks::reads::{one_more, page_of, start};

/// The document has the values of the other columns too.
const COLUMNS: &str = "id, created_at, content";

pub(crate) async fn get(
    store: &PostgresTasks,
    user_id: &str,
    concept_id: &str,
) -> Result<Option<Concept>, Fault> {
    let session = store.database.session_of(user_id).await?;
    let Some(id) = id(concept_id) else {
        return Ok(None);
    };
    let sql = format!("SELECT {COLUMNS} FROM schema.concept WHERE id = $1 AND user_id = $2");
    let parameters = parameters![id, Text::of(user_id)];
    session.find(&sql, &parameters, read).await
}

pub(crate) async fn list(
    store: &PostgresTasks,
    user_id: &str,
    limit: u32,
    after: Option<Position>,
) -> Result<ConceptPage, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schema.concept WHERE user_id = $1 AND (created_at, id) < ($2, $3) \
         ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    let session = store.database.session_of(user_id).await?;
    let (created_at, id) = start(after);
    let parameters = parameters![Text::of(user_id), created_at, id, one_more(limit)];
    let rows = session.query(&sql, &parameters).await?;
    page_of(&rows, limit, read)
}

pub(crate) async fn children(
    store: &PostgresTasks,
    user_id: &str,
    parent_id: &str,
    limit: u32,
) -> Result<Vec<Concept>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schema.concept WHERE parent_id = $1 AND user_id = $2 \
         ORDER BY created_at, id LIMIT $3"
    );
    let Some(parent_id) = id(parent_id) else {
        return Ok(Vec::new());
    };
    let session = store.database.session_of(user_id).await?;
    let parameters = parameters![parent_id, Text::of(user_id), i64::from(limit)];
    session.all(&sql, &parameters, read).await
}

pub(crate) async fn find_image(
    store: &PostgresTasks,
    sha256: &str,
) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT created_at FROM schema.concept WHERE image_sha256 = $1 \
         ORDER BY created_at LIMIT 1";
    let session = store.database.session().await?;
    let parameters = parameters![Text::of(sha256)];
    session.find(sql, &parameters, |cells| cells.time()).await
}

/// The task keeps its result id and loses its image.
pub(crate) async fn delete(
    store: &PostgresTasks,
    user_id: &str,
    concept_id: &str,
) -> Result<Option<String>, Fault> {
    let sql = format!(
        "WITH gone AS (DELETE FROM schema.concept \
             WHERE id = $1 AND user_id = $3 RETURNING task_id, image_path), \
         taken AS (UPDATE schema.task SET image_path = NULL, version = version + 1 \
             WHERE id = (SELECT task_id FROM gone)), {} SELECT image_path FROM gone",
        tombstones("task_id")
    );
    let Some(id) = id(concept_id) else {
        return Ok(None);
    };
    let session = store.database.session_of(user_id).await?;
    let parameters = parameters![id, Time(store.clock.now()), Text::of(user_id)];
    session.find(&sql, &parameters, |cells| cells.text()).await
}

fn read(cells: &mut Cells<'_>) -> Result<Concept, Fault> {
    Ok(Concept {
        id: cells.id()?,
        created_at: cells.time()?,
        content: document::read(cells.get()?)?,
    })
}
