//! The tasks of many users, who all ask at once, through kills.

use std::fmt;
use std::time::Duration;

use concept_refinement_domain::money::MicroDollars;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::seed::number;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::shop::Shop;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::paid_once::sum;

/// All tasks together.
const IN_TIME: Duration = Duration::from_secs(600);

/// What a service logs before it asks for what was perhaps made.
const WARNING: &str = "a provider is asked though an earlier call may have been accepted";

pub struct Outlived {
    pub tasks: Vec<Ended>,
    pub kills: u32,
    /// By the metric, as far as it was read before each kill.
    counted: f64,
}

/// A task that has ended.
pub struct Ended {
    pub prompt: String,
    /// Why it failed. None: it is completed.
    pub reason: Option<String>,
    /// How many its user has.
    pub concepts: usize,
    /// Of how many calls its user is told that each may have been accepted.
    pub told: u32,
    /// How often the log says that there is another one.
    pub warned: u32,
    /// What its user has spent and reserved, in micro-dollars.
    pub spent: u64,
    pub reserved: u64,
}

/// A task that was asked for.
struct Asked {
    client: Client,
    prompt: String,
    id: String,
}

/// The services of a test, and what those that were killed said.
struct Hosts {
    launches: Vec<Launch>,
    running: Vec<Service>,
    log: String,
    counted: f64,
}

/// Runs `REFINEMENT_PAID_TASKS` tasks on so many hosts, which are killed at random times.
pub async fn outlived(shop: &Shop, launch: &Launch, count: usize, seed: u64) -> Outlived {
    let tasks = u32::try_from(number("REFINEMENT_PAID_TASKS", 15)).unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let mut hosts = Hosts::start(launch, count);
    let asked = join_all((0..tasks).map(|number| Asked::at(hosts.url(), number))).await;
    let kills = (tasks / 30).max(4);
    for kill in 0..kills {
        // Early ones meet all, later ones what is left.
        let least = random.random_range(tasks * kill / kills..tasks * (kill + 1) / kills);
        let url = hosts.url().to_owned();
        eventually("enough is made and has ended", IN_TIME, async || {
            let ends = join_all(asked.iter().map(|task| task.end(&url))).await;
            let ended = ends.iter().flatten().count();
            let is_due = shop.all() > 0 && ended >= least as usize;
            (is_due || ended == asked.len()).then_some(())
        })
        .await;
        hosts.kill(random.random_range(0..count)).await;
    }
    let url = hosts.url().to_owned();
    let ends = join_all(asked.iter().map(|task| task.ended(&url))).await;
    let (log, counted) = hosts.told().await;
    let warnings: Vec<_> = log.lines().filter(|line| line.contains(WARNING)).collect();
    let tasks = asked.iter().zip(ends).map(|(task, ended)| Ended {
        warned: warned(&warnings, &task.id),
        ..ended
    });
    Outlived {
        tasks: tasks.collect(),
        kills,
        counted,
    }
}

/// The lines with a task's id.
fn warned(lines: &[&str], id: &str) -> u32 {
    let of_task = lines.iter().filter(|line| line.contains(id));
    u32::try_from(of_task.count()).unwrap()
}

impl Hosts {
    /// One, or several over one database and one bucket.
    fn start(launch: &Launch, count: usize) -> Self {
        // The log takes no more lines than can be written, and each warning counts.
        let launch = launch.clone().variable("REFINEMENT_LOG", "info");
        let launch = launch.set("metrics-listen", "127.0.0.1:0");
        let launches = match count {
            1 => vec![launch],
            count => {
                let tasks = postgres().url(&launch.schema());
                let images = launch.place();
                let shared = launch.images_in(&images).set("tasks", &tasks);
                let shared = shared.set("lease", "5s");
                (0..count).map(|_| shared.elsewhere()).collect()
            }
        };
        Self {
            running: launches.iter().map(Launch::start).collect(),
            launches,
            log: String::new(),
            counted: 0.0,
        }
    }

    fn url(&self) -> &str {
        self.running[0].url()
    }

    /// Kills one, and starts it again.
    async fn kill(&mut self, host: usize) {
        let service = self.running.remove(host);
        self.counted += repeated(&service).await;
        self.log.push_str(&service.kill().log);
        self.running.insert(host, self.launches[host].start());
    }

    /// What all of them logged and counted.
    async fn told(self) -> (String, f64) {
        let (mut log, mut counted) = (self.log, self.counted);
        for service in self.running {
            counted += repeated(&service).await;
            log.push_str(&service.stop().log);
        }
        (log, counted)
    }
}

async fn repeated(service: &Service) -> f64 {
    sum(service, "model_repeated_calls_total", &[]).await
}

impl Asked {
    /// By a new user. Every third changes only a part.
    async fn at(url: &str, number: u32) -> Self {
        let client = Client::session(url).await;
        let original = client.uploaded(&pictures::png(40, 30)).await;
        let prompt = format!("make it lighter <{number}>");
        let edit = match number.is_multiple_of(3) {
            true => json!({"region": {"x": 5, "y": 5, "width": 10, "height": 10}}),
            false => json!({}),
        };
        let id = client.accepted_with(&original, &prompt, &edit).await;
        Self { client, prompt, id }
    }

    /// The task, if it is completed or failed.
    async fn end(&self, url: &str) -> Option<Value> {
        let task = self.client.at(url).task(&self.id).await;
        let status = task["status"].as_str().unwrap();
        matches!(status, "completed" | "failed").then_some(task)
    }

    /// How it ended, and what its user is told.
    async fn ended(&self, url: &str) -> Ended {
        let task = eventually("it ends", IN_TIME, async || self.end(url).await).await;
        let usage = self.client.at(url).get("/api/usage").await.json();
        let micros = |name: &str| {
            let amount = MicroDollars::parse(usage[name].as_str().unwrap());
            amount.unwrap().0
        };
        assert_eq!(usage["unknown_calls"], 0, "{}: {usage}", self.prompt);
        let concepts = self.client.at(url).get("/api/concepts").await.json();
        let concepts = concepts["concepts"].as_array().unwrap();
        let reason = task["error_message"].as_str();
        Ended {
            prompt: self.prompt.clone(),
            reason: (task["status"] == "failed").then(|| reason.unwrap().to_owned()),
            concepts: concepts.len(),
            told: concepts.first().map_or(1, told),
            warned: 0,
            spent: micros("spent"),
            reserved: micros("reserved"),
        }
    }
}

/// Of calls that may have been accepted.
fn told(concept: &Value) -> u32 {
    let note = concept["notes"][0].as_str().unwrap_or_default();
    let Some((_, note)) = note.split_once("asked more than once (") else {
        return 1;
    };
    note.split(' ').next().unwrap().parse().unwrap()
}

impl Outlived {
    pub fn completed(&self) -> impl Iterator<Item = &Ended> {
        self.tasks.iter().filter(|task| task.reason.is_none())
    }

    /// A process that is killed may not have written its last line.
    pub fn counts_what_it_warned_of(&self) {
        let warned: u32 = self.tasks.iter().map(|task| task.warned).sum();
        let most = f64::from(warned + self.kills);
        assert!(
            self.counted <= most,
            "{} are counted, {most} told",
            self.counted
        );
    }

    /// What came of all.
    pub fn figures(&self, shop: &Shop) -> impl fmt::Display {
        let made = self.tasks.iter().map(|task| shop.made(&task.prompt));
        let again: u32 = made.map(|made| made.saturating_sub(1)).sum();
        let (tasks, completed) = (self.tasks.len(), self.completed().count());
        let notes: u32 = self.completed().map(|task| task.told - 1).sum();
        let warned: u32 = self.tasks.iter().map(|task| task.warned).sum();
        let (created, kills, counted) = (shop.all(), self.kills, self.counted);
        format!(
            "{tasks} tasks, {completed} completed, {created} created, {again} of them again; \
             told: {notes} by notes, {warned} by the log, {counted} by the metric; {kills} kills"
        )
    }
}
