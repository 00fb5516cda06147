//! The machine's clock with an adjustable error. It also provides a fault point
//! within transactions, since the task store reads the clock on its writing
//! thread for each write.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use concept_refinement_capability::clock::{Clock, SystemClock, before};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_tests::faults::{Call, Moment, Point};

use crate::faults::Faults;

/// How the thread is called that writes.
const WRITER: &str = "sqlite-writer";

pub struct FaultyClock {
    faults: Arc<Faults>,
}

impl FaultyClock {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults }
    }
}

impl Clock for FaultyClock {
    fn now(&self) -> Timestamp {
        if thread::current().name() == Some(WRITER) {
            self.faults.kill_at(Point {
                moment: Moment::Before,
                call: Call::Commit,
            });
        }
        let off = self.faults.clock_is_off_by();
        let by = Duration::from_secs(off.unsigned_abs());
        match off {
            0.. => SystemClock.now().plus(by),
            ..0 => before(SystemClock.now(), by),
        }
    }
}
