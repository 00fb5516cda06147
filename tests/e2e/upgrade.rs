//! A start that upgrades the data of an earlier version, and is asked for its health or killed
//! meanwhile; and a move that an earlier version began.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::released::{assert_has, read_seen, release, unpack};
use concept_refinement_tests::service::{Launch, Output};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::backup::{on_backup, unpacked};
use crate::moving::files;
use crate::released::{SCHEMA, Store, seen};

/// Tasks besides those of the release, so that the upgrade takes a while.
const TASKS: usize = 30_000;

/// Version 0.1.0, of which the tables have these versions.
const RELEASE: &str = "0.1.0";
const OF_SQLITE: u32 = 20;
const OF_POSTGRES: &str = "16";

/// How long an upgrade may take on a busy machine.
const UPGRADE: Duration = Duration::from_secs(120);

/// How much has been written when it is killed, in bytes: never a whole upgrade.
const WRITTEN: [u64; 5] = [1, 1 << 18, 1 << 21, 1 << 22, 1 << 23];

/// The columns of a task that are not copied as they are.
const COPIED: &str = "is_anonymous, status, original_image_url, refinement_prompt, \
     logo_description, theme_description, original_path, created_at, updated_at, completed_at, \
     result_id, image_path, error_message, attempt, deaths, revision, steps";

/// The directory of a service that 0.1.0 served, and the schema of its tasks.
fn stored(store: Store) -> (Launch, PathBuf, String) {
    let release = release(RELEASE);
    let data = scratch("upgraded").join("data");
    fs::create_dir(&data).unwrap();
    unpacked(
        &unpack(&release.join(format!("{}.tar.gz", store.name()))),
        &data,
    );
    let schema = new_schema();
    let ids = "'0190c0de-0000-7000-8000-'";
    match store {
        Store::Sqlite => {
            let copies = format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {TASKS}) \
                 INSERT INTO task (id, user_id, {COPIED}) \
                 SELECT printf({ids} || '%012x', i), 'eve ' || i, {COPIED} FROM n, \
                     (SELECT * FROM task WHERE status = 'completed' LIMIT 1)"
            );
            let tasks = Connection::open(data.join("tasks.sqlite")).unwrap();
            tasks.execute_batch(&copies).unwrap();
        }
        Store::Postgres => {
            let sql = String::from_utf8(unpack(&release.join("postgres.sql.gz"))).unwrap();
            postgres().load(&sql.replace(SCHEMA, &schema));
            postgres().execute(&format!(
                "INSERT INTO {schema}.task (id, user_id, {COPIED}) \
                 SELECT ({ids} || lpad(to_hex(i), 12, '0'))::uuid, 'eve ' || i, {COPIED} \
                 FROM generate_series(1, {TASKS}) AS i, \
                     (SELECT * FROM {schema}.task WHERE status = 'completed' LIMIT 1) AS one"
            ));
        }
    }
    (store.launch(&postgres().url(&schema)), data, schema)
}

fn version(store: Store, data: &Path, schema: &str) -> String {
    match store {
        Store::Sqlite => {
            // In the file's header (sqlite.org/fileformat2.html, 1.3).
            let file = fs::read(data.join("tasks.sqlite")).unwrap();
            u32::from_be_bytes(file[60..64].try_into().unwrap()).to_string()
        }
        Store::Postgres => {
            postgres().query(&format!("SELECT max(version) FROM {schema}.schema_version"))
        }
    }
}

/// What the process has written to the log of the store since `before`, in bytes.
fn written(store: Store, data: &Path) -> u64 {
    match store {
        Store::Sqlite => fs::metadata(data.join("tasks.sqlite-wal")).map_or(0, |log| log.len()),
        Store::Postgres => {
            let written = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')";
            postgres().query(written).parse().unwrap()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_killed_begins_again() {
    for store in Store::ALL {
        let (launch, data, schema) = stored(store);
        let launch = launch.set("data-dir", data.to_str().unwrap());
        let before = version(store, &data, &schema);
        let expected = match store {
            Store::Sqlite => OF_SQLITE.to_string(),
            Store::Postgres => OF_POSTGRES.to_owned(),
        };
        assert_eq!(before, expected, "{store:?}");
        let checked = launch.check();
        assert!(checked.status.success(), "{store:?}: {}", checked.log);
        assert_eq!(
            version(store, &data, &schema),
            before,
            "a check changes nothing"
        );
        for bytes in WRITTEN {
            let begin = match store {
                Store::Sqlite => 0,
                Store::Postgres => written(store, &data),
            };
            let killed =
                launch.run_until_signalled(Signal::KILL, || written(store, &data) >= begin + bytes);
            assert!(!killed.status.success(), "{}", killed.log);
            let case = format!("{store:?}, {bytes} bytes");
            assert_eq!(version(store, &data, &schema), before, "{case}");
        }
        let service = on_backup(launch, &data);
        // The server may still work for those that were killed.
        eventually("the upgrade is done", UPGRADE, async || {
            let ready = Client::new(service.url()).get("/api/health/ready").await;
            (ready.status == 200).then_some(())
        })
        .await;
        let expected = read_seen(&release(RELEASE), store.name());
        assert_has(&seen(&service).await, &expected, store.name());
        assert!(service.stop().status.success());
        let all: usize = match store {
            Store::Sqlite => {
                let tasks = Connection::open(data.join("tasks.sqlite")).unwrap();
                let count = "SELECT count(*) FROM task WHERE user_id LIKE 'eve %'";
                let count: i64 = tasks.query_row(count, [], |row| row.get(0)).unwrap();
                usize::try_from(count).unwrap()
            }
            Store::Postgres => {
                let count =
                    format!("SELECT count(*) FROM {schema}.task WHERE user_id LIKE 'eve %'");
                postgres().query(&count).parse().unwrap()
            }
        };
        assert_eq!(all, TASKS, "{store:?}");
        assert_ne!(version(store, &data, &schema), before, "{store:?}");
    }
}

/// Reading the second row takes hours: a long text is looked for at each place of a longer
/// one, and differs only at its end.
const ENDLESS: &str = "DROP TABLE forgotten_task;
     CREATE TABLE forgotten_task (size INTEGER PRIMARY KEY, forgotten_at INTEGER NOT NULL);
     INSERT INTO forgotten_task (size, forgotten_at) VALUES (1, 0), (10000000, 0);
     ALTER TABLE forgotten_task ADD COLUMN id TEXT
         AS (instr(hex(zeroblob(size)), hex(zeroblob(size / 2)) || '1')) VIRTUAL";

/// Whoever ends a process that does not answer would end each upgrade.
#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_while_an_upgrade_lasts() {
    let data = scratch("upgrading").join("data");
    fs::create_dir(&data).unwrap();
    let archive = unpack(&release(RELEASE).join("sqlite.tar.gz"));
    unpacked(&archive, &data);
    let tasks = Connection::open(data.join("tasks.sqlite")).unwrap();
    tasks.execute_batch(ENDLESS).unwrap();
    drop(tasks);
    let launch = Store::Sqlite
        .launch("")
        .stdout(Output::File("/dev/null".into()));
    let launch = launch.set("listen", &free_address().to_string());
    let service = on_backup(launch, &data);
    let client = Client::new(service.url());
    let health = client.get("/api/health").await;
    assert_eq!(health.status, 200, "{health:?}");
    let ready = client.get("/api/health/ready").await;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert_ne!(ready.json()["capabilities"]["tasks"], "ok", "{ready:?}");
    let stopped = service.stop();
    assert!(stopped.status.success(), "{}", stopped.log);
    let after = version(Store::Sqlite, &data, "");
    assert_eq!(after, OF_SQLITE.to_string(), "it was interrupted");
}

#[test]
fn an_upgrade_begins_only_if_the_start_can_go_on_after_it() {
    let data = scratch("upgraded").join("data");
    fs::create_dir(&data).unwrap();
    unpacked(&unpack(&release(RELEASE).join("sqlite.tar.gz")), &data);
    let launch = Store::Sqlite.launch("");
    let launch = launch.set("data-dir", data.to_str().unwrap());
    for name in ["secret", "images/small.sqlite"] {
        let file = data.join(name);
        let whole = fs::read(&file).unwrap();
        let damaged = if name == "secret" { 10 } else { 4096 };
        fs::write(&file, vec![7_u8; damaged]).unwrap();
        let ended = launch.run();
        assert_eq!(ended.status.code(), Some(1), "{name}: {}", ended.log);
        assert!(ended.log.contains("is damaged"), "{name}: {}", ended.log);
        let found = version(Store::Sqlite, &data, "");
        assert_eq!(found, OF_SQLITE.to_string(), "{name}");
        fs::write(&file, whole).unwrap();
    }
    assert!(on_backup(launch, &data).stop().status.success());
    assert_ne!(version(Store::Sqlite, &data, ""), OF_SQLITE.to_string());
}

/// The source stays as it was, its version included.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_0_1_0_began_is_ended() {
    let release = release(RELEASE);
    let source = scratch("half-moved").join("source");
    fs::create_dir(&source).unwrap();
    unpacked(&unpack(&release.join("sqlite.tar.gz")), &source);
    fs::remove_file(source.join("SHA256SUMS")).unwrap();
    let place = fs::canonicalize(&source).unwrap();
    let schema = new_schema();
    let sql = String::from_utf8(unpack(&release.join("half-moved.sql.gz"))).unwrap();
    let sql = sql.replace(SCHEMA, &schema);
    postgres().load(&sql.replace("source_of_a_release", place.to_str().unwrap()));
    let tasks = postgres().url(&schema);
    let target = scratch("half-moved").join("target");
    let launch = Store::Postgres.launch(&tasks);
    let held = || {
        let mut files = files(&source);
        // The move holds the source by its locks, which are empty.
        files.retain(|_, contents| !contents.is_empty());
        files
    };
    let before = held();

    let refused = launch.elsewhere().set("data-dir", target.to_str().unwrap());
    let refused = refused.run();
    assert!(
        refused.log.contains("a move to it has begun and not ended"),
        "{}",
        refused.log
    );
    let moved = Command::new(artifacts::binary())
        .arg("move")
        .args([
            Path::new("--from"),
            &source,
            Path::new("--data-dir"),
            &target,
        ])
        .args(["--to", &tasks, "file"])
        .current_dir(target.parent().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(moved.stderr).unwrap();
    assert!(moved.status.success(), "{said}");
    assert!(held() == before, "the source was changed");
    assert_eq!(version(Store::Sqlite, &source, ""), OF_SQLITE.to_string());
    let launch = launch.set("data-dir", target.to_str().unwrap());
    let service = launch.start();
    let expected = fs::read_to_string(release.join("sqlite.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    assert_has(&seen(&service).await, &expected, "moved");
    assert!(service.stop().status.success());
}
