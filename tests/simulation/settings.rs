//! What a run is made of: all of it follows from the seed.

use std::time::Duration;

use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::quota::{Quota, Window};

use crate::faults::{Plan, Rates};
use crate::flaws::Flaw;
use crate::oracle::spending::PRICE;
use crate::queue::Habits;
use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process that owns the store, and takes its predecessor's tasks over
    /// when it starts.
    Embedded,
    /// Several that share the store.
    Distributed,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub mode: Mode,
    pub processes: usize,
    /// Whether each process has the host's own queue, rather than one that all
    /// share.
    pub has_own_queue: bool,
    /// Tasks in flight for each process.
    pub concurrency: usize,
    pub users: usize,
    /// None: each user waits for one task, which the model answers at once.
    pub wild: Option<Wild>,
    /// Whether that one task has a webhook, whose receiver answers at once.
    pub has_webhook: bool,
    pub faults: Plan,
    /// For how long things go wrong and users come.
    pub busy: Duration,
    pub lease: Duration,
    pub model_timeout: Duration,
    pub task_timeout: Duration,
    pub quota: Option<Quota>,
    pub budget: Option<Budget>,
    pub flaw: Option<Flaw>,
}

/// What people, queues and models do that is no fault of the system.
#[derive(Clone, Copy, Debug)]
pub struct Wild {
    pub queue: Habits,
    pub is_model_moody: bool,
    /// How far the clocks of processes and store may be apart.
    pub skew: Duration,
    /// What is older is forgotten.
    pub retention: Option<Duration>,
    /// How long a process lives before it is stopped in order.
    pub life: Option<Duration>,
}

impl Settings {
    /// A schedule drawn from the seed.
    pub fn drawn(seed: u64) -> Self {
        let random = Random::new(seed, 1);
        let mode = random.among(&[Mode::Embedded, Mode::Distributed]);
        let processes = match mode {
            Mode::Embedded => 1,
            Mode::Distributed => 2 + random.below(2),
        };
        let often = |rate: f64| if random.chance(0.6) { rate } else { 0.0 };
        let rates = Rates {
            crash: often(0.01),
            error: often(0.03),
            stall: often(0.02),
            hold_up: often(0.01),
            jump: often(0.004),
        };
        let queue = Habits {
            loss: often(0.15),
            repeat: often(0.2),
            delay: often(0.4),
        };
        let quota = Quota {
            limit: random.among(&[2, 3, 5]),
            window: Window::Hour,
        };
        let budget = Budget {
            limit: MicroDollars(PRICE.0 * random.among(&[2, 4, 9])),
            window: random.among(&[Window::Hour, Window::Day]),
        };
        Self {
            seed,
            mode,
            processes,
            has_own_queue: mode == Mode::Embedded && random.chance(0.5),
            concurrency: 1 + random.below(3),
            users: 1 + random.below(4),
            wild: Some(Wild {
                queue,
                is_model_moody: random.chance(0.5),
                skew: Duration::from_secs(random.among(&[0, 0, 2, 20])),
                retention: random.chance(0.3).then(|| random.seconds(20, 100)),
                life: random.chance(0.4).then(|| random.seconds(10, 100)),
            }),
            has_webhook: false,
            faults: Plan::Drawn(rates),
            busy: random.seconds(60, 200),
            lease: Duration::from_secs(random.among(&[5, 30, 30])),
            model_timeout: Duration::from_secs(random.among(&[20, 60])),
            task_timeout: Duration::from_secs(random.among(&[60, 300])),
            quota: random.chance(0.7).then_some(quota),
            budget: random.chance(0.5).then_some(budget),
            flaw: None,
        }
    }

    /// One task of one user, with faults at the given points alone.
    pub fn one_task(mode: Mode, faults: Plan) -> Self {
        Self {
            seed: 1,
            mode,
            processes: match mode {
                Mode::Embedded => 1,
                Mode::Distributed => 2,
            },
            has_own_queue: mode == Mode::Embedded,
            concurrency: 1,
            users: 1,
            wild: None,
            has_webhook: false,
            faults,
            busy: Duration::from_secs(600),
            lease: Duration::from_secs(20),
            model_timeout: Duration::from_secs(60),
            task_timeout: Duration::from_secs(300),
            quota: None,
            budget: None,
            flaw: None,
        }
    }
}
