//! A process of the system: how it starts, ends and is replaced.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use futures::future::{Either, select};

use crate::scheduler::{Flag, Group, OUTSIDE};
use crate::settings::Mode;
use crate::store::START;
use crate::world::World;
use crate::{sweep, worker};

pub struct Process {
    /// Another one each time.
    pub group: Group,
    /// How far its clock is ahead of the true time, which starts late enough.
    skew: Duration,
    is_ahead: bool,
    /// It takes requests.
    pub is_up: Cell<bool>,
    pub told_to_stop: Flag,
    pub stopping: Flag,
    /// What is still under way is to be given back.
    pub giving_up: Flag,
    pub ended: Flag,
    pub in_flight: Cell<usize>,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}:", self.group)
    }
}

impl Process {
    fn new(world: &World) -> Self {
        Self {
            group: u32::try_from(world.serial()).unwrap(),
            skew: world.skew(),
            is_ahead: world.random.chance(0.5),
            is_up: Cell::default(),
            told_to_stop: Flag::default(),
            stopping: Flag::default(),
            giving_up: Flag::default(),
            ended: Flag::default(),
            in_flight: Cell::default(),
        }
    }

    /// By its own clock.
    pub fn now(&self, world: &World) -> Timestamp {
        let now = START.plus(world.scheduler.now());
        match self.is_ahead {
            true => now.plus(self.skew),
            false => START.plus(now.since(START.plus(self.skew))),
        }
    }
}

/// Keeps a process running at a place: whatever ends it, another one follows.
pub async fn supervise(world: Rc<World>, place: usize) {
    loop {
        let process = Rc::new(Process::new(&world));
        world.note(format_args!("{process} starts"));
        world
            .processes
            .borrow_mut()
            .insert(place, Rc::clone(&process));
        let run = run(Rc::clone(&world), Rc::clone(&process));
        world.scheduler.spawn(process.group, run);
        live(&world, &process).await;
        world.end(&process);
        world.processes.borrow_mut().remove(&place);
        world.note(format_args!("{process} has ended"));
        match world.settings.mode {
            Mode::Embedded => world.queue.clear(),
            Mode::Distributed => world.queue.gone(process.group),
        }
        world.scheduler.sleep(world.random.millis(50, 8_000)).await;
    }
}

/// Until it crashes or is stopped.
async fn live(world: &Rc<World>, process: &Process) {
    let life = world.settings.wild.and_then(|wild| wild.life);
    let crash = pin!(process.ended.raised());
    let stop = pin!(async {
        let told = pin!(process.told_to_stop.raised());
        match life.filter(|_| !world.is_calm()) {
            Some(life) => drop(select(told, world.scheduler.sleep(life)).await),
            None => told.await,
        }
        world.note(format_args!("{process} is to stop"));
        process.is_up.set(false);
        process.stopping.raise();
        idle(world, process, Duration::from_secs(10)).await;
        process.giving_up.raise();
        idle(world, process, Duration::from_secs(600)).await;
    });
    if let Either::Left(_) = select(crash, stop).await {
        process.is_up.set(false);
    }
}

/// Waits for what is in flight, for so long at most.
async fn idle(world: &World, process: &Process, limit: Duration) {
    let end = world.scheduler.now() + limit;
    while process.in_flight.get() > 0 && world.scheduler.now() < end {
        world.scheduler.sleep(Duration::from_secs(1)).await;
    }
}

async fn run(world: Rc<World>, process: Rc<Process>) {
    let is_embedded = world.settings.mode == Mode::Embedded;
    if is_embedded && sweep::recover(&world, &process).await.is_err() {
        world.end(&process);
        return;
    }
    for _ in 0..world.settings.concurrency {
        let work = worker::work(Rc::clone(&world), Rc::clone(&process));
        world.scheduler.spawn(process.group, work);
    }
    let sweep = sweep::run(Rc::clone(&world), Rc::clone(&process));
    world.scheduler.spawn(process.group, sweep);
    let tidy = sweep::tidy(Rc::clone(&world), Rc::clone(&process));
    world.scheduler.spawn(process.group, tidy);
    process.is_up.set(!process.stopping.is_raised());
}

/// Starts all of them.
pub fn start(world: &Rc<World>) {
    for place in 0..world.settings.processes {
        let supervised = supervise(Rc::clone(world), place);
        world.scheduler.spawn(OUTSIDE, supervised);
    }
}
