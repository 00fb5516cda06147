//! The database's time, which all hosts on it share.
//!
//! Leases, quotas and signatures use it, so that hosts whose clocks differ agree. It is
//! queried from time to time, and in between extrapolated with a monotonic clock.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Clock;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_domain::timestamp::Timestamp;
use parking_lot::Mutex;

use crate::connection::database::{DEADLINE, Database};
use crate::connection::fault::Fault;
use crate::connection::values::Cells;

/// A response that took longer says too little about when it was made.
const MAX_ROUND_TRIP: Duration = Duration::from_millis(500);

/// A clock that follows the database's time.
pub struct DatabaseClock {
    runtime: Arc<dyn Runtime>,
    /// The last measurement to extrapolate from. None: there is none yet.
    measured: Mutex<Option<Measured>>,
    machine: Arc<dyn Clock>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    time: Timestamp,
    /// When it was measured, on the runtime's clock.
    at: Duration,
}

impl DatabaseClock {
    /// A clock without a measurement. Until there is one, it shows the machine's time,
    /// which may be used only to decide whether a token has expired.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, machine: Arc<dyn Clock>) -> Self {
        Self {
            runtime,
            measured: Mutex::default(),
            machine,
        }
    }

    /// Whether the database's time was ever measured by this process.
    pub fn is_known(&self) -> bool {
        self.measured.lock().is_some()
    }

    /// How far the machine's clock is behind the database's, in microseconds; negative if
    /// it is ahead. None: there is no measurement yet.
    pub fn offset(&self) -> Option<i64> {
        let Measured { time, at } = (*self.measured.lock())?;
        let theirs = time.plus(self.runtime.elapsed().saturating_sub(at));
        let ours = self.machine.now();
        i64::try_from(i128::from(theirs.0) - i128::from(ours.0)).ok()
    }

    /// Measures the database's time.
    pub(crate) async fn measure(&self, database: &Database) -> Result<(), Fault> {
        let session = database.unready_session(DEADLINE).await?;
        let begin = self.runtime.elapsed();
        let row = session.query_opt("SELECT clock_timestamp()", &[]).await?;
        let end = self.runtime.elapsed();
        let trip = end.saturating_sub(begin);
        if trip > MAX_ROUND_TRIP {
            return match self.is_known() {
                true => Ok(()),
                false => Err(Fault::Timeout),
            };
        }
        let row = row.ok_or(Fault::Timeout)?;
        *self.measured.lock() = Some(Measured {
            time: Cells::of(&row).time()?,
            at: begin + trip / 2,
        });
        Ok(())
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        match *self.measured.lock() {
            Some(Measured { time, at }) => time.plus(self.runtime.elapsed().saturating_sub(at)),
            None => self.machine.now(),
        }
    }
}
