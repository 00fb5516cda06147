//! Tables of earlier releases in Postgres: what they hold is kept, whichever release
//! they are of, and whoever uses them is neither waited for without end nor shut out.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};
use concept_refinement_tests::service::Launch;
use serde_json::{Value, json};

use crate::backup::all_of;
use crate::outage;
use crate::shared::{new_name, origin, scripted_over};

/// What each version but the first added, from the newest on. Without it the tables
/// are those of the version before.
const ADDED: [&str; 5] = [
    "DROP FUNCTION due_tasks_1",
    "DROP FUNCTION insert_task_3",
    "DROP TABLE upload_total; DROP FUNCTION count_upload_places CASCADE",
    "DROP FUNCTION finish_task_2; ALTER TABLE concept DROP COLUMN notes",
    "DROP FUNCTION insert_task_2; \
     ALTER TABLE task DROP delivery, DROP receiver, DROP delivery_due_at",
];

/// How long others hold a table: longer than `migrate` tries, or a start waits.
const HELD: Duration = Duration::from_secs(60);

/// How long `migrate` tries, and what else it takes on a busy machine.
const TRIED: Duration = Duration::from_secs(40);

/// How long others wait behind whoever migrates, who does so for 3 s at a time.
const BEHIND: Duration = Duration::from_secs(5);

/// How long a migration takes that is long: longer than a start waits for it.
const LONG: Duration = Duration::from_secs(12);

/// How late a start answers (contract, section 1).
const HEALTH: Duration = Duration::from_secs(20);

const HELD_BY_OTHERS: &str = "others use its tables";

/// A service over a schema of its own.
struct World<'a> {
    server: &'a Postgres,
    schema: String,
    launch: Launch,
}

/// What a user has: tasks and concepts, and images by their paths.
type Owned = (Vec<Value>, BTreeMap<String, Vec<u8>>);

impl World<'static> {
    fn new() -> Self {
        Self::on(postgres())
    }
}

impl<'a> World<'a> {
    fn on(server: &'a Postgres) -> Self {
        let schema = new_schema();
        let launch = scripted_over(&server.url(&schema));
        Self {
            server,
            schema,
            launch,
        }
    }

    fn execute(&self, sql: &str) {
        self.server
            .execute(&format!("SET search_path = {}; {sql}", self.schema));
    }

    fn query(&self, sql: &str) -> String {
        self.server
            .query(&format!("SET search_path = {}; {sql}", self.schema))
    }

    fn version(&self) -> String {
        self.query("SELECT max(version) FROM schema_version")
    }

    /// Makes the tables those of an earlier version, rows and all.
    fn go_back_to(&self, version: usize) {
        let newest = ADDED.len() + 1;
        assert_eq!(
            self.version(),
            newest.to_string(),
            "a version is not known here"
        );
        self.execute(&ADDED[..newest - version].join("; "));
        self.execute(&format!(
            "DELETE FROM schema_version WHERE version > {version}"
        ));
    }

    fn migrate(&self) -> Output {
        let mut migrate = Command::new(artifacts::binary());
        migrate.args(["migrate", "--tasks", &self.server.url(&self.schema)]);
        migrate.stdin(Stdio::null()).output().unwrap()
    }

    /// A user with an upload, and with a task of each end.
    async fn used_by(&self, user: &str) -> Owned {
        let service = self.launch.start();
        let client = Client::user(service.url(), user);
        let upload = client.uploaded(&pictures::png(16, 16)).await;
        for (prompt, status) in [("echo it", "completed"), ("refuse: no logos", "failed")] {
            let task = client.refined(&upload, prompt).await;
            assert_eq!(task["status"], status, "{task}");
        }
        let owned = all_of(&client).await;
        assert!(service.stop().status.success());
        owned
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tables_of_each_earlier_release_hold_is_kept() {
    for version in (1..=ADDED.len()).rev() {
        let (world, user) = (World::new(), new_name());
        let before = world.used_by(&user).await;
        world.go_back_to(version);
        // What was accepted by that release and waits for a worker.
        let waiting = new_name();
        let client = |url: &str| Client::user(url, &waiting);
        let launch = world.launch.clone().set("role", "api");
        let service = launch.start();
        assert_eq!(world.version(), (ADDED.len() + 1).to_string(), "{version}");
        let original = origin().picture(&pictures::png(8, 8));
        let key = client(service.url()).with("idempotency-key", "once");
        let body = json!({"original_image_url": original, "refinement_prompt": "echo it"});
        let first = key.post("/api/concepts/refine", &body).await;
        assert_eq!(first.status, 202, "{version}: {first:?}");
        drop(service);
        world.go_back_to(version);

        let service = world.launch.start();
        let after = all_of(&Client::user(service.url(), &user)).await;
        assert!(after == before, "{version}: {:?}", after.0);
        let done = client(service.url()).finished(&first.task_id()).await;
        assert_eq!(done["status"], "completed", "{version}: {done}");
        let again = client(service.url()).with("idempotency-key", "once");
        let again = again.post("/api/concepts/refine", &body).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.json(), first.json(), "{version}");
        // Images that were there before are counted.
        let (counted, stored) = (
            "SELECT sum(stored) FROM upload_total",
            "SELECT sum(bytes) FROM upload_place WHERE until IS NULL",
        );
        assert_eq!(world.query(counted), world.query(stored), "{version}");
    }
}

/// Whoever reads a table all the time, such as a dump, keeps it from being changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_the_tables_is_not_waited_for_without_end() {
    let (world, user) = (World::new(), new_name());
    let before = world.used_by(&user).await;
    world.go_back_to(1);
    let held = format!(
        "BEGIN; LOCK TABLE {}.task IN ACCESS SHARE MODE; SELECT pg_sleep({})",
        world.schema,
        HELD.as_secs()
    );
    let holders = format!(
        "SELECT pid FROM pg_locks WHERE relation = '{}.task'::regclass AND granted \
         AND mode = 'AccessShareLock'",
        world.schema
    );
    let end = format!("SELECT count(pg_terminate_backend(pid)) FROM ({holders}) AS held");
    std::thread::scope(|scope| {
        // Its connection is ended by us.
        scope.spawn(|| postgres().try_execute(&held));
        let work = async {
            eventually("it is held", SOON, async || {
                (!postgres().query(&holders).is_empty()).then_some(())
            })
            .await;
            let begin = Instant::now();
            let migrated = world.migrate();
            let said = String::from_utf8(migrated.stderr).unwrap();
            assert_eq!(migrated.status.code(), Some(1), "{said}");
            assert!(begin.elapsed() < TRIED, "{:?}", begin.elapsed());
            assert!(said.contains(HELD_BY_OTHERS), "{said}");
            assert!(said.contains("nothing was changed"), "{said}");
            assert_eq!(world.version(), "1");

            // A start goes on beside, and all works once they are let go.
            let service = world.launch.start();
            let client = Client::user(service.url(), &user);
            assert_eq!(client.get("/api/health").await.status, 200);
            assert_eq!(client.get("/api/tasks").await.status, 503);
            assert_eq!(client.get("/api/health/ready").await.status, 503);
            assert!(service.log().contains(HELD_BY_OTHERS));
            // Who only reads waits behind none of its tries for long.
            let begin = Instant::now();
            world.query("SELECT count(*) FROM task");
            assert!(begin.elapsed() < BEHIND, "{:?}", begin.elapsed());
            postgres().query(&end);
            outage::works_again(async || client.get("/api/tasks").await.status == 200).await;
            let after = all_of(&client).await;
            assert!(after == before, "{:?}", after.0);
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work));
    });
}

/// As where an index is made of millions of rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_wait_for_a_long_migration_which_comes_to_its_end() {
    let server = tokio::task::block_in_place(|| Postgres::start(Release::Fifteen, Data::Volatile));
    let world = World::on(&server);
    let user = new_name();
    let before = world.used_by(&user).await;
    world.go_back_to(1);
    world.execute(&format!(
        "CREATE FUNCTION slow () RETURNS event_trigger LANGUAGE plpgsql AS \
         $$BEGIN PERFORM pg_sleep({}); END$$; \
         CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE INDEX') \
         EXECUTE FUNCTION slow ()",
        LONG.as_secs()
    ));
    let begin = Instant::now();
    let service = world.launch.start();
    assert!(begin.elapsed() < HEALTH, "{:?}", begin.elapsed());
    let client = Client::user(service.url(), &user);
    assert_eq!(client.get("/api/health").await.status, 200);
    assert_eq!(client.get("/api/tasks").await.status, 503);
    eventually("it is migrated", 4 * LONG + SOON, async || {
        (client.get("/api/tasks").await.status == 200).then_some(())
    })
    .await;
    let after = all_of(&client).await;
    assert!(after == before, "{:?}", after.0);
}
