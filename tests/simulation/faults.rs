//! What goes wrong, and where: at the points before and after each call that
//! leaves a process.

use std::cell::Cell;
use std::time::Duration;

use crate::random::Random;

/// The longest that anything stands still.
pub const LONGEST: Duration = Duration::from_secs(400);

/// When a point is reached: before the call takes effect, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends at once.
    Crash,
    /// The caller is told of a fault. Before: it did not take effect. After: it
    /// did, and the answer is lost.
    Error,
    /// The call takes long.
    Stall(Duration),
    /// The whole process stands still.
    HoldUp(Duration),
    /// The clock of the store jumps ahead.
    Jump(Duration),
    /// No store answers anyone from now on, for so long.
    Outage(Duration),
    /// The process is told to stop.
    Stop,
    /// The users' active tasks are deleted, which is no fault.
    Delete,
}

/// How often a fault happens at a point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    pub crash: f64,
    pub error: f64,
    pub stall: f64,
    pub hold_up: f64,
    pub jump: f64,
}

#[derive(Clone, Debug)]
pub enum Plan {
    Drawn(Rates),
    /// At the points of these numbers, and nowhere else.
    At(Vec<(u64, Fault)>),
}

pub struct Faults {
    plan: Plan,
    random: Random,
    /// From then on nothing goes wrong any more.
    until: Duration,
    points: Cell<u64>,
    happened: Cell<u64>,
    first_at: Cell<Option<Duration>>,
}

impl Faults {
    pub fn new(plan: Plan, random: Random, until: Duration) -> Self {
        Self {
            plan,
            random,
            until,
            points: Cell::default(),
            happened: Cell::default(),
            first_at: Cell::default(),
        }
    }

    pub fn are_over(&self, now: Duration) -> bool {
        now >= self.until
    }

    /// How many points were reached.
    pub fn points(&self) -> u64 {
        self.points.get()
    }

    pub fn happened(&self) -> u64 {
        self.happened.get()
    }

    /// When something went wrong for the first time.
    pub fn first_at(&self) -> Option<Duration> {
        self.first_at.get()
    }

    /// What goes wrong at the point that is reached now.
    pub fn reached(&self, now: Duration) -> Option<Fault> {
        let point = self.points.get();
        self.points.set(point + 1);
        let fault = match &self.plan {
            Plan::At(places) => {
                let (_, fault) = places.iter().find(|(at, _)| *at == point)?;
                Some(*fault)
            }
            Plan::Drawn(_) if self.are_over(now) => None,
            Plan::Drawn(rates) => self.drawn(rates),
        };
        if fault.is_some() {
            self.happened.set(self.happened.get() + 1);
            self.first_at.set(self.first_at.get().or(Some(now)));
        }
        fault
    }

    fn drawn(&self, rates: &Rates) -> Option<Fault> {
        let mut drawn = self.random.share();
        let mut is = |rate: f64| {
            drawn -= rate;
            drawn < 0.0
        };
        if is(rates.crash) {
            Some(Fault::Crash)
        } else if is(rates.error) {
            Some(Fault::Error)
        } else if is(rates.stall) {
            Some(Fault::Stall(self.a_while()))
        } else if is(rates.hold_up) {
            Some(Fault::HoldUp(self.a_while()))
        } else if is(rates.jump) {
            Some(Fault::Jump(self.a_jump()))
        } else {
            None
        }
    }

    /// Now and then into the next window of a quota.
    fn a_jump(&self) -> Duration {
        match self.random.chance(0.3) {
            true => Duration::from_secs(60 * 60),
            false => self.a_while(),
        }
    }

    /// Now and then longer than a lease, now and then longer than a task.
    fn a_while(&self) -> Duration {
        match self.random.below(10) {
            0..4 => self.random.millis(10, 3_000),
            4..7 => self.random.seconds(3, 20),
            7..9 => self.random.seconds(20, 90),
            _ => self.random.between(Duration::from_secs(90), LONGEST),
        }
    }
}
