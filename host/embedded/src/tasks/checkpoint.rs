//! Keeps the write-ahead log short, even if reads never pause.
//!
//! SQLite checkpoints the log automatically, and restarts it when no reader uses it.
//! Overlapping reads prevent the restart, and the log would grow. So beyond a certain
//! size, this makes SQLite wait for the readers: reads that begin meanwhile use only the
//! main file, so it waits only for the longest read in progress.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;

use crate::sqlite::connection::{BUSY_TIMEOUT, MAX_LOG_BYTES};

/// How long to wait for readers; nothing is written meanwhile. Only a scan of the whole
/// store may take longer; then the log grows until the scan ends.
const READER_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct LogLimit {
    log: PathBuf,
    /// The size from which the log is restarted, in bytes.
    at: u64,
}

impl LogLimit {
    /// None: an in-memory database.
    pub(super) fn of(connection: &Connection) -> Option<Self> {
        let file = connection.path().filter(|file| !file.is_empty())?;
        Some(Self {
            log: PathBuf::from(format!("{file}-wal")),
            at: MAX_LOG_BYTES,
        })
    }

    /// Called after each commit. The first commit after a restart truncates the
    /// log file.
    pub(super) fn keep(&mut self, connection: &Connection) {
        let size = fs::metadata(&self.log).map_or(0, |log| log.len());
        if size <= self.at {
            return;
        }
        self.at = match restart(connection) {
            Ok(true) => MAX_LOG_BYTES,
            Ok(false) => size.saturating_add(MAX_LOG_BYTES),
            Err(error) => {
                tracing::warn!(%error, "the task store's log cannot be cut back");
                size.saturating_add(MAX_LOG_BYTES)
            }
        };
    }
}

/// False: a reader did not finish in time.
fn restart(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(READER_TIMEOUT)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| {
        row.get::<_, bool>(0)
    });
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!is_busy?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use concept_refinement_capability::administration::Seats;
    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::tasks::hub::Hub;
    use futures::future::join_all;

    use concept_refinement_capability::tasks::Options;

    use super::*;
    use crate::sqlite::connection::{reader, writer};
    use crate::tasks::readers::Readers;
    use crate::tasks::writer::Writer;

    /// Slow enough that two alternating readers leave no gap.
    const SLOW_READ: &str = "WITH RECURSIVE count (n) AS \
        (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 5000) \
        SELECT max(n) + (SELECT count(*) FROM text) FROM count";

    #[tokio::test]
    async fn the_log_stays_short_while_readers_never_rest() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        let log = place.path().join("file-wal");
        let connection = writer(&file).unwrap();
        connection
            .execute_batch("CREATE TABLE text (text TEXT)")
            .unwrap();
        let readers = Readers::open(1, Arc::default(), || reader(&file)).unwrap();
        let (clock, hub) = (Arc::<ManualClock>::default(), Arc::<Hub>::default());
        let writer = Writer::start(
            connection,
            vec![],
            clock,
            hub,
            Arc::default(),
            &Options::default(),
        )
        .unwrap();

        let done = AtomicBool::new(false);
        let read = |connection: &Connection| {
            Ok(connection.query_row(SLOW_READ, [], |row| row.get::<_, i64>(0))?)
        };
        let reading = join_all((0..9).map(async |number| {
            while !done.load(Ordering::Relaxed) {
                // Seats of their own, so that only the readers limit them.
                let seat = match number % 3 {
                    0 => None,
                    _ => Some(Seats::new(1).take().await.unwrap()),
                };
                readers.scan(seat, read).await.unwrap();
            }
        }));
        let writing = async {
            let mut largest = 0;
            for _ in 0..200 {
                let write = writer.write(|tx| {
                    let text = "x".repeat(1 << 20);
                    tx.connection
                        .execute("INSERT INTO text VALUES (?)", [text])?;
                    Ok(())
                });
                write.await.unwrap();
                largest = largest.max(fs::metadata(&log).unwrap().len());
            }
            done.store(true, Ordering::Relaxed);
            largest
        };
        let (largest, _) = futures::join!(writing, reading);
        // On a busy machine reads may exceed the timeout several times; without a limit the
        // log would grow beyond the 200 MiB that are written.
        assert!(largest < 8 * MAX_LOG_BYTES, "{largest} bytes");
        assert!(largest > MAX_LOG_BYTES, "always short: {largest} bytes");
    }
}
