//! Tasks in Postgres, as users of the API see it: while the database is away in one
//! way or another, and when a standby takes its place. `starting` has a start without it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{READINESS, SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::s3::{Kind, shared};
use concept_refinement_tests::service::Launch;

use crate::backup::{ended, streaming};
use crate::outage;
use crate::shared::{origin, scripted_over};

/// The database by a way that can be broken, and new tables in it.
pub fn by(proxy: &Proxy) -> String {
    format!(
        "postgres://postgres@{}/postgres?sslmode=disable&schema={}",
        proxy.address(),
        new_schema()
    )
}

pub fn scripted(tasks: &str) -> Launch {
    let launch = Launch::new().embedded().scripted().with_tokens();
    let launch = launch.set("rate-limit", "unlimited").set("tasks", tasks);
    launch.set("allow-sources", &origin().authority())
}

pub fn address() -> SocketAddr {
    ([127, 0, 0, 1], postgres().port()).into()
}

/// Whatever way it is away in; and images, which are elsewhere, are served on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_away_calls_are_refused_in_time_and_work_on_its_return() {
    let proxy = Proxy::to(address());
    let service = scripted(&by(&proxy)).start();
    let client = Client::user(service.url(), "ada");
    let original = origin().picture(&pictures::png(64, 64));
    let task = client.refined(&original, "echo it").await;
    let (path, image) = (
        format!("/api/tasks/{}", task["task_id"].as_str().unwrap()),
        task["image_url"].as_str().unwrap().to_owned(),
    );
    for mode in outage::MODES {
        proxy.set(mode);
        for attempt in 0..2 {
            let (refused, unread, served, health) = outage::in_time(mode, async {
                tokio::join!(
                    client.refine(&original, "echo it"),
                    client.get(&path),
                    client.get(&image),
                    client.get("/api/health"),
                )
            })
            .await;
            assert_eq!(refused.status, 503, "{mode:?} {attempt}: {refused:?}");
            assert_eq!(unread.status, 503, "{mode:?} {attempt}: {unread:?}");
            assert_eq!(served.status, 200, "{mode:?} {attempt}");
            assert_eq!(health.status, 200, "{mode:?} {attempt}: {health:?}");
        }
        outage::degraded(&client, mode, "tasks", "images").await;

        proxy.set(Mode::Pass);
        outage::works_again(async || client.get(&path).await.status == 200).await;
        client.refined(&original, "echo it").await;
        outage::ready(&client).await;
    }
}

/// A primary with its standby, and the URL of both.
fn with_standby() -> (Postgres, Postgres, String) {
    let (primary, standby) = tokio::task::block_in_place(|| {
        let primary = Postgres::start(Release::Fifteen, Data::Durable);
        let standby = primary.standby();
        (primary, standby)
    });
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres?sslmode=disable&schema=standby",
        primary.port(),
        standby.port()
    );
    (primary, standby, url)
}

/// The server that was the first one before answers still, but tells nobody what
/// happens on the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_read_only_now_is_listened_to_no_longer() {
    let (first, second, url) = with_standby();
    let launch = scripted(&url).images_in(&shared(Kind::S3sFs).place());
    let api = launch.clone().set("role", "api").start();
    let _worker = launch.elsewhere().set("role", "worker").start();
    let ada = Client::user(api.url(), "ada");
    let original = origin().picture(&pictures::png(64, 64));
    ada.refined(&original, "echo it").await;

    tokio::task::block_in_place(|| {
        second.promote();
        first.execute("ALTER SYSTEM SET default_transaction_read_only = on");
        first.execute("SELECT pg_reload_conf()");
    });
    // Whoever has to be told waits for nobody: otherwise it is looked for after 5 s.
    let mut quick = 0;
    eventually("both hear of each other again", SOON, async || {
        let begin = Instant::now();
        let accepted = ada.refine(&original, "echo it").await;
        if accepted.status != 202 {
            return None;
        }
        ada.finished(&accepted.task_id()).await;
        let is_quick = begin.elapsed() < Duration::from_secs(1);
        quick = if is_quick { quick + 1 } else { 0 };
        (quick == 4).then_some(())
    })
    .await;
}

/// Only the service knows where its stores are: nobody tells the command.
#[test]
fn a_backup_says_what_is_not_in_it() {
    let elsewhere = |what: &str, engine: &str| {
        format!("{what} are in {engine}://…, and are backed up and restored by its tools")
    };
    let tasks = elsewhere("tasks and concepts", "postgres");
    let launch = scripted(&postgres().url(&new_schema()));
    let service = launch.start();
    let (code, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(code, Some(0), "{said}");
    assert!(archive.starts_with(b"images/small.sqlite\0"));
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("concept-refinement: {tasks}"));
    assert!(lines[1].contains("backed up "), "{said}");
    drop(service);

    let launch = scripted_over(&postgres().url(&new_schema()));
    let _service = launch.start();
    let (code, archive, said) = ended(streaming(&launch.data()));
    assert_eq!(
        (code, archive),
        (Some(1), vec![]),
        "nothing is in it: {said}"
    );
    let images = elsewhere("images", "s3");
    assert_eq!(said, format!("concept-refinement: {tasks}; {images}\n"));
}

/// Each host would have images that no other host can find.
#[test]
fn images_that_hosts_do_not_share_as_they_do_the_tasks_are_warned_of() {
    let url = || postgres().url(&new_schema());
    for (name, launch, is_warned) in [
        ("in files", scripted(&url()), true),
        ("in a bucket", scripted_over(&url()), false),
        ("like the tasks", Launch::new().embedded(), false),
    ] {
        for log in [launch.start().stop().log, launch.check().log] {
            let warned = log.contains("images are on this machine alone");
            assert_eq!(warned, is_warned, "{name}: {log}");
        }
    }
}

/// The disk is that of the database, which only the database sees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_is_told_by_readiness_and_the_log() {
    let schema = new_schema();
    let service = scripted(&postgres().url(&schema)).start();
    let client = Client::user(service.url(), "ada");
    let original = origin().picture(&pictures::png(8, 8));
    postgres().execute(&format!(
        "CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER refused BEFORE INSERT ON {schema}.task \
             FOR EACH ROW EXECUTE FUNCTION {schema}.refuse()"
    ));
    let refused = client.refine(&original, "echo it").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let detail = refused.json()["detail"].clone();
    assert_eq!(detail, "The task store has no room left.");
    let tasks = async || {
        let ready = client.get("/api/health/ready").await;
        assert_eq!(ready.status, 200, "{ready:?}");
        ready.json()["capabilities"]["tasks"].clone()
    };
    eventually("it says so", READINESS, async || {
        (tasks().await == "The disk has no room left for new tasks.").then_some(())
    })
    .await;

    postgres().execute(&format!("DROP TRIGGER refused ON {schema}.task"));
    eventually("it is ready", READINESS, async || {
        (tasks().await == "ok").then_some(())
    })
    .await;
    let task = client.refined(&original, "echo it").await;
    assert_eq!(task["status"], "completed", "{task}");
    let log = service.stop().log;
    assert!(log.contains("the task store has no room left"), "{log}");
}
