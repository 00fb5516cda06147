//! Operators act while users ask, and hosts are killed again and again: each act is done
//! once or not at all, and the audit says which.
//!
//! `REFINEMENT_KILLS` makes a run longer.

mod acts;
mod users;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::seed::{number, seed};
use concept_refinement_tests::service::{Launch, Service};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;
use tokio::task::block_in_place;

use super::{TOKEN, attended, read};
use crate::shared::{picture_url, scripted_launch, scripted_over};

/// How many a short run has.
const KILLS: u64 = 8;

/// So long nothing is killed, in milliseconds.
const LIVES: std::ops::Range<u64> = 50..700;

const OPERATORS: u64 = 2;

/// Whose tasks are retried and cancelled, and never deleted.
const KEPT: [&str; 3] = ["ada", "bob", "cid"];

/// Whose tasks are deleted, and neither retried nor cancelled.
const DELETED: [&str; 3] = ["dan", "eve", "fay"];

/// Where everybody finds the hosts, dead or alive.
struct Place {
    urls: Vec<String>,
    doors: Vec<String>,
    picture: String,
    /// Nobody begins anything more.
    is_over: AtomicBool,
}

impl Place {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// At one host or another.
    fn user(&self, random: &mut StdRng, name: &str) -> Client {
        Client::user(&self.urls[random.random_range(0..self.urls.len())], name)
    }

    fn operator(&self, random: &mut StdRng) -> Client {
        Client::operator(&self.doors[random.random_range(0..self.doors.len())], TOKEN)
    }
}

/// All that is started again, at the same addresses.
struct Hosts {
    launches: Vec<Launch>,
    services: Vec<Service>,
    place: Arc<Place>,
}

impl Hosts {
    async fn start(launches: Vec<Launch>) -> Self {
        let services: Vec<Service> = launches.iter().map(Launch::start).collect();
        let mut doors = Vec::new();
        for service in &services {
            doors.push(service.admin().await);
        }
        let launches = launches.into_iter().zip(services.iter().zip(&doors));
        let launches = launches.map(|(launch, (service, door))| {
            let door = door.trim_start_matches("http://");
            launch.at(service).set("admin-listen", door)
        });
        let launches = launches.collect();
        let place = Arc::new(Place {
            urls: services.iter().map(|it| it.url().to_owned()).collect(),
            doors,
            picture: picture_url(),
            is_over: AtomicBool::new(false),
        });
        Self {
            launches,
            services,
            place,
        }
    }

    fn kill(&mut self, index: usize) {
        block_in_place(|| {
            self.services.remove(index).kill();
            let service = self.launches[index].start();
            self.services.insert(index, service);
        });
    }

    /// Everybody at work, and one host after the other is killed. `jobs`: the ids of all
    /// jobs.
    async fn outlive_kills(mut self, jobs: impl FnOnce() -> Vec<String>) {
        let seed = seed();
        let users = KEPT.into_iter().chain(DELETED).zip(seed..);
        let users = users.map(|(name, seed)| {
            let place = Arc::clone(&self.place);
            tokio::spawn(users::ask(place, name, StdRng::seed_from_u64(seed)))
        });
        let users: Vec<_> = users.collect();
        let operators = (0..OPERATORS).map(|number| {
            let place = Arc::clone(&self.place);
            let random = StdRng::seed_from_u64(seed.wrapping_add(100 + number));
            tokio::spawn(acts::act(place, number, random))
        });
        let operators: Vec<_> = operators.collect();
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..number("REFINEMENT_KILLS", KILLS) {
            tokio::time::sleep(Duration::from_millis(random.random_range(LIVES))).await;
            let index = random.random_range(0..self.services.len());
            self.kill(index);
        }
        self.place.is_over.store(true, Ordering::Relaxed);
        let mut acts = Vec::new();
        for operator in operators {
            acts.extend(operator.await.unwrap());
        }
        let mut accepted = Vec::new();
        let operator = self.place.operator(&mut random);
        // Users wait for what is still to be accepted.
        assert_eq!(
            super::act(&operator, "queue/resume", verdict::LAST)
                .await
                .status,
            200
        );
        for user in users {
            accepted.extend(user.await.unwrap());
        }
        // A store in a file belongs to its service alone.
        block_in_place(|| {
            for service in self.services.drain(..) {
                service.stop();
            }
        });
        let jobs = jobs();
        block_in_place(|| {
            self.services
                .extend(self.launches.iter().map(Launch::start))
        });
        let operator = operator.reconnected();
        eventually("all is over", 2 * SOON, async || {
            let queue = read(&operator, "queue").await;
            let is_idle = queue["pending"] == 0 && queue["processing"] == 0;
            let mut are_over = true;
            for job in &jobs {
                are_over &= !read(&operator, &format!("jobs/{job}")).await["ended_at"].is_null();
            }
            (is_idle && are_over).then_some(())
        })
        .await;
        let seen = verdict::Seen::by(&operator, &jobs).await;
        println!("{}", seen.figures(&acts, &accepted));
        let violations = seen.violations(&acts, &accepted);
        assert!(violations.is_empty(), "{violations:#?}");
        for service in self.services {
            assert!(!service.log().contains("panicked"), "{}", service.log());
            let ended = block_in_place(|| service.stop());
            assert!(ended.status.success(), "{}", ended.log);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_each_act_is_done_once_or_not_at_all() {
    let launch = attended(scripted_launch().embedded()).set("rate-limit", "unlimited");
    let file = launch.data().join("tasks.sqlite");
    let hosts = Hosts::start(vec![launch]).await;
    hosts
        .outlive_kills(|| {
            let store = Connection::open(file).unwrap();
            let mut all = store.prepare("SELECT id FROM job").unwrap();
            let ids = all.query_map([], |row| row.get(0)).unwrap();
            ids.map(Result::unwrap).collect()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_host_is_killed_each_act_is_done_once_or_not_at_all() {
    let schema = new_schema();
    let launch = attended(scripted_over(&postgres().url(&schema)))
        .set("rate-limit", "unlimited")
        .set("lease", "2s");
    let hosts = Hosts::start((0..3).map(|_| launch.elsewhere()).collect()).await;
    hosts
        .outlive_kills(|| {
            let ids = postgres().query(&format!("SELECT id FROM {schema}.job"));
            ids.lines().map(str::to_owned).collect()
        })
        .await;
}
