//! Rewrites the rows of an earlier version's tables.

use concept_refinement_capability::moving::Table;
use concept_refinement_capability::upgrade::{Progress, Rewrite};
use tokio::task::yield_now;

use crate::admin::moving::{insert, read, types};
use crate::connection::database::Session;
use crate::connection::fault::Fault;

/// How many rows are read, and written, at once.
const BATCH: u32 = 2_000;

pub(super) async fn all(
    session: &Session<'_>,
    schema: &str,
    rewrites: &'static [Rewrite],
) -> Result<(), Fault> {
    // Columns may be read by queries, which do not name the schema.
    let path = format!("SET LOCAL search_path = \"{schema}\"");
    session.batch(&path).await?;
    let mut progress = Progress::start();
    for rewrite in rewrites {
        rows(session, rewrite, &mut progress).await?;
    }
    Ok(())
}

async fn rows(
    session: &Session<'_>,
    rewrite: &'static Rewrite,
    progress: &mut Progress,
) -> Result<(), Fault> {
    let Rewrite { from, to, .. } = rewrite;
    let (total, mut done) = (count(session, from).await?, 0);
    let row = rewrite.rows();
    let (read_types, written_types) = (types(session, from).await?, types(session, to).await?);
    let next = async |after| read(session, from, &read_types, after, BATCH).await;
    let mut batch = next(None).await?;
    let mut rewritten = Vec::new();
    while !batch.is_empty() || !rewritten.is_empty() {
        let last = batch.last().cloned();
        // While this batch is rewritten, the server writes the one before and reads the next.
        let written = insert(session, to, &written_types, rewritten);
        let read = async {
            match last {
                Some(_) => next(last).await,
                None => Ok(Vec::new()),
            }
        };
        let rewriting = async {
            // The connection may need this thread to send the statements.
            yield_now().await;
            Ok(batch.into_iter().map(&row).collect())
        };
        let count;
        (count, batch, rewritten) = futures::try_join!(written, read, rewriting)?;
        done += count;
        progress.report(from.known_as, done, total);
    }
    match done == total {
        true => Ok(()),
        false => Err(Fault::Unreadable(format!(
            "of {total} {}, {done} were rewritten",
            from.known_as
        ))),
    }
}

async fn count(session: &Session<'_>, table: &Table) -> Result<u64, Fault> {
    let sql = format!("SELECT count(*) FROM schema.{}", table.name);
    session.one(&sql, &[], |cells| cells.count()).await
}
