//! An outage of the model under load, and its effect on users.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::client::Client;
use crate::deadline::eventually;
use crate::disk_wait::DiskWait;
use crate::tokens::token;

/// How long everything may take to come to its end afterwards.
const RECOVERY: Duration = Duration::from_secs(120);

/// Those that look whether their tasks are finished, at once.
const LOOKING: usize = 16;

pub struct Outage<'a> {
    /// The model is unavailable as long as this file exists.
    pub switch: &'a Path,
    /// How long users ask before it, and in it.
    pub before: Duration,
    pub time: Duration,
    pub submits_a_second: u32,
}

#[derive(Debug)]
pub struct Survived {
    /// Of each submission and of a read of a task after each, from the fastest
    /// on: before the outage, and in it.
    pub before: Vec<Duration>,
    pub latencies: Vec<Duration>,
    /// The longest flush of the disk in it.
    pub flush: Duration,
    pub completed: usize,
    pub failed: usize,
    /// From the model's return until each task was finished.
    pub recovery: Duration,
}

/// A user, their task, and how long its submission and a read of it took.
struct Submitted(Client, String, [Duration; 2]);

impl Outage<'_> {
    /// Each submission is another user's.
    pub async fn survive(&self, anybody: &Client, original: &str) -> Survived {
        let before = self.ask(anybody, original, "before", self.before).await;
        fs::write(self.switch, "").unwrap();
        let disk = DiskWait::measure(self.switch.parent().unwrap());
        let amid = self.ask(anybody, original, "amid", self.time).await;
        let flush = disk.longest();
        fs::remove_file(self.switch).unwrap();

        let back = Instant::now();
        eventually("the model is used again", RECOVERY, async || {
            let user = anybody.bearer(&token(&format!("back {:?}", back.elapsed())));
            let id = user.accepted(original, "echo it").await;
            let task = user.finished_within(&id, RECOVERY).await;
            (task["status"] == "completed").then_some(())
        })
        .await;
        let all = stream::iter(before.iter().chain(&amid));
        let finished =
            all.map(async |Submitted(user, id, _)| user.finished_within(id, RECOVERY).await);
        let finished: Vec<Value> = finished.buffer_unordered(LOOKING).collect().await;
        let completed = finished.iter().filter(|task| task["status"] == "completed");
        let completed = completed.count();
        Survived {
            before: latencies(&before),
            latencies: latencies(&amid),
            flush,
            completed,
            failed: finished.len() - completed,
            recovery: back.elapsed(),
        }
    }

    async fn ask(
        &self,
        anybody: &Client,
        original: &str,
        when: &str,
        time: Duration,
    ) -> Vec<Submitted> {
        let mut ticks = interval(Duration::from_secs(1) / self.submits_a_second);
        // The load does not wait for a service that is slow.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let end = Instant::now() + time;
        let mut submissions = JoinSet::new();
        for number in 0.. {
            ticks.tick().await;
            if Instant::now() >= end {
                break;
            }
            let user = anybody.bearer(&token(&format!("{when} {number}")));
            submissions.spawn(submit(user, original.to_owned()));
        }
        submissions.join_all().await
    }
}

async fn submit(user: Client, original: String) -> Submitted {
    let begin = Instant::now();
    let id = user.accepted(&original, "echo it").await;
    let submitted = begin.elapsed();
    user.task(&id).await;
    let read = begin.elapsed() - submitted;
    Submitted(user, id, [submitted, read])
}

fn latencies(submitted: &[Submitted]) -> Vec<Duration> {
    let latencies = submitted.iter().flat_map(|Submitted(_, _, took)| *took);
    let mut latencies: Vec<_> = latencies.collect();
    latencies.sort_unstable();
    latencies
}
