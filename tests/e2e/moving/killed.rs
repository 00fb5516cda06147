//! A move to engines that are shared, which is killed again and again, and a target
//! that is changed before the two sides are compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::s3::{Kind, Place, shared};
use concept_refinement_tests::service::Launch;

use super::{Before, before, files, launch, moving};

/// Each way to an engine takes so much longer, so that a move can be killed in the
/// middle.
const SLOW: Duration = Duration::from_millis(30);

/// Where it is killed: once there is so much.
const POINTS: [Point; 6] = [
    Point::Rows("secret", 1),
    Point::Images(1),
    Point::Images(4),
    Point::Rows("task", 1),
    Point::Rows("concept", 1),
    Point::Rows("idempotency_key", 1),
];

/// What is changed behind its back, in the reverse order of the comparison, and what
/// it is known as.
const CHANGES: [(&str, &str); 4] = [
    (
        "UPDATE idempotency_key SET fingerprint = fingerprint || 'x'",
        "idempotency keys",
    ),
    (
        "UPDATE account SET usage = '[]' WHERE pseudonym = (SELECT min(pseudonym) FROM account)",
        "counts of tasks",
    ),
    (
        "UPDATE concept SET content = '{}' WHERE id = (SELECT min(id::text)::uuid FROM concept)",
        "concepts",
    ),
    (
        "UPDATE task SET state = '{}' WHERE user_id = 'eve' AND status = 'failed'",
        "tasks",
    ),
];

#[derive(Clone, Copy, Debug)]
enum Point {
    /// In the bucket.
    Images(usize),
    /// In a table.
    Rows(&'static str, usize),
}

/// A database and a bucket, by ways that take their time.
struct Target {
    schema: String,
    place: Place,
    launch: Launch,
    tasks: Proxy,
    images: Proxy,
}

impl Target {
    fn new() -> Self {
        let (schema, server) = (new_schema(), shared(Kind::S3sFs));
        let place = server.place();
        let launch = launch()
            .images_in(&place)
            .set("tasks", &postgres().url(&schema));
        Self {
            tasks: Proxy::to(([127, 0, 0, 1], postgres().port()).into()),
            images: Proxy::to(server.address()),
            schema,
            place,
            launch,
        }
    }

    fn set(&self, mode: Mode) {
        self.tasks.set(mode);
        self.images.set(mode);
    }

    fn command(&self, from: &Path) -> Command {
        let url = format!(
            "postgres://postgres@{}/postgres?sslmode=disable&schema={}",
            self.tasks.address(),
            self.schema
        );
        let engines = [url.as_str(), &self.place.url()];
        let data = self.launch.data();
        moving(from, &data, engines, &self.place, self.images.address())
    }

    fn move_from(&self, from: &Path) -> Output {
        self.command(from).output().unwrap()
    }

    /// In the schema.
    fn query(&self, sql: &str) -> String {
        let sql = format!("SET search_path = {}; {sql}", self.schema);
        postgres().query(&sql)
    }

    fn has_come_to(&self, point: Point) -> bool {
        match point {
            Point::Images(count) => self.place.objects() >= count,
            Point::Rows(table, count) => {
                let there = format!("SELECT to_regclass('{table}') IS NOT NULL");
                let rows = format!("SELECT count(*) FROM {table}");
                self.query(&there) == "t" && self.query(&rows).parse::<usize>().unwrap() >= count
            }
        }
    }

    /// Begins to move, and kills it before there is anything in the engines.
    fn is_killed_at_its_begin(&self, from: &Path) {
        self.set(Mode::Hang);
        let mut command = self.command(from);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut moving = command.spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(moving.stdout.take().unwrap());
        lines.read_line(&mut said).unwrap();
        moving.kill().unwrap();
        let ended = moving.wait().unwrap();
        assert_eq!(ended.code(), None, "it was through already");
        assert_eq!(said, "the source is held, and its tasks are copied\n");
    }

    /// Begins to move, and kills it at that point.
    async fn is_killed_at(&self, point: Point, from: &Path) {
        let mut command = self.command(from);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut moving = command.spawn().unwrap();
        eventually(&format!("{point:?}"), SOON, async || {
            self.has_come_to(point).then_some(())
        })
        .await;
        moving.kill().unwrap();
        let ended = moving.wait().unwrap();
        assert_eq!(ended.code(), None, "{point:?}: it was through already");
    }
}

/// How to go on with a move.
fn once_more(from: &Path) -> String {
    format!(
        "make it once more, by `concept-refinement move --from {}",
        from.display()
    )
}

/// They say how to go on, and change nothing.
fn is_refused_by_services(target: &Launch, from: &Path) {
    let sentence = once_more(from);
    for (how, ended) in [("serve", target.run()), ("check", target.check())] {
        assert_eq!(ended.status.code(), Some(1), "{how}: {}", ended.log);
        assert!(ended.log.contains(&sentence), "{how}: {}", ended.log);
    }
}

/// Who is killed with the source's database open leaves an empty log beside it.
fn without_empty(mut files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    files.retain(|_, bytes| !bytes.is_empty());
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_to_shared_engines_that_is_killed_goes_on() {
    let before: Before = before().await;
    let from = before.launch.data();
    let target = Target::new();
    target.set(Mode::Delay(SLOW));
    let source = without_empty(before.files.clone());
    for point in POINTS {
        target.is_killed_at(point, &from).await;
        assert!(
            without_empty(files(&from)) == source,
            "{point:?}: the source"
        );
        if let Point::Images(1) = point {
            is_refused_by_services(&target.launch, &from);
            // The record names it too, as that of version 0.1, which had no such file.
            fs::remove_file(target.launch.data().join("moving/source")).unwrap();
            is_refused_by_services(&target.launch, &from);
        }
    }
    target.set(Mode::Pass);
    let moved = target.move_from(&from);
    assert!(moved.status.success(), "{moved:?}");
    let said = String::from_utf8(moved.stdout).unwrap();
    for count in ["7 images", "7 tasks"] {
        assert!(said.contains(count), "{count}: {said}");
    }
    before.is_on(&target.launch).await;
}

/// Before there is anything in the target's engines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_killed_at_its_begin_keeps_others_away_and_goes_on() {
    let before = before().await;
    let from = before.launch.data();
    let target = Target::new();
    target.is_killed_at_its_begin(&from);
    is_refused_by_services(&target.launch, &from);
    // The data directory is the same, whatever the engines.
    let embedded = target.launch.clone().set("tasks", "sqlite");
    is_refused_by_services(&embedded.set("images", "file"), &from);
    let data = target.launch.data();
    let mut token = Command::new(artifacts::binary());
    token.args(["token", "--user=ada", "--data-dir"]).arg(&data);
    let token = token.output().unwrap();
    for (how, refused) in [("token", token), ("move", Target::new().move_from(&data))] {
        assert_eq!(refused.status.code(), Some(1), "{how}: {refused:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(&once_more(&from)), "{how}: {said}");
    }
    assert!(!data.join("secret").exists());
    assert_eq!(target.query("SELECT to_regclass('secret') IS NULL"), "t");

    // Once more: at no time is it as if no move had begun. An open file keeps its number.
    let source = data.join("moving/source");
    let noted = fs::File::open(&source).unwrap();
    fs::write(data.join("moving/left"), "by the first").unwrap();
    target.is_killed_at_its_begin(&from);
    let [first, now] = [noted.metadata(), fs::metadata(&source)].map(|found| found.unwrap().ino());
    assert_eq!(first, now, "the source was noted anew");
    assert!(!data.join("moving/left").exists());
    is_refused_by_services(&target.launch, &from);

    target.set(Mode::Pass);
    let moved = target.move_from(&from);
    assert!(moved.status.success(), "{moved:?}");
    before.is_on(&target.launch).await;
}

/// What an earlier one moved is still a part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_fails_early_leaves_a_begun_move_begun() {
    let before = before().await;
    let from = before.launch.data();
    let target = Target::new();
    target.set(Mode::Delay(SLOW));
    target.is_killed_at(Point::Images(1), &from).await;
    target.set(Mode::Pass);

    let secret = target.query("SELECT encode(secret, 'hex') FROM secret");
    let set = |secret: &str| {
        let update = format!("UPDATE secret SET secret = decode('{secret}', 'hex')");
        target.query(&update);
    };
    set(&"00".repeat(32));
    let failed = target.move_from(&from);
    assert!(!failed.status.success(), "{failed:?}");
    let said = String::from_utf8(failed.stderr).unwrap();
    assert!(said.contains("a secret of its own"), "{said}");
    set(&secret);

    is_refused_by_services(&target.launch, &from);
    let moved = target.move_from(&from);
    assert!(moved.status.success(), "{moved:?}");
    before.is_on(&target.launch).await;
}

/// As many rows are no proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_row_is_noticed_though_there_are_as_many() {
    let before = before().await;
    let from = before.launch.data();
    let target = Target::new();
    let moved = target.move_from(&from);
    assert!(moved.status.success(), "{moved:?}");
    for (sql, name) in CHANGES {
        let changed = target.query(&format!(
            "WITH changed AS ({sql} RETURNING 1) SELECT count(*) FROM changed"
        ));
        assert_eq!(changed, "1", "{name}");
        let refused = target.move_from(&from);
        assert!(!refused.status.success(), "{name}: {refused:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        let expected = format!("the {name} of the target are not those of the source");
        assert!(said.contains(&expected), "{name}: {said}");
    }
}
