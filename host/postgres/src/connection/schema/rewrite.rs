//! Rewrites the rows of an earlier version's tables.

use std::time::Duration;

use concept_refinement_capability::moving::Table;
use concept_refinement_capability::upgrade::Rewrite;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::admin::moving::{insert, read, types};
use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::Cells;

/// How many rows are read, and written, at once.
const BATCH: u32 = 2_000;

/// When progress is logged first.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is logged then.
const INTERVAL: Duration = Duration::from_secs(5);

pub(super) async fn all(
    session: &Session<'_>,
    schema: &str,
    rewrites: &'static [Rewrite],
) -> Result<(), Fault> {
    // Columns may be read by queries, which do not name the schema.
    session
        .batch(&format!("SET LOCAL search_path = \"{schema}\""))
        .await?;
    let mut log_at = Instant::now() + PATIENCE;
    for rewrite in rewrites {
        rows(session, rewrite, &mut log_at).await?;
    }
    Ok(())
}

async fn rows(
    session: &Session<'_>,
    Rewrite { from, to, row }: &'static Rewrite,
    log_at: &mut Instant,
) -> Result<(), Fault> {
    let (total, mut done) = (count(session, from).await?, 0);
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
            Ok(batch.into_iter().map(row).collect())
        };
        let count;
        (count, batch, rewritten) = futures::try_join!(written, read, rewriting)?;
        done += count;
        if Instant::now() >= *log_at {
            *log_at = Instant::now() + INTERVAL;
            let (what, done, total) = (from.known_as, grouped(done), grouped(total));
            tracing::info!("upgrading the {what}: {done} of {total}");
        }
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
    let row = session.query_opt(&sql, &[]).await?;
    row.map_or(Ok(0), |row| Cells::of(&row).count())
}

/// With a comma before each three digits.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_034, "12,034"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}
