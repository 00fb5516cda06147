//! Server-sent events with a thousand watchers: memory per watcher, and the
//! delay from a change to its event.
//!
//! The delay is measured from just before the commit until a client on the same
//! machine has read the event, so it includes the commit, the notification, and
//! scheduling of the client on the shared cores.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::events::{Event, Events};
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::token;
use futures::stream::{self, StreamExt as _};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::Form;
use crate::figures::{Figure, Target};

/// Watchers of one task, each with its own connection.
const WATCHERS: usize = 1000;

/// Clients that connect at once.
const AT_ONCE: usize = 32;

/// Other tasks a second, each with somebody who watches it.
const RATE: u32 = 20;

/// In kilobytes, and in milliseconds.
const MAX_EACH: f64 = 25.0;
const MAX_P99: f64 = 50.0;

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let origin = Origin::start();
        let service = launch(&origin).start();
        let process = Process::of(service.id());
        let client = Client::new(service.url());
        let picture = pictures::png(64, 64);
        let original = origin.picture(&picture);

        let watched = client.bearer(&token("watched"));
        let (waiting, gate) = origin.gated(&picture);
        let id = watched.accepted(&waiting, "instant").await;
        watched.task_is(&id, "processing").await;
        // Memory that the first watchers cause is shared by all.
        changes_at_rate(&client, &original, 20).await;
        let before = process.usage().anonymous;
        let crowd = watching(&watched, &id).await;
        let after = process.usage().anonymous;
        let each = after.saturating_sub(before) as f64 / WATCHERS as f64;

        let delays = changes_at_rate(&client, &original, form.choose(60, 400)).await;
        gate.open();
        let end_delays = end_delays(crowd).await;
        let milliseconds = |delays: &[Duration], percent| {
            let delay = percentile(delays, percent);
            delay.as_secs_f64() * 1e3
        };
        let figure = |name: &str, delays, percent| {
            let name = format!("{name}, p{percent}");
            Figure::new("events", name, "ms", milliseconds(delays, percent))
        };
        vec![
            figure("change to arrival", &delays, 50),
            figure("change to arrival", &delays, 99).target(Target::Most(MAX_P99)),
            figure("one change to all", &end_delays, 50),
            figure("one change to all", &end_delays, 99),
            Figure::new("events", "memory a watcher", "kB", each / 1e3)
                .target(Target::Most(MAX_EACH)),
        ]
    })
}

/// Those who watch, each having seen the task as it is.
async fn watching(client: &Client, id: &str) -> Vec<Events> {
    let crowd = (0..WATCHERS).map(async |_| {
        let mut events = client.events(id, None).await;
        assert_eq!(events.event().await.tells(), "processing");
        events
    });
    let crowd = stream::iter(crowd).buffer_unordered(AT_ONCE);
    crowd.collect().await
}

/// How late each was told of the end, from the first on.
async fn end_delays(crowd: Vec<Events>) -> Vec<Duration> {
    let mut readers = JoinSet::new();
    for mut events in crowd {
        readers.spawn(async move { events.rest().await.last().map(Event::delay) });
    }
    let delays = readers.join_all().await;
    let mut delays: Vec<Duration> = delays.into_iter().map(Option::unwrap).collect();
    delays.sort_unstable();
    delays
}

/// How late each change of many tasks was told, from the fastest on.
async fn changes_at_rate(client: &Client, original: &str, count: usize) -> Vec<Duration> {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    let mut tasks = JoinSet::new();
    let begin = Instant::now();
    for number in 0..count {
        let user = client.bearer(&token(&format!("user {number} since {begin:?}")));
        let original = original.to_owned();
        ticks.tick().await;
        tasks.spawn(async move {
            // Long enough to be watched before it is done.
            let id = user.accepted(&original, "wait 100ms").await;
            let first = user.events(&id, None).await;
            changes(first).await
        });
    }
    let mut delays = tasks.join_all().await.concat();
    delays.sort_unstable();
    delays
}

/// Those after the state that was there when it began to watch.
async fn changes(mut events: Events) -> Vec<Duration> {
    let all = events.rest().await;
    let changes = all.iter().filter(|event| event.name == "task").skip(1);
    let delays: Vec<Duration> = changes.map(Event::delay).collect();
    assert!(!delays.is_empty(), "it was not watched in time: {all:?}");
    delays
}
