//! Makes a database ready for use, and again whenever it comes back: reached,
//! migrated, and its time known.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::clock::DatabaseClock;
use super::database::{DEADLINE, Database};
use super::fault::Fault;
use super::{inspect, schema};
use crate::capability::OpenError;
use crate::log_throttle::{LONG_INTERVAL, LogThrottle};

/// How long a start tries.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a start waits for a migration, before it serves what it can and does it
/// beside.
const MIGRATION: Duration = Duration::from_secs(10);

/// Between two tries.
const RETRY: Duration = Duration::from_millis(500);

/// How often the database's time is asked for.
const MEASURE: Duration = Duration::from_secs(10);

/// Tries for a few seconds, then goes on beside.
///
/// # Errors
///
/// The database refuses, which no repeat will change.
pub(super) async fn begin(
    database: &Arc<Database>,
    clock: &Arc<DatabaseClock>,
) -> Result<AbortOnDropHandle<()>, OpenError> {
    let begin = Instant::now();
    loop {
        let Err(fault) = make_ready(database, clock, MIGRATION).await else {
            break;
        };
        if let Some(reason) = fault.refusal() {
            return Err(inspect::refused(database.place(), reason));
        }
        if begin.elapsed() + RETRY > OPEN_TIMEOUT {
            tracing::error!(%fault, place = %database.place(), "the task store is away");
            break;
        }
        sleep(RETRY).await;
    }
    let later = keep_ready(Arc::clone(database), Arc::clone(clock));
    Ok(AbortOnDropHandle::new(Handle::current().spawn(later)))
}

/// `migration`: how long one may take.
async fn make_ready(
    database: &Database,
    clock: &DatabaseClock,
    migration: Duration,
) -> Result<(), Fault> {
    let made = async {
        schema::migrate(database, migration).await?;
        clock.measure(database).await?;
        if database.host().is_empty() {
            const DRAW: &str = "SELECT gen_random_uuid()::text";
            let session = database.unready_session(DEADLINE).await?;
            let row = session.query_opt(DRAW, &[]).await?;
            database.name_host(row.ok_or(Fault::Timeout)?.try_get(0)?);
        }
        Ok(())
    };
    let made = made.await;
    database.set_ready(made.as_ref().map_err(Fault::to_string).copied());
    made
}

async fn keep_ready(database: Arc<Database>, clock: Arc<DatabaseClock>) {
    static FAULT: LogThrottle = LogThrottle::every(LONG_INTERVAL);
    loop {
        let tried = match database.is_ready() {
            true => {
                sleep(MEASURE).await;
                clock.measure(&database).await
            }
            false => {
                sleep(RETRY).await;
                make_ready(&database, &clock, schema::LONGEST).await
            }
        };
        if let Err(fault) = tried
            && let Some(times) = FAULT.times()
        {
            tracing::error!(%fault, times, place = %database.place(), "the task store is away");
        }
    }
}
