//! The configured faults, and their execution.

use std::env;
use std::fs::File;
use std::future::{Future, pending};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_tests::faults::{
    CLOCK, Call, DELIVER_TWICE, FLAW, HANG_AT, JOURNAL, KILL_AT, MODEL_DOWN, Moment, Point,
    QUEUE_DOWN,
};
use concept_refinement_tests::flaws::Flaw;
use rustix::process::{Signal, getpid, kill_process};

pub struct Faults {
    kill: Option<Trap>,
    hang: Option<Trap>,
    flaw: Option<Flaw>,
    journal: Option<PathBuf>,
    model_down: Option<PathBuf>,
    queue_down: Option<PathBuf>,
    clock: Option<PathBuf>,
    delivers_twice: bool,
}

/// A point that does something to whoever passes it as the n-th.
struct Trap {
    point: Point,
    passings_left: AtomicU32,
}

impl Faults {
    pub fn of_environment() -> Self {
        let flaw = env::var(FLAW).ok();
        Self {
            kill: Trap::of_variable(KILL_AT),
            hang: Trap::of_variable(HANG_AT),
            flaw: flaw.map(|name| name.parse().expect("a flaw of this name")),
            journal: env::var_os(JOURNAL).map(PathBuf::from),
            model_down: env::var_os(MODEL_DOWN).map(PathBuf::from),
            queue_down: env::var_os(QUEUE_DOWN).map(PathBuf::from),
            clock: env::var_os(CLOCK).map(PathBuf::from),
            delivers_twice: env::var_os(DELIVER_TWICE).is_some(),
        }
    }

    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    pub fn model_is_down(&self) -> bool {
        self.model_down.as_ref().is_some_and(|path| path.exists())
    }

    /// Why nothing can be published.
    pub fn queue_is_down(&self) -> Option<CapabilityError> {
        let why = std::fs::read_to_string(self.queue_down.as_ref()?).ok()?;
        let message = "A fault of the tests.";
        Some(match why.trim() {
            "unavailable" => CapabilityError::unavailable(message),
            "invalid" => CapabilityError::invalid(message),
            other => panic!("{other} is no kind of error"),
        })
    }

    pub fn delivers_twice(&self) -> bool {
        self.delivers_twice
    }

    /// By how many seconds the clock is off.
    pub fn clock_is_off_by(&self) -> i64 {
        let Some(path) = &self.clock else {
            return 0;
        };
        let seconds = std::fs::read_to_string(path).unwrap_or_default();
        seconds.trim().parse().unwrap_or_default()
    }

    /// Does a call between its two points.
    pub async fn around<T>(&self, call: Call, work: impl Future<Output = T>) -> T {
        self.at(Moment::Before, call).await;
        let answer = work.await;
        self.at(Moment::After, call).await;
        answer
    }

    pub async fn at(&self, moment: Moment, call: Call) {
        let point = Point { moment, call };
        self.kill_at(point);
        if self.hang.as_ref().is_some_and(|trap| trap.springs(point)) {
            pending::<()>().await;
        }
    }

    pub fn kill_at(&self, point: Point) {
        if self.kill.as_ref().is_some_and(|trap| trap.springs(point)) {
            kill_process(getpid(), Signal::KILL).expect("killing ourselves");
            loop {
                std::thread::park();
            }
        }
    }

    /// Whether what leads to this call is to go wrong, so that it is made: only
    /// if the process is to be killed around it. Some calls are never made while
    /// all is well.
    pub fn provokes(&self, call: Call) -> bool {
        let trap = self.kill.as_ref();
        trap.is_some_and(|trap| trap.point.call == call)
    }

    /// Notes it where a kill cannot take it back.
    pub fn note(&self, what: &str) {
        let Some(path) = &self.journal else {
            return;
        };
        let mut journal = File::options()
            .append(true)
            .create(true)
            .open(path)
            .expect("the journal can be opened");
        // In one call, so that lines never mix.
        let line = format!("{} {what}\n", std::process::id());
        journal
            .write_all(line.as_bytes())
            .expect("the journal can be written");
    }
}

impl Trap {
    fn of_variable(variable: &str) -> Option<Self> {
        let value = env::var(variable).ok()?;
        let (name, passing) = match value.split_once(':') {
            Some((name, passing)) => (name, passing.parse().expect("a number of passings")),
            None => (value.as_str(), 1),
        };
        Some(Self {
            point: name.parse().expect("a point of this name"),
            passings_left: AtomicU32::new(passing),
        })
    }

    /// True once: at the n-th passing.
    fn springs(&self, passed: Point) -> bool {
        let count_down = |left: u32| left.checked_sub(1);
        self.point == passed
            && self
                .passings_left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count_down)
                == Ok(1)
    }
}
