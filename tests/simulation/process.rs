//! A process of the system: how it starts, ends and is replaced.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_api::{self as api, Api};
use concept_refinement_capability::Capabilities;
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::runtime::Runtime as _;
use concept_refinement_capability::slots::Slots;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::ServiceSecrets;
use concept_refinement_embedded::queue::StoreQueue;
use concept_refinement_host::loops::deliverer::Deliverer;
use concept_refinement_host::loops::garbage::Garbage;
use concept_refinement_host::loops::in_flight::InFlight;
use concept_refinement_host::loops::pending_releases::PendingReleases;
use concept_refinement_host::loops::sweep::Sweep;
use concept_refinement_host::loops::worker::Worker;
use concept_refinement_tests::native::{Granted, Native};
use concept_refinement_tests::tokens::SECRET;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, join_all, select};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::environment::Environment;
use crate::model::LINK;
use crate::oracle::spending::PRICE;
use crate::scheduler::{Flag, Group, OUTSIDE};
use crate::settings::Mode;
use crate::store::START;
use crate::world::World;

/// How long a stop waits for what is under way.
pub const GRACE: Duration = Duration::from_secs(10);

/// Between two looks at what is to be delivered: what other processes say is lost.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

pub struct Process {
    /// Another one each time.
    pub group: Group,
    /// How far its clock is ahead of the true time, which starts late enough.
    skew: Duration,
    is_ahead: bool,
    /// While it takes requests.
    pub api: RefCell<Option<Rc<Api<Native<Environment>>>>>,
    pub told_to_stop: Flag,
    stop: watch::Sender<bool>,
    /// Cancelled when what is under way is to be given back.
    abort: CancellationToken,
    /// It has stopped in order.
    stopped: Flag,
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
            api: RefCell::default(),
            told_to_stop: Flag::default(),
            stop: watch::Sender::new(false),
            abort: CancellationToken::new(),
            stopped: Flag::default(),
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
async fn supervise(world: Rc<World>, place: usize) {
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
        if world.settings.mode == Mode::Embedded {
            world.queue.0.clear();
        }
        world.scheduler.sleep(world.random.millis(50, 8_000)).await;
    }
}

/// Until it crashes or is stopped.
async fn live(world: &World, process: &Process) {
    let life = world.settings.wild.and_then(|wild| wild.life);
    let crash = pin!(process.ended.raised());
    let stop = pin!(async {
        let told = pin!(process.told_to_stop.raised());
        match life.filter(|_| !world.is_calm()) {
            Some(life) => drop(select(told, world.scheduler.sleep(life)).await),
            None => told.await,
        }
        world.note(format_args!("{process} is to stop"));
        let begin = world.scheduler.now();
        process.stop.send_replace(true);
        process.api.take();
        let stopped = pin!(process.stopped.raised());
        let grace = world.scheduler.sleep(GRACE);
        if let Either::Right((_, stopped)) = select(stopped, grace).await {
            process.abort.cancel();
            let patience = world.scheduler.sleep(Duration::from_secs(600));
            select(stopped, patience).await;
        }
        let took = world.scheduler.now() - begin;
        world.longest_stop.set(world.longest_stop.get().max(took));
    });
    select(crash, stop).await;
    process.api.take();
}

/// As the host starts and goes on.
async fn run(world: Rc<World>, process: Rc<Process>) {
    let environment = Environment::new(&world, &process);
    let runtime = Arc::new(environment.clone());
    let queue: Arc<dyn TaskQueue> = match world.settings.has_own_queue {
        true => Arc::new(StoreQueue::on(runtime.clone(), 1_000)),
        false => Arc::new(world.queue.clone()),
    };
    let host = environment.capabilities(Arc::clone(&queue));
    let sweep = Arc::new(Sweep {
        host: Arc::clone(&host),
        runtime: runtime.clone(),
        lease: world.settings.lease,
    });
    let garbage = Garbage {
        host: Arc::clone(&host),
        administration: None,
        runtime: runtime.clone(),
        retention: world.settings.wild.and_then(|wild| wild.retention),
        anonymous_retention: None,
        confirmed_day: None,
        // More often than the host does.
        interval: world.random.seconds(10, 60),
    };
    let worker = Arc::new(Worker {
        host: Arc::clone(&host),
        processor: runtime.clone(),
        runtime: runtime.clone(),
        slots: Slots::new(world.settings.concurrency, 0),
        receivers: world.settings.concurrency,
        task_timeout: world.config.task_timeout,
        in_flight: InFlight::default(),
        pending_releases: PendingReleases::default(),
        metrics: None,
    });
    let deliverer = Arc::new(Deliverer {
        host: environment.capabilities_by_store(queue),
        notifier: runtime.clone(),
        runtime: runtime.clone(),
        secrets: ServiceSecrets::parse(SECRET).unwrap(),
        longest: LONGEST_LOOK,
        metrics: None,
    });
    let recovered = world.settings.mode == Mode::Distributed || sweep.recover().await.is_ok();
    let (stopped, abort) = (process.stop.subscribe(), process.abort.clone());
    if !*stopped.borrow() {
        process.api.replace(Some(api(&world, &environment, host)));
    }
    let recovery = Arc::clone(&sweep);
    let loops: [BoxFuture<'static, ()>; 4] = [
        sweep.run(stopped.clone()).boxed(),
        garbage.run(stopped.clone()).boxed(),
        deliverer.run(stopped.clone(), abort.clone()).boxed(),
        Box::pin(async move {
            if recovered || recovery.recover_later(stopped.clone()).await {
                worker.run(stopped, abort).await;
            }
        }),
    ];
    join_all(loops.map(|work| runtime.spawn(work))).await;
    process.stopped.raise();
}

fn api(
    world: &World,
    environment: &Environment,
    host: Arc<Capabilities>,
) -> Rc<Api<Native<Environment>>> {
    let quota = world.settings.quota.map_or_else(
        || "unlimited".to_owned(),
        |quota| format!("{}/{}", quota.limit, quota.window.as_str()),
    );
    let budget = world.settings.budget;
    let budget = budget.map_or_else(|| "unlimited".to_owned(), |budget| budget.to_string());
    let settings = Granted(&[
        ("auth", "secret"),
        ("jwt-secret", SECRET),
        ("webhook-secret", SECRET),
        ("rate-limit", &quota),
        ("budget", &budget),
        ("reservation", &format!("{LINK} {PRICE}")),
    ]);
    let config = api::Config::read(&settings).now_or_never().unwrap();
    let native = Native::new(host, Arc::new(environment.clone()), environment.clone());
    Rc::new(Api::new(config.unwrap(), native))
}

/// Starts all of them.
pub fn start(world: &Rc<World>) {
    for place in 0..world.settings.processes {
        let supervised = supervise(Rc::clone(world), place);
        world.scheduler.spawn(OUTSIDE, supervised);
    }
}
