//! Makes a database ready for use, at startup and whenever it comes back: connects,
//! creates or upgrades its tables, and measures its time.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::log_throttled;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::connection::clock::DatabaseClock;
use crate::connection::database::{DEADLINE, Database};
use crate::connection::fault::Fault;
use crate::connection::schema;

/// How long startup waits for a database that does not answer.
const REACHED: Duration = Duration::from_secs(3);

/// How long startup waits in all, for example while tables are created or upgraded.
/// The work itself is not cancelled.
const OPENED: Duration = Duration::from_secs(10);

/// Delay between attempts.
const RETRY: Duration = Duration::from_millis(500);

/// How often the database's time is measured.
const MEASURE: Duration = Duration::from_secs(10);

/// Waits a few seconds for the database to become ready in the background.
///
/// # Errors
///
/// The database refuses, and trying again will not help.
pub(crate) async fn begin(
    database: &Arc<Database>,
    clock: &Arc<DatabaseClock>,
) -> Result<AbortOnDropHandle<()>, OpenError> {
    let (tell, opened) = oneshot::channel();
    let kept = keep_ready(Arc::clone(database), Arc::clone(clock), tell);
    let kept = AbortOnDropHandle::new(Handle::current().spawn(kept));
    match timeout(OPENED, opened).await {
        Ok(Ok(Err(reason))) => Err(OpenError::server(&database.settings.location, reason)),
        _ => Ok(kept),
    }
}

/// `tell`: is notified that startup can continue, or why it cannot succeed.
async fn keep_ready(
    database: Arc<Database>,
    clock: Arc<DatabaseClock>,
    tell: oneshot::Sender<Result<(), String>>,
) {
    let begin = Instant::now();
    let mut start = Some(tell);
    let mut tell = |opened| start.take().is_some_and(|start| start.send(opened).is_ok());
    loop {
        let tried = match database.is_ready() {
            true => {
                tell(Ok(()));
                sleep(MEASURE).await;
                clock.measure(&database).await
            }
            false => make_ready(&database, &clock).await,
        };
        let Err(fault) = tried else {
            continue;
        };
        match fault.refusal() {
            Some(reason) if tell(Err(reason.clone())) => {}
            _ => log(&database, &fault),
        }
        if begin.elapsed() + RETRY > REACHED {
            tell(Ok(()));
        }
        sleep(RETRY).await;
    }
}

async fn make_ready(database: &Database, clock: &DatabaseClock) -> Result<(), Fault> {
    let made = async {
        schema::prepare(database).await?;
        clock.measure(database).await?;
        if database.host().is_empty() {
            const DRAW: &str = "SELECT gen_random_uuid()::text";
            let session = database.unready_session(DEADLINE).await?;
            database.name_host(session.one(DRAW, &[], |cells| cells.get()).await?);
        }
        Ok(())
    };
    let made = made.await;
    database.set_ready(made.as_ref().map_err(Fault::to_string).copied());
    made
}

fn log(database: &Database, fault: &Fault) {
    log_throttled!(
        error every minute,
        "the task store is away",
        %fault, location = %database.settings.location
    );
}
