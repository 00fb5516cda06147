//! Several hosts over shared engines, behind a balancer. Each has proxies of its own
//! before the engines, so that it alone can be cut off.

use std::net::SocketAddr;

use concept_refinement_tests::balancer::Balancer;
use concept_refinement_tests::proxy::Proxy;
use concept_refinement_tests::service::{Launch, Service};
use rustix::process::Signal;
use tokio::task::block_in_place;

use crate::shared::Engines;
use crate::user::User;
use crate::verdict;
use crate::world::World;

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
    pub tasks: Proxy,
    pub queue: Option<Proxy>,
    pub images: Proxy,
}

impl Fleet {
    /// So many hosts, none of them started. `settings` are for all of them.
    pub fn new(engines: Engines, hosts: usize, settings: impl FnOnce(Launch) -> Launch) -> Self {
        let mut world = World::with(settings);
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

    pub fn stop(&mut self, index: usize) {
        if let Some(service) = self.hosts[index].service.take() {
            self.world.stop(service);
        }
        self.balance();
    }

    /// Lets one stand still, or go on.
    pub fn signal(&mut self, index: usize, signal: Signal) {
        if let Some(service) = &mut self.hosts[index].service {
            service.signal(signal);
        }
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
    ///
    /// `pauses`: how often a worker may have lost its lease without dying.
    pub async fn violations(mut self, users: &[User], pauses: usize) -> Vec<String> {
        for index in 0..self.hosts.len() {
            self.stop(index);
        }
        let mut found = self.shown(users, pauses).await;
        if !found.is_empty() && found.iter().all(|what| what.starts_with(verdict::ORPHAN)) {
            // What was on its way when its host lost it may have arrived after
            // the first look, and goes at the next one.
            found = self.shown(users, pauses).await;
        }
        found.extend(self.world.stores.violations());
        found.append(&mut self.world.complaints);
        if !found.is_empty() {
            println!("{:#?}", self.world.errors);
        }
        found
    }

    /// What a host shows at its start, at which it removes what was left behind.
    async fn shown(&mut self, users: &[User], pauses: usize) -> Vec<String> {
        self.world.stores.free_duties();
        self.start(0, |launch| launch);
        let found = verdict::shown(&self.world, users, pauses).await;
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

    fn address(&self) -> Option<SocketAddr> {
        let url = self.service.as_ref()?.url();
        url.trim_start_matches("http://").parse().ok()
    }
}
