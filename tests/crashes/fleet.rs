//! Several hosts over shared engines, behind a balancer. Each has proxies of its own
//! before the engines, so that it alone can be cut off.

use std::net::SocketAddr;
use std::time::Duration;

use concept_refinement_tests::balancer::Balancer;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::seed::seed;
use concept_refinement_tests::service::{Launch, Service};
use rustix::process::Signal;
use tokio::task::block_in_place;

use crate::crowd::Crowd;
use crate::journal::{Journal, Trouble};
use crate::random::USERS;
use crate::shared::{Engines, Queue};
use crate::user::User;
use crate::verdict;
use crate::world::World;

pub const HOSTS: usize = 3;

/// As short as may be, so that what a host leaves is taken over soon.
pub const LEASE: Duration = Duration::from_secs(2);

/// Tasks that a host has under way while it works, of which one may end just then.
const AT_WORK: usize = 2;

/// What a fleet has with it, in a host's way to which a proxy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Tasks,
    Images,
    Queue,
}

pub struct Fleet {
    pub world: World,
    pub engines: Engines,
    pub hosts: Vec<Host>,
    balancer: Balancer,
}

/// One of them, and its ways to the engines.
pub struct Host {
    launch: Launch,
    service: Option<Service>,
    tasks: Proxy,
    queue: Option<Proxy>,
    images: Proxy,
}

impl Fleet {
    /// So many hosts, none of them started. `settings` are for all of them.
    pub fn new(engines: Engines, hosts: usize, settings: impl FnOnce(Launch) -> Launch) -> Self {
        let mut world = World::with(|launch| settings(launch.set("lease", "2s")));
        // Whoever is cut off waits for the end of that.
        world.patience = 2 * SOON;
        world.stores = engines.stores();
        world.is_shared = true;
        let hosts = (0..hosts).map(|_| Host::new(&world, &engines)).collect();
        let balancer = Balancer::start(Vec::new());
        world.url = balancer.url();
        Self {
            world,
            engines,
            hosts,
            balancer,
        }
    }

    /// All of a fleet at work, and its users.
    pub fn at_work(queue: Queue, settings: impl FnOnce(Launch) -> Launch) -> (Self, Crowd) {
        Self::at_work_on(Engines::start(queue), settings)
    }

    /// The same on these engines.
    pub fn at_work_on(engines: Engines, settings: impl FnOnce(Launch) -> Launch) -> (Self, Crowd) {
        let fleet = Self::new(engines, HOSTS, settings).started();
        let crowd = Crowd::start(&fleet.world, USERS, seed());
        (fleet, crowd)
    }

    /// The end of it: nothing may be wrong.
    pub async fn ends_sound(self, crowd: Crowd) {
        let users = crowd.stop().await;
        let asked: usize = users.iter().map(|user| user.asked.len()).sum();
        println!("{asked} refinements");
        let violations = self.violations(&users).await;
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// All are started.
    pub fn started(mut self) -> Self {
        for index in 0..self.hosts.len() {
            self.start(index, |launch| launch);
        }
        self
    }

    /// Starts one, always at the address that its first start gave it.
    pub fn start(&mut self, index: usize, settings: impl FnOnce(Launch) -> Launch) {
        let host = &mut self.hosts[index];
        let service = block_in_place(|| settings(host.launch.clone()).start());
        host.launch = host.launch.clone().at(&service);
        host.service = Some(service);
        self.balance();
    }

    pub fn kill(&mut self, index: usize) {
        if let Some(service) = self.hosts[index].service.take() {
            self.world.kill(service);
        }
    }

    /// Waits until one has killed itself.
    pub async fn death(&mut self, index: usize) {
        if let Some(service) = self.hosts[index].service.take() {
            self.world.death("a host kills itself", service).await;
        }
        self.balance();
    }

    /// Kills one, for which there is no excuse.
    pub async fn drop_dead(&mut self, index: usize) {
        // It stands still while it is looked at, so that what it has does not end.
        loop {
            self.works(index).await;
            self.signal(index, Signal::STOP);
            if self.under_way(index) >= AT_WORK {
                break;
            }
            self.signal(index, Signal::CONT);
        }
        if let Some(service) = self.hosts[index].service.take() {
            block_in_place(|| service.kill());
        }
        self.balance();
    }

    pub fn stop(&mut self, index: usize) {
        if let Some(service) = self.hosts[index].service.take() {
            self.world.stop(service);
        }
        self.balance();
    }

    /// Lets one stand still for longer than its leases last: this is what happens, and
    /// nothing is waited for. It is left out by the balancer, as it would be by an
    /// operator's.
    pub async fn stand_still(&mut self, index: usize) {
        self.leave_out(index);
        self.note(index, Trouble::Disturbed);
        self.signal(index, Signal::STOP);
        tokio::time::sleep(LEASE + Duration::from_millis(1500)).await;
        self.signal(index, Signal::CONT);
        self.note(index, Trouble::Undisturbed);
        self.balance();
    }

    fn signal(&mut self, index: usize, signal: Signal) {
        if let Some(service) = &mut self.hosts[index].service {
            service.signal(signal);
        }
    }

    /// Waits until it has tasks under way.
    pub async fn works(&self, index: usize) {
        eventually("it has tasks under way", SOON, async || {
            (self.under_way(index) >= AT_WORK).then_some(())
        })
        .await;
    }

    /// How many tasks it has under way.
    fn under_way(&self, index: usize) -> usize {
        let process = self.hosts[index].process();
        let processing = block_in_place(|| self.engines.processing());
        let journal = Journal::of(&self.world.journal);
        let workers = processing.iter().map(|task| journal.workers(task));
        let own = workers.filter(|workers| workers.last() == Some(&process));
        own.count()
    }

    /// Waits until it has accepted more tasks than one for each user.
    pub async fn accepts_some(&self) {
        let count = || Journal::of(&self.world.journal).submissions().count();
        let before = count();
        let some = 3 * usize::try_from(USERS).unwrap();
        eventually("it accepts some tasks", SOON, async || {
            (count() > before + some).then_some(())
        })
        .await;
    }

    /// What happens to one.
    pub fn note(&self, index: usize, trouble: Trouble) {
        if let Some(service) = &self.hosts[index].service {
            self.world.note(service, trouble);
        }
    }

    fn note_all(&self, trouble: Trouble) {
        for index in 0..self.hosts.len() {
            self.note(index, trouble);
        }
    }

    /// Puts something between a host and an engine, or takes it away. Only without its
    /// way to the tasks a host may lose what it has: otherwise it waits, and keeps it.
    pub fn set(&self, index: usize, engine: Engine, mode: Mode) {
        let host = &self.hosts[index];
        let proxy = match engine {
            Engine::Tasks => Some(&host.tasks),
            Engine::Images => Some(&host.images),
            Engine::Queue => host.queue.as_ref(),
        };
        if engine == Engine::Tasks && mode != Mode::Pass {
            self.note(index, Trouble::Disturbed);
        }
        if let Some(proxy) = proxy {
            proxy.set(mode);
        }
        if engine == Engine::Tasks && mode == Mode::Pass {
            self.note(index, Trouble::Undisturbed);
        }
    }

    /// The same for all.
    pub fn set_all(&self, engine: Engine, mode: Mode) {
        for index in 0..self.hosts.len() {
            self.set(index, engine, mode);
        }
    }

    /// Kills the database, and starts it again.
    pub fn crash_tasks(&self) {
        self.note_all(Trouble::Disturbed);
        block_in_place(|| {
            let mut postgres = self.engines.postgres.lock().unwrap();
            postgres.kill();
            postgres.run();
        });
        self.note_all(Trouble::Undisturbed);
    }

    /// Kills the database, and lets its standby take its place.
    pub fn promote(&mut self) {
        self.note_all(Trouble::Disturbed);
        block_in_place(|| self.engines.promote());
        self.note_all(Trouble::Undisturbed);
    }

    /// Kills what carries messages, and starts it again.
    pub fn crash_queue(&mut self) {
        block_in_place(|| self.engines.nats.as_mut().unwrap().restart());
    }

    /// The same, without any message that it had.
    pub fn lose_messages(&mut self) {
        block_in_place(|| {
            let nats = self.engines.nats.as_mut().unwrap();
            nats.wipe();
            nats.restart();
        });
    }

    /// As the operator's balancer would: those that stand still are left out.
    pub fn leave_out(&self, index: usize) {
        let all = self.hosts.iter().enumerate();
        let others = all.filter(|(other, _)| *other != index);
        self.balancer
            .set_hosts(others.filter_map(|(_, host)| host.address()).collect());
    }

    pub fn balance(&self) {
        let addresses = self.hosts.iter().filter_map(Host::address);
        self.balancer.set_hosts(addresses.collect());
    }

    /// Every promise that was broken, in a sentence each.
    pub async fn violations(mut self, users: &[User]) -> Vec<String> {
        for index in 0..self.hosts.len() {
            self.stop(index);
        }
        let mut found = self.shown(users).await;
        if !found.is_empty() && found.iter().all(|what| what.starts_with(verdict::ORPHAN)) {
            // What was on its way when its host lost it may have arrived after
            // the first look, and goes at the next one.
            found = self.shown(users).await;
        }
        found.extend(self.world.stores.violations());
        found.append(&mut self.world.complaints);
        if !found.is_empty() {
            println!("{:#?}", self.world.errors);
        }
        found
    }

    /// What a host shows at its start, at which it removes what was left behind.
    async fn shown(&mut self, users: &[User]) -> Vec<String> {
        self.world.stores.free_duties();
        self.start(0, |launch| launch);
        let found = verdict::shown(&self.world, users).await;
        self.stop(0);
        found
    }
}

impl Host {
    fn new(world: &World, engines: &Engines) -> Self {
        let (tasks, queue, images) = engines.proxies();
        let launch = world.launch.elsewhere();
        let launch = engines.settings(launch, &tasks, queue.as_ref(), &images);
        Self {
            launch,
            service: None,
            tasks,
            queue,
            images,
        }
    }

    /// While it is started.
    pub fn url(&self) -> &str {
        self.service.as_ref().map_or("", Service::url)
    }

    /// Of which its lines in the journal are, while it is started.
    pub fn process(&self) -> u32 {
        self.service.as_ref().map_or(0, Service::id)
    }

    fn address(&self) -> Option<SocketAddr> {
        let url = self.service.as_ref()?.url();
        url.trim_start_matches("http://").parse().ok()
    }
}
