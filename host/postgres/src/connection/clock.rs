//! The database's time, which all hosts on it share.
//!
//! Leases, quotas and signatures use it, so that hosts whose clocks differ agree. It is
//! queried from time to time, and in between extrapolated with a monotonic clock.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Clock;
use concept_refinement_domain::timestamp::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::connection::database::{DEADLINE, Database};
use crate::connection::fault::Fault;

/// A response that took longer says too little about when it was made.
const MAX_ROUND_TRIP: Duration = Duration::from_millis(500);

/// A clock that follows the database's time.
pub struct DatabaseClock {
    /// The last measurement to extrapolate from. None: there is none yet.
    measured: Mutex<Option<Measured>>,
    machine: Arc<dyn Clock>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    time: Timestamp,
    at: Instant,
}

impl DatabaseClock {
    /// A clock without a measurement. Until there is one, it shows the machine's time,
    /// which may be used only to decide whether a token has expired.
    pub(crate) fn new(machine: Arc<dyn Clock>) -> Self {
        Self {
            measured: Mutex::default(),
            machine,
        }
    }

    /// Measures the database's time.
    pub(crate) async fn measure(&self, database: &Database) -> Result<(), Fault> {
        let session = database.unready_session(DEADLINE).await?;
        let begin = Instant::now();
        let now = "SELECT clock_timestamp()";
        let time = session.one(now, &[], |cells| cells.time()).await?;
        let trip = begin.elapsed();
        if trip > MAX_ROUND_TRIP {
            // The last measurement will do, if there is one.
            return match *self.measured.lock() {
                Some(_) => Ok(()),
                None => Err(Fault::Timeout),
            };
        }
        *self.measured.lock() = Some(Measured {
            time,
            at: begin + trip / 2,
        });
        Ok(())
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        match *self.measured.lock() {
            Some(Measured { time, at }) => time.plus(at.elapsed()),
            None => self.machine.now(),
        }
    }
}
