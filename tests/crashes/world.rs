//! A service that is killed and started again on the same data and at the same
//! address, an origin for its users, and what was noted of what happened to it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::webhook::LEASE;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines;
use concept_refinement_tests::faults::{FLAW, JOURNAL};
use concept_refinement_tests::flaws::Flaw;
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::{Ended, Launch, Service};
use tokio::task::block_in_place;

use crate::journal::Trouble;
use crate::shared;
use crate::stores::{Embedded, Stores};

/// What a user may ask for in a month, more than any test does.
pub const LIMIT: usize = 1_000_000;

/// As `kill -9` ends a process.
const KILLED: i32 = 9;

pub struct World {
    pub origin: Arc<Origin>,
    /// Who is told that tasks have ended.
    pub receiver: Arc<Receiver>,
    /// Where it listens, once it was started.
    pub url: String,
    /// How it is started while nothing is to go wrong.
    pub launch: Launch,
    pub journal: PathBuf,
    /// What its processes keep, wherever that is.
    pub stores: Arc<dyn Stores>,
    /// How long a user waits for anything.
    pub patience: Duration,
    /// How long whoever died may hold a delivery besides.
    pub hold: Duration,
    /// Whether others do not know at once that a process is dead.
    pub is_shared: bool,
    /// What no process may write to its log.
    pub complaints: Vec<String>,
    /// What processes said went wrong, to explain a failure.
    pub errors: Vec<String>,
}

impl World {
    pub fn new() -> Self {
        Self::with(|launch| launch)
    }

    /// With other settings, which hold for all its processes.
    pub fn with(settings: impl FnOnce(Launch) -> Launch) -> Self {
        let launch = Launch::new();
        if !engines::are_shared() {
            return Self::in_directory(launch, settings);
        }
        let stores = shared::stores_of(&launch);
        // Nobody knows that a host is dead before its leases have expired.
        let launch = launch.set("lease", "2s");
        Self {
            is_shared: true,
            ..Self::on(stores, launch, 2 * SOON, settings)
        }
    }

    /// On a data directory, whatever the run is on.
    pub fn embedded() -> Self {
        Self::in_directory(Launch::new().embedded(), |launch| launch)
    }

    fn in_directory(launch: Launch, settings: impl FnOnce(Launch) -> Launch) -> Self {
        let stores = Arc::new(Embedded(launch.data()));
        Self::on(stores, launch, SOON, settings)
    }

    fn on(
        stores: Arc<dyn Stores>,
        launch: Launch,
        patience: Duration,
        settings: impl FnOnce(Launch) -> Launch,
    ) -> Self {
        let origin = Arc::new(Origin::start());
        let receiver = Arc::new(Receiver::start());
        let journal = launch.data().with_file_name("journal");
        std::fs::write(&journal, "").unwrap();
        let launch = launch
            .faulty()
            .scripted()
            .with_tokens()
            .set("allow-sources", &origin.authority())
            .set("allow-webhooks", &receiver.authority())
            .set("rate-limit", &format!("{LIMIT}/month"))
            .set("uploads", &LIMIT.to_string())
            .set("upload-bytes", "1000GiB")
            .variable(JOURNAL, journal.to_str().unwrap());
        Self {
            origin,
            receiver,
            url: String::new(),
            launch: settings(launch),
            journal,
            stores,
            patience,
            hold: LEASE,
            is_shared: false,
            complaints: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// With a store that breaks a promise.
    pub fn flawed(flaw: Flaw) -> Self {
        let mut world = Self::with(|launch| launch.variable(FLAW, flaw.as_str()));
        if matches!(flaw, Flaw::Redelivery | Flaw::Silence) {
            // Whoever waits for what never happens need not wait long.
            world.patience = Duration::from_secs(4);
        }
        world
    }

    /// Starts it, always at the address that the first start gave it.
    pub fn start(&mut self, settings: impl FnOnce(Launch) -> Launch) -> Service {
        block_in_place(|| self.stores.free_duties());
        let service = block_in_place(|| settings(self.launch.clone()).start());
        self.has_started(service)
    }

    /// The same with a trap. A message that an earlier process left may lead there
    /// before this one is ready; the next one does not get it so soon.
    pub fn start_trapped(&mut self, settings: impl Fn(Launch) -> Launch) -> Service {
        const TRIES: usize = 20;
        for _ in 0..TRIES {
            block_in_place(|| self.stores.free_duties());
            match block_in_place(|| settings(self.launch.clone()).try_start()) {
                Ok(service) => return self.has_started(service),
                Err(ended) => self.died(&ended),
            }
        }
        panic!("it gets to the trap by itself, {TRIES} times")
    }

    fn has_started(&mut self, service: Service) -> Service {
        self.launch = self.launch.clone().at(&service);
        self.url = service.url().to_owned();
        service
    }

    /// Kills it at this moment.
    pub fn kill(&mut self, service: Service) {
        self.note(&service, Trouble::Killed);
        let ended = block_in_place(|| service.kill());
        self.died(&ended);
    }

    /// Waits until it has killed itself.
    pub async fn death(&mut self, what: &str, mut service: Service) {
        eventually(what, SOON, async || service.has_ended().then_some(())).await;
        let ended = block_in_place(|| service.ended());
        self.died(&ended);
    }

    /// Starts it only to see it kill itself, ready or not.
    pub fn short_life(&mut self, settings: impl FnOnce(Launch) -> Launch) {
        block_in_place(|| self.stores.free_duties());
        let ended = block_in_place(|| settings(self.launch.clone()).run());
        self.died(&ended);
    }

    /// What has happened to it, or is about to.
    pub fn note(&self, service: &Service, trouble: Trouble) {
        trouble.note(&self.journal, service.id());
    }

    pub fn stop(&mut self, service: Service) {
        let ended = block_in_place(|| service.stop());
        self.has_said(&ended.log);
        if !ended.status.success() {
            self.complaints
                .push(format!("it did not stop in order: {:?}", ended.status));
        }
    }

    fn died(&mut self, ended: &Ended) {
        assert_eq!(ended.status.signal(), Some(KILLED), "{ended:?}");
        // Of those that killed themselves it is not noted yet.
        Trouble::Killed.note(&self.journal, ended.id);
        self.has_said(&ended.log);
    }

    fn has_said(&mut self, log: &str) {
        let errors = log.lines().filter(|line| line.contains("ERROR"));
        self.errors.extend(errors.map(str::to_owned));
        let panics = log.lines().filter(|line| line.contains("panicked"));
        self.complaints.extend(panics.map(str::to_owned));
    }
}
