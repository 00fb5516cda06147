//! Hosts over one Postgres: what one of them does beside the embedded store, and
//! what a second and a third one add. Hosts, engines and users share one machine's
//! cores, so that the processor time of each says where its limit is.

use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};
use concept_refinement_tests::s3::{self, Kind};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use tokio::runtime::Runtime;

use crate::Form;
use crate::api;
use crate::figures::{Figure, Target, pairs};
use crate::sides::{Round, Side};
use crate::tasks::{self, Asked};

const HOSTS: usize = 3;

/// Tasks in flight on one host, and how long the model takes for each, where it is
/// the hosts that are too few.
const IN_FLIGHT: usize = 8;
const SLOW_MODEL: &str = "wait 100ms";

const MIN_RATE: f64 = 1_000.0;
const MAX_P50: f64 = 15.0;

pub fn measure(form: Form) -> Vec<Figure> {
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    Runtime::new().unwrap().block_on(async {
        let mut figures = api(form, &server).await;
        figures.extend(tasks(form, &server).await);
        for hosts in 1..=HOSTS {
            figures.extend(many(form, &server, hosts).await);
        }
        figures
    })
}

fn over(server: &Postgres, schema: &str, launch: Launch) -> Launch {
    launch.set("tasks", &server.url(schema))
}

/// Requests to one host, beside those to one with the embedded store.
async fn api(form: Form, server: &Postgres) -> Vec<Figure> {
    let origin = Origin::start();
    let (original, _gate) = origin.gated(&pictures::png(8, 8));
    let (rounds, posts, gets) = form.choose((2, 1_000, 4_000), (5, 4_000, 20_000));
    let (mut posted, mut got) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let shared = over(server, &new_schema(), launch(&origin));
        let mut sides = [shared, launch(&origin)].map(|launch| api::service(launch, &original));
        let [ours, embedded] = &mut sides;
        for asked in [&mut *ours, &mut *embedded] {
            asked.post(posts / 8).await;
            asked.get(gets / 8).await;
        }
        got.push([ours.get(gets).await, embedded.get(gets).await]);
        posted.push([ours.post(posts).await, embedded.post(posts).await]);
    }
    let figure = |name: &str, unit, rounds: &[[Round; 2]], value: fn(&Round) -> f64| {
        let name = format!("{name}, beside embedded");
        Figure::of_rounds("hosts", name, unit, &pairs(rounds, value))
    };
    vec![
        figure("POST", "requests/s", &posted, |round| round.per_second),
        figure("POST, processor time", "µs", &posted, |round| round.each),
        figure("GET", "requests/s", &got, |round| round.per_second),
        figure("GET, processor time", "µs", &got, |round| round.each),
    ]
}

/// Whole tasks on one host, beside one with the embedded store.
async fn tasks(form: Form, server: &Postgres) -> Vec<Figure> {
    let origin = Origin::start();
    let shared = over(server, &new_schema(), launch(&origin));
    let asked = [shared, launch(&origin)].map(|launch| {
        let side = Side::service(launch.start());
        Asked::new(vec![side], &origin)
    });
    for asked in &asked {
        // To warm up.
        asked.many(tasks::USERS, 1).await;
    }
    let [ours, embedded] = &asked;
    let count = form.choose(60, 400);
    let times = [ours.at_rate(count).await, embedded.at_rate(count).await];
    let each = form.choose(2, 8);
    let before = server.processor();
    let (users, rate, cost) = ours.most(each).await;
    let engine = (server.processor() - before).as_secs_f64() * 1e3;
    let (_, embedded_rate, embedded_cost) = embedded.most(each).await;
    let latency = |percent| {
        let [ours, other] = times
            .each_ref()
            .map(|times| percentile(times, percent).as_secs_f64() * 1e3);
        let name = format!("submit to completed, p{percent}");
        Figure::of_rounds("hosts", name, "ms", &[(ours, other)])
    };
    vec![
        latency(50).target(Target::Most(MAX_P50)),
        latency(99),
        Figure::of_rounds(
            "hosts",
            "durable, end to end",
            "tasks/s",
            &[(rate, embedded_rate)],
        )
        .target(Target::Least(MIN_RATE)),
        Figure::of_rounds(
            "hosts",
            "processor time of a host a task",
            "ms",
            &[(cost, embedded_cost)],
        ),
        Figure::new("hosts", "durable, by so many", "users", users as f64),
        // All that it did while users became more, not of the last of them alone.
        Figure::new("hosts", "processor time of Postgres", "ms", engine),
    ]
}

/// Whole tasks on so many hosts, with images in S3: with a model that answers at
/// once, where the machine is the limit, and with one that takes its time, where it
/// is the hosts.
async fn many(form: Form, server: &Postgres, hosts: usize) -> Vec<Figure> {
    let origin = Origin::start();
    let fleet = |settings: &dyn Fn(Launch) -> Launch| -> Vec<Side> {
        let (schema, place) = (new_schema(), s3::shared(Kind::S3sFs).place());
        let launches = (0..hosts).map(|_| {
            let launch = over(server, &schema, launch(&origin)).images_in(&place);
            settings(launch)
        });
        launches
            .map(|launch| Side::service(launch.start()))
            .collect()
    };
    let fast = Asked::new(fleet(&|launch| launch), &origin);
    fast.many(tasks::USERS, 1).await;
    let before = server.processor();
    let (users, each) = (tasks::USERS, form.choose(4, 16));
    let (rate, cost) = fast.many(users, each).await;
    let engine = (server.processor() - before).as_secs_f64() * 1e3 / (users * each) as f64;
    drop(fast);
    let limited = |launch: Launch| launch.set("concurrency", &IN_FLIGHT.to_string());
    let slow = Asked::with_prompt(fleet(&limited), &origin, SLOW_MODEL);
    slow.many(HOSTS * IN_FLIGHT, 1).await;
    let (slow_rate, _) = slow.many(2 * HOSTS * IN_FLIGHT, form.choose(4, 12)).await;
    let name = |what: &str| format!("{hosts} hosts, {what}");
    vec![
        Figure::new("hosts", name("instant model"), "tasks/s", rate),
        Figure::new("hosts", name("processor time of hosts a task"), "ms", cost),
        Figure::new("hosts", name("of Postgres a task"), "ms", engine),
        Figure::new(
            "hosts",
            name("8 in flight on each, 100 ms a task"),
            "tasks/s",
            slow_rate,
        ),
    ]
}
