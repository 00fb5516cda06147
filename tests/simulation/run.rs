//! One run from its beginning to the last look.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::lease::LONGEST_INTERVAL;
use concept_refinement_domain::spending::Reservation;
use concept_refinement_domain::task::{Refinement, Status};
use concept_refinement_domain::webhook::DeliveryState;
use concept_refinement_host::loops::worker::SLACK;

use crate::faults::LONGEST;
use crate::model::LINK;
use crate::oracle::spending::PRICE;
use crate::oracle::{Expected, Invariant};
use crate::settings::Settings;
use crate::world::World;
use crate::{process, user};

/// What came of a run in which everything held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub steps: u64,
    /// Where something could go wrong.
    pub points: u64,
    pub faults: u64,
    /// When the first of them was.
    pub fault_at: Duration,
    /// Claims that an outage refused.
    pub refused: u32,
    /// The longest that a process took to stop.
    pub longest_stop: Duration,
    /// How long it took by virtual time.
    pub time: Duration,
    /// How often the model was asked.
    pub asked: u32,
    /// The points between which a crash costs the model's answer.
    pub at_stake: Option<(u64, u64)>,
    pub created: usize,
    pub completed: usize,
    pub failed: usize,
    pub deleted: usize,
    /// Of webhooks.
    pub delivered: usize,
    pub undelivered: usize,
    pub trace: (u64, u64),
}

pub struct Failure {
    pub seed: u64,
    pub step: u64,
    pub invariant: Invariant,
    message: String,
    trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.trace.join("\n"))?;
        let Self {
            seed,
            step,
            invariant,
            message,
            ..
        } = self;
        writeln!(
            f,
            "{invariant:?} does not hold at step {step} of seed {seed}: {message}"
        )
    }
}

pub fn run(settings: Settings) -> Result<Report, Box<Failure>> {
    let world = World::new(settings);
    process::start(&world);
    user::start(&world);
    until_quiet(&world);
    let report = report(&world);
    if world.oracle.borrow().violation().is_none() {
        look_at_the_end(&world);
    }
    // Tasks and processes hold the world.
    world.scheduler.clear();
    let processes = world.processes.take();
    processes
        .values()
        .for_each(|process| drop(process.api.take()));
    let oracle = world.oracle.borrow();
    match oracle.violation() {
        None => Ok(report),
        Some(violation) => Err(Box::new(Failure {
            seed: world.settings.seed,
            step: report.steps,
            invariant: violation.invariant,
            message: violation.message.clone(),
            trace: world.trace.borrow().last(),
        })),
    }
}

fn report(world: &World) -> Report {
    let oracle = world.oracle.borrow();
    let count =
        |those: fn(&Expected) -> bool| oracle.tasks().values().filter(|task| those(task)).count();
    Report {
        steps: world.scheduler.steps(),
        points: world.faults.points(),
        faults: world.faults.happened(),
        fault_at: world.faults.first_at().unwrap_or_default(),
        refused: world.refused.get(),
        longest_stop: world.longest_stop.get(),
        time: world.scheduler.now(),
        asked: oracle.asked_in_all(),
        at_stake: world.asked_at.get().zip(world.noted_at.get()),
        created: oracle.tasks().len(),
        completed: count(|task| task.status == Status::Completed),
        failed: count(|task| task.status == Status::Failed),
        deleted: count(|task| task.is_deleted),
        delivered: oracle.deliveries(DeliveryState::Delivered),
        undelivered: oracle.deliveries(DeliveryState::Failed),
        trace: world.trace.borrow().sum(),
    }
}

/// Once nothing goes wrong any more, whatever stands still goes on after as long as it
/// has stood still by then; then there is time for what it does, and for once more.
/// To a clock that jumped ahead it has stood still for so long.
fn settling_time(world: &World) -> Duration {
    let settings = &world.settings;
    let troubled = settings.busy + LONGEST;
    let stood_still = (troubled + world.store.ahead()).min(troubled + LONGEST_INTERVAL);
    troubled + stood_still + 2 * (settings.task_timeout + SLACK) + Duration::from_secs(180)
}

fn until_quiet(world: &Rc<World>) {
    while world.oracle.borrow().violation().is_none() && !world.is_quiet() {
        let goes_on = world.scheduler.step();
        let mut oracle = world.oracle.borrow_mut();
        if !goes_on || world.scheduler.now() > settling_time(world) {
            let left = oracle.tasks().iter().filter(|(_, task)| task.is_active());
            let left: Vec<_> = left.map(|(id, task)| (id.clone(), task.status)).collect();
            oracle.require(false, Invariant::NothingStuck, || {
                format!("these are still under way: {left:?}")
            });
        }
    }
}

/// Removes what nothing refers to, and looks at all that is left.
fn look_at_the_end(world: &World) {
    let unreferenced = world.store.unreferenced(world.images.paths());
    for path in unreferenced {
        world.remove_image(&path);
    }
    let ids: Vec<_> = world.oracle.borrow().tasks().keys().cloned().collect();
    ids.iter().for_each(|id| world.store.look_at(id));
    let users: BTreeSet<_> = {
        let oracle = world.oracle.borrow();
        oracle
            .tasks()
            .values()
            .map(|task| task.user.clone())
            .collect()
    };
    for user in users {
        let (tasks, concepts) = world.store.all_of(&user);
        let mut oracle = world.oracle.borrow_mut();
        oracle.seen_in_the_end(&user, &tasks, &concepts);
        drop(oracle);
        world.store.look_at_spending(&user);
        count_once_more(world, user);
    }
    world.oracle.borrow_mut().left_in_the_end(&world.images);
}

/// Another task tells what is left of the quota.
fn count_once_more(world: &World, user: String) {
    world.store.submit(NewTask {
        quota: world.settings.quota,
        budget: world.settings.budget,
        reservation: Some(Reservation {
            model: LINK.to_owned(),
            price: PRICE,
        }),
        ..NewTask::new(
            format!("last-of-{user}"),
            user,
            Refinement::new(crate::source::FINE, "Once more"),
        )
    });
}
