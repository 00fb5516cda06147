//! What a host asks of the database while there is nothing to do, and while it has
//! all that it can do: it is told of tasks, and looks for none.

use std::time::Duration;

use concept_refinement_tests::pictures;
use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};

use crate::shared::{new_user, origin, picture_url, scripted_over};

/// Whom the database knows the host by.
const HOST: &str = "host";

/// How long is looked at.
const OBSERVATION_TIME: Duration = Duration::from_secs(10);

/// What keeps a host ready runs now and then, one or two a second: its probes, its
/// clock, the sweep and the connection by which it hears. A look at the queue takes two
/// statements, so that one each second would be 20 more.
const MAX_STATEMENTS: u64 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_an_idle_host_nor_a_busy_one_polls() {
    let (server, url) = tokio::task::block_in_place(|| {
        let server = Postgres::start(Release::Fifteen, Data::Volatile).with_counts();
        let url = server.url_of_new_user(HOST, &new_schema());
        (server, url)
    });
    let service = scripted_over(&url)
        .set("concurrency", "1")
        .set("lease", "60s")
        .start();
    let (first, second) = (new_user(&service), new_user(&service));
    first.refined(&picture_url(), "echo it").await;
    let (gated, gate) = origin().gated(&pictures::png(8, 8));
    for case in ["idle", "busy"] {
        let before = server.statements(HOST);
        tokio::time::sleep(OBSERVATION_TIME).await;
        let used = server.statements(HOST) - before;
        println!("{case}: {used} statements in {OBSERVATION_TIME:?}");
        assert!(
            used <= MAX_STATEMENTS,
            "{case}: {used}, {}",
            server.said_by(HOST)
        );
        if case == "idle" {
            let under_way = first.accepted(&gated, "echo it").await;
            first.task_is(&under_way, "processing").await;
            second.accepted(&picture_url(), "echo it").await;
        }
    }
    drop(gate);
}
