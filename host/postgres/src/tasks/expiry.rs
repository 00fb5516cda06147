//! Removing old tasks and concepts.

use concept_refinement_capability::clock;
use concept_refinement_capability::tasks::Expired;
use concept_refinement_domain::session::LIFE;
use concept_refinement_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::sessions;
use crate::connection::values::{Cells, Time, parameters};

/// Concepts are removed by their own age, since their task may have been
/// deleted. A task that remains because of the limit loses its image, as if the
/// concept had been deleted.
pub(crate) async fn expire(
    store: &PostgresTasks,
    before: Timestamp,
    limit: u32,
) -> Result<Expired, Fault> {
    let concepts = "created_at < $1 AND $3::timestamptz IS NOT NULL";
    let tasks = "completed_at < $1 AND $3::timestamptz IS NOT NULL ORDER BY completed_at";
    remove(store, [concepts, tasks], [before, before], limit).await
}

/// Removes the data of anonymous users whose last session ended before this time, as
/// `session::is_abandoned` defines it.
pub(crate) async fn abandon(
    store: &PostgresTasks,
    before: Timestamp,
    limit: u32,
) -> Result<Expired, Fault> {
    let concepts = "is_anonymous AND created_at < $1 AND NOT EXISTS (SELECT FROM schema.session \
         WHERE session.user_id = concept.user_id AND until >= $3)";
    let tasks = "is_anonymous AND completed_at IS NOT NULL AND created_at < $1 \
         AND NOT EXISTS (SELECT FROM schema.session \
         WHERE session.user_id = task.user_id AND until >= $3) ORDER BY created_at";
    let made_before = clock::before(before, LIFE);
    let removed = remove(store, [concepts, tasks], [made_before, before], limit).await?;
    if removed == Expired::default() {
        sessions::forget(&store.database.session().await?, before, limit).await?;
    }
    Ok(removed)
}

/// `concepts` and `tasks` are SQL conditions, in which `$1` and `$3` are these times.
async fn remove(
    store: &PostgresTasks,
    [of_concepts, of_tasks]: [&'static str; 2],
    [first, third]: [Timestamp; 2],
    limit: u32,
) -> Result<Expired, Fault> {
    const TAKE_IMAGES: &str = "UPDATE schema.task SET image_path = NULL, version = version + 1 \
         WHERE id = ANY ($1)";
    const LEAVE_TOMBSTONES: &str = "INSERT INTO schema.tombstone (task_id, deleted_at) \
         SELECT DISTINCT id, $2 FROM unnest($1) AS id \
         ON CONFLICT (task_id) DO UPDATE SET deleted_at = excluded.deleted_at";
    let concepts = format!(
        "DELETE FROM schema.concept WHERE id = ANY (ARRAY (SELECT id FROM schema.concept \
         WHERE {of_concepts} AND NOT EXISTS (SELECT FROM schema.task \
             WHERE original_path = concept.image_path AND completed_at IS NULL) \
         AND NOT EXISTS (SELECT FROM schema.task WHERE completed_at IS NULL \
             AND strpos(request, '\"mask_path\":\"' || concept.image_path || '\"') > 0) \
         ORDER BY created_at LIMIT $2)) RETURNING task_id, image_path"
    );
    let tasks = format!(
        "DELETE FROM schema.task WHERE id = ANY (ARRAY (SELECT id FROM schema.task \
         WHERE {of_tasks} LIMIT $2)) RETURNING id"
    );
    let parameters = parameters![Time(first), i64::from(limit), Time(third)];
    let session = store.database.session().await?;
    let (_, concepts, tasks) = futures::try_join!(
        session.begin(None),
        session.query(&concepts, &parameters),
        session.query(&tasks, &parameters),
    )?;
    let (mut of_concepts, mut image_paths) = (Vec::new(), Vec::new());
    for row in &concepts {
        let mut cells = Cells::of(row);
        of_concepts.push(cells.get::<Uuid>()?);
        image_paths.push(cells.text()?);
    }
    let mut deleted = of_concepts.clone();
    for row in &tasks {
        deleted.push(row.try_get(0)?);
    }
    let take = parameters![of_concepts];
    let leave = parameters![deleted, Time(store.clock.now())];
    futures::try_join!(
        session.execute(TAKE_IMAGES, &take),
        session.execute(LEAVE_TOMBSTONES, &leave),
        session.commit(),
    )?;
    let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    Ok(Expired {
        tasks: count(tasks.len()),
        concepts: count(image_paths.len()),
        image_paths,
    })
}
