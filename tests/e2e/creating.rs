//! Tables in Postgres that take long to be created: nobody breaks it off, and hosts that
//! start together all get them.

use std::time::{Duration, Instant};

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::{Data, Postgres, Release};

use crate::shared::{new_user, scripted_over};

/// How long the tables take: longer than a start waits for them.
const LONG: Duration = Duration::from_secs(11);

/// How late a start answers.
const HEALTH: Duration = Duration::from_secs(20);

/// As on a disk that is slow. How often it was begun is counted where it is not undone.
fn slow() -> String {
    format!(
        "CREATE SEQUENCE begun; \
         CREATE FUNCTION slow () RETURNS event_trigger LANGUAGE plpgsql AS \
         $$BEGIN PERFORM nextval('public.begun'); PERFORM pg_sleep({}); END$$; \
         CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE SCHEMA') \
         EXECUTE FUNCTION slow ()",
        LONG.as_secs()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_begun_once_and_comes_to_its_end_for_all_hosts() {
    let server = tokio::task::block_in_place(|| Postgres::start(Release::Fifteen, Data::Volatile));
    server.execute(&slow());
    let launch = scripted_over(&server.url("slow"));
    let begin = Instant::now();
    let services = std::thread::scope(|scope| {
        let starting = [(); 2].map(|()| scope.spawn(|| launch.elsewhere().start()));
        starting.map(|started| started.join().unwrap())
    });
    assert!(begin.elapsed() < HEALTH, "{:?}", begin.elapsed());
    for service in &services {
        let client = new_user(service);
        assert_eq!(client.get("/api/health").await.status, 200);
        eventually("they are there", LONG + SOON, async || {
            (client.get("/api/tasks").await.status == 200).then_some(())
        })
        .await;
    }
    assert_eq!(server.query("SELECT last_value FROM public.begun"), "1");
}
