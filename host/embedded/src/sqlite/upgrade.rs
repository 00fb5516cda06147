//! Changes the tables of an earlier version, and rewrites their rows.

use std::io;
use std::path::Path;

use concept_refinement_capability::migration::Step;
use concept_refinement_capability::moving::parameters;
use concept_refinement_capability::room::Disk;
use concept_refinement_capability::upgrade::{Progress, Rewrite};
use rusqlite::{Connection, params_from_iter};

use super::records::{cell, record};
use super::schema::SchemaError;

/// How many times its size a database takes besides, at most, until its upgrade has ended:
/// the rows as they will be, once in the log and once in the file, and the indexes.
const EXTRA: u64 = 3;

/// How often the time is looked at, in rows.
const LOOK: u64 = 1_000;

/// `place`: where the file of the database is; none: in memory.
pub(super) fn look_for_room(
    connection: &Connection,
    place: Option<&Path>,
) -> Result<(), SchemaError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    let used = pages.saturating_mul(number("page_size")?).unsigned_abs();
    let needed = used.saturating_mul(EXTRA);
    match place.and_then(Disk::of) {
        Some(disk) if disk.available < needed => {
            let reason = lacking(needed, disk.available);
            Err(SchemaError::NoRoom(io::Error::other(reason)))
        }
        _ => Ok(()),
    }
}

/// In bytes. What is needed is rounded up and what is free down, so that they differ.
fn lacking(needed: u64, free: u64) -> String {
    const KB: u64 = 1_000;
    const MB: u64 = 1_000_000;
    let needed = match needed {
        ..MB => format!("{} kB", needed.div_ceil(KB)),
        _ => format!("{} MB", needed.div_ceil(MB)),
    };
    let free = match free {
        ..MB => format!("{} kB", free / KB),
        _ => format!("{} MB", free / MB),
    };
    format!("it needs {needed}, and {free} are free")
}

pub(super) fn run(connection: &Connection, steps: &[Step]) -> rusqlite::Result<()> {
    for step in steps {
        match step {
            Step::Sql(sql) => connection.execute_batch(sql)?,
            Step::Rewrite(rewrites) => {
                let mut progress = Progress::start();
                for rewrite in *rewrites {
                    rewrite_rows(connection, rewrite, &mut progress)?;
                }
            }
        }
    }
    Ok(())
}

/// In the order in which the rows are in the file.
fn rewrite_rows(
    connection: &Connection,
    rewrite: &Rewrite,
    progress: &mut Progress,
) -> rusqlite::Result<()> {
    let Rewrite { from, to, .. } = rewrite;
    let count = format!("SELECT count(*) FROM {}", from.name);
    let all: i64 = connection.query_row(&count, [], |row| row.get(0))?;
    let select = format!("SELECT {} FROM {}", from.columns, from.name);
    let columns = to.columns;
    let values = parameters(columns);
    let insert = format!("INSERT INTO {} ({columns}) VALUES ({values})", to.name);
    let mut insert = connection.prepare(&insert)?;
    let mut select = connection.prepare(&select)?;
    let mut rows = select.query([])?;
    let (rewritten, mut done) = (rewrite.rows(), 0);
    while let Some(found) = rows.next()? {
        let cells = rewritten(record(found)?);
        insert.execute(params_from_iter(cells.iter().map(cell)))?;
        done += 1;
        if done % LOOK == 0 {
            progress.report(from.known_as, done, all.unsigned_abs());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_told_in_sizes_that_differ() {
        for (needed, free, expected) in [
            (516_096, 237_568, "it needs 517 kB, and 237 kB are free"),
            (516_096, 516_095, "it needs 517 kB, and 516 kB are free"),
            (1_000_000, 999_999, "it needs 1 MB, and 999 kB are free"),
            (
                177_400_000,
                98_100_000,
                "it needs 178 MB, and 98 MB are free",
            ),
            (2_000_000, 1_999_999, "it needs 2 MB, and 1 MB are free"),
            (3, 0, "it needs 1 kB, and 0 kB are free"),
        ] {
            assert_eq!(lacking(needed, free), expected);
        }
    }
}
