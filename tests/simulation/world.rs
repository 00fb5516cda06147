//! Everything at once: the system, who uses it and what watches over it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Write as _};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_domain::capability::{CapabilityError, NewImage, StoredOrNot};
use concept_refinement_embedded::tasks::Options;
use concept_refinement_processor::config::Config;
use send_wrapper::SendWrapper;

use crate::faults::{Fault, Faults, Side};
use crate::images::Images;
use crate::oracle::Oracle;
use crate::process::Process;
use crate::queue::{Habits, Queue, Shared};
use crate::random::Random;
use crate::scheduler::Scheduler;
use crate::settings::Settings;
use crate::store::{START, Store};
use crate::trace::Trace;

/// Bytes of what a call answered, in the trace.
const MAX_SHOWN: usize = 110;

pub struct World {
    pub settings: Settings,
    pub config: Arc<Config>,
    pub scheduler: Rc<Scheduler>,
    pub faults: Faults,
    pub oracle: Rc<RefCell<Oracle>>,
    pub store: Store,
    pub images: Rc<Images>,
    pub queue: Shared,
    /// For whatever has no line of its own.
    pub random: Random,
    /// For receivers of webhooks.
    pub receivers: Random,
    pub trace: RefCell<Trace>,
    /// By place. One that starts or stops takes no requests.
    pub processes: RefCell<BTreeMap<usize, Rc<Process>>>,
    pub users_gone: Cell<usize>,
    /// At which points the model was asked first, and its answer noted.
    pub asked_at: Cell<Option<u64>>,
    pub noted_at: Cell<Option<u64>>,
    /// The longest that a process took to stop.
    pub longest_stop: Cell<Duration>,
    outage_until: Cell<Duration>,
    /// Claims that an outage refused.
    pub refused: Cell<u32>,
    serial: Cell<u64>,
}

impl World {
    pub fn new(settings: Settings) -> Rc<Self> {
        let seed = settings.seed;
        let scheduler = Rc::new(Scheduler::new(Random::new(seed, 2)));
        let oracle = Rc::new(RefCell::new(Oracle::new(settings.quota, settings.budget)));
        let clock = Arc::new(ManualClock::at(START));
        let images = Rc::new(Images::new(clock.clone(), settings.flaw));
        let options = Options {
            lease: settings.lease,
            ..Options::default()
        };
        let habits = settings
            .wild
            .map_or_else(Habits::default, |wild| wild.queue);
        let queue = Queue::new(&scheduler, Random::new(seed, 3), habits, settings.busy);
        let config = Config {
            model_timeout: settings.model_timeout,
            task_timeout: settings.task_timeout,
            // What is stored is compared with what the model answered.
            marks_images: false,
            ..Config::from_settings(|_| None).unwrap()
        };
        Rc::new(Self {
            config: Arc::new(config),
            store: Store::new(options, clock, &scheduler, &oracle, &images, settings.flaw),
            queue: Shared(SendWrapper::new(queue)),
            faults: Faults::new(settings.faults.clone(), Random::new(seed, 4), settings.busy),
            random: Random::new(seed, 5),
            receivers: Random::new(seed, 6),
            scheduler,
            oracle,
            images,
            trace: RefCell::default(),
            processes: RefCell::default(),
            users_gone: Cell::default(),
            asked_at: Cell::default(),
            noted_at: Cell::default(),
            longest_stop: Cell::default(),
            outage_until: Cell::default(),
            refused: Cell::default(),
            serial: Cell::default(),
            settings,
        })
    }

    pub fn serial(&self) -> u64 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }

    /// Nothing goes wrong any more.
    pub fn is_calm(&self) -> bool {
        self.faults.are_over(self.scheduler.now())
    }

    pub fn is_quiet(&self) -> bool {
        let processes = self.processes.borrow();
        self.users_gone.get() == self.settings.users
            && self.oracle.borrow().all_are_final()
            && self.oracle.borrow().all_deliveries_rest(self.store.now())
            && !processes.is_empty()
            && processes
                .values()
                .all(|process| process.in_flight.get() == 0)
    }

    pub fn note(&self, event: impl Display) {
        let mut trace = self.trace.borrow_mut();
        trace.add(self.scheduler.steps(), self.scheduler.now(), event);
    }

    /// A call that leaves a process, which can be cut off before and after it
    /// takes effect. `task`: the one that it is for, or nothing.
    pub async fn call<T: Debug>(
        &self,
        process: &Process,
        name: &str,
        task: &str,
        effect: impl FnOnce() -> Result<T, CapabilityError>,
    ) -> Result<T, CapabilityError> {
        self.point(process, name, task, Side::Before).await?;
        if self.scheduler.now() < self.outage_until.get() {
            self.refused
                .set(self.refused.get() + u32::from(name == "claim"));
            return Err(self.lost(task));
        }
        let answer = effect();
        self.note_answer(process, name, task, &answer);
        self.point(process, name, task, Side::After).await?;
        answer
    }

    fn note_answer(&self, by: &Process, name: &str, task: &str, answer: &impl Debug) {
        let mut told = Beginning::default();
        // An error says that there is more.
        let _ = write!(told, "{answer:?}");
        self.note(format_args!("{by} {name} {} -> {}", short(task), told.0));
    }

    /// A place where something may go wrong. An error is what the caller is
    /// told then.
    pub async fn point(
        &self,
        process: &Process,
        name: &str,
        task: &str,
        side: Side,
    ) -> Result<(), CapabilityError> {
        self.scheduler.pause().await;
        let Some(fault) = self.faults.reached(self.scheduler.now()) else {
            return Ok(());
        };
        self.note(format_args!("{process} {fault:?} {side:?} {name}"));
        match fault {
            Fault::Crash => {
                self.oracle.borrow_mut().mishap_of(process.group);
                self.end(process);
                pending().await
            }
            Fault::Error => Err(self.lost(task)),
            Fault::Outage(duration) => {
                self.outage_until.set(self.scheduler.now() + duration);
                Ok(())
            }
            Fault::Stall(duration) => {
                self.oracle.borrow_mut().mishap(task);
                self.scheduler.sleep(duration).await;
                Ok(())
            }
            Fault::HoldUp(duration) => {
                self.oracle.borrow_mut().mishap_of(process.group);
                self.scheduler.hold_up(process.group, duration);
                self.scheduler.pause().await;
                Ok(())
            }
            Fault::Jump(duration) => {
                self.oracle.borrow_mut().mishap_of_all();
                self.store.jump(duration);
                Ok(())
            }
            Fault::Stop => {
                process.told_to_stop.raise();
                Ok(())
            }
            Fault::Delete => {
                self.delete_active();
                Ok(())
            }
        }
    }

    /// What is told of a call for a task that did not come through.
    fn lost(&self, task: &str) -> CapabilityError {
        self.oracle.borrow_mut().mishap(task);
        CapabilityError::unavailable("It is out of reach.")
    }

    /// All that the process does ends here.
    pub fn end(&self, process: &Process) {
        self.scheduler.end(process.group);
        process.ended.raise();
    }

    fn delete_active(&self) {
        let active: Vec<_> = {
            let oracle = self.oracle.borrow();
            let active = oracle.tasks().iter().filter(|(_, task)| task.is_active());
            active
                .map(|(id, task)| (task.user.clone(), id.clone()))
                .collect()
        };
        for (user, id) in active {
            self.store.delete(&user, &id);
        }
    }

    pub fn put_image(
        &self,
        image: NewImage,
        bytes: Vec<u8>,
    ) -> Result<StoredOrNot, CapabilityError> {
        let stored = self.images.put(image, bytes);
        if let Ok(StoredOrNot::Stored(stored)) = &stored {
            self.mark(&self.noted_at);
            self.oracle.borrow_mut().image_stored(&stored.path);
        }
        stored
    }

    pub fn remove_image(&self, path: &str) {
        self.images.delete(path);
        self.oracle.borrow_mut().image_removed(path);
    }

    /// Remembers the point at which something happened first.
    pub fn mark(&self, place: &Cell<Option<u64>>) {
        place.set(place.get().or(Some(self.faults.points())));
    }

    /// How far the clock of a process is off.
    pub fn skew(&self) -> Duration {
        let most = self.settings.wild.map_or(Duration::ZERO, |wild| wild.skew);
        self.random.between(Duration::ZERO, most)
    }
}

/// The beginning of what is written to it.
#[derive(Default)]
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_SHOWN - self.0.len();
        let end = text.floor_char_boundary(room);
        self.0.push_str(&text[..end]);
        if end < text.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// What tells tasks apart.
pub fn short(id: &str) -> &str {
    id.rsplit_once('-')
        .map_or(id, |(_, last)| &last[last.len() - 4..])
}
