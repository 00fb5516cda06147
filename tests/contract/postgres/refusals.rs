//! Databases that cannot be used: each is told by one sentence, without a secret.

use std::sync::Arc;

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::{Leases as _, Maintenance as _, Options, Tasks as _};
use concept_refinement_domain::capability::{ErrorKind, Submission};
use concept_refinement_postgres::{PostgresTasks, Settings, inspect};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::{Data, GUARDED, PASSWORD, Postgres, Release, new_schema};
use concept_refinement_tests::released::{release, unpack};
use concept_refinement_tests::tls;
use futures::future::join_all;

use super::FIFTEEN;
use crate::tasks::{created, new_task};

/// Why a store cannot be opened, and what its inspection says.
async fn refused(url: &str) -> [String; 2] {
    let settings = Settings::parse(url, &|_| None).unwrap();
    let opened =
        PostgresTasks::open(&settings, None, Options::default(), Arc::new(SystemClock)).await;
    let opened = opened.err().expect("it was opened").to_string();
    let inspected = inspect(&settings, None).await;
    [opened, inspected.unwrap_err().to_string()]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_database_is_told_in_a_sentence() {
    let port = FIFTEEN.port();
    let [older, newer] = [1, 1000].map(|version| {
        let schema = new_schema();
        FIFTEEN.execute(&format!(
            "CREATE SCHEMA {schema}; \
             CREATE TABLE {schema}.schema_version (version bigint PRIMARY KEY); \
             INSERT INTO {schema}.schema_version VALUES ({version})"
        ));
        schema
    });
    let foreign = new_schema();
    FIFTEEN.execute(&format!("CREATE SCHEMA {foreign}"));
    let cases = [
        (
            "a wrong password",
            format!("postgres://{GUARDED}:wrong-secret@127.0.0.1:{port}/postgres"),
            "user or password",
        ),
        (
            "no password",
            format!("postgres://{GUARDED}@127.0.0.1:{port}/postgres"),
            "user or password",
        ),
        (
            "no such database",
            format!("postgres://postgres:wrong-secret@127.0.0.1:{port}/missing"),
            "no database of this name",
        ),
        (
            "a user without rights",
            format!("postgres://{GUARDED}:{PASSWORD}@127.0.0.1:{port}/postgres?schema=forbidden"),
            "may not create",
        ),
        (
            "a user without rights in the schema",
            format!("postgres://{GUARDED}:{PASSWORD}@127.0.0.1:{port}/postgres?schema={foreign}"),
            "may not create",
        ),
        ("an older schema", FIFTEEN.url(&older), "another version"),
        ("a newer schema", FIFTEEN.url(&newer), "a later version"),
        (
            "a database that is read only",
            format!(
                "postgres://postgres@127.0.0.1:{port}/postgres\
                 ?options=-c%20default_transaction_read_only%3Don"
            ),
            "read only",
        ),
        (
            "no TLS",
            format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require"),
            "no TLS",
        ),
    ];
    for (case, url, expected) in cases {
        for sentence in refused(&url).await {
            assert!(sentence.contains(expected), "{case}: {sentence}");
            assert!(
                sentence.contains(&format!("127.0.0.1:{port}")),
                "{sentence}"
            );
            for secret in ["wrong-secret", PASSWORD] {
                assert!(!sentence.contains(secret), "{sentence}");
            }
        }
    }
}

/// As if another user has restored a dump.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_own_earlier_tables_is_told_before_a_start() {
    let schema = new_schema();
    let dump = unpack(&release("0.1.0").join("postgres.sql.gz"));
    let dump = String::from_utf8(dump).unwrap();
    FIFTEEN.load(&dump.replace("schema_of_a_release", &schema));
    FIFTEEN.execute(&format!(
        "CREATE ROLE heir LOGIN; GRANT USAGE, CREATE ON SCHEMA {schema} TO heir; \
         GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO heir"
    ));
    let url = FIFTEEN.url(&schema).replace("//postgres@", "//heir@");
    for sentence in refused(&url).await {
        assert!(sentence.contains("does not own them"), "{sentence}");
    }
    let version = format!("SELECT max(version) FROM {schema}.schema_version");
    assert_eq!(FIFTEEN.query(&version), "16");

    FIFTEEN.execute("GRANT postgres TO heir");
    let settings = Settings::parse(&url, &|_| None).unwrap();
    let notes = inspect(&settings, None).await.unwrap().join(" ");
    assert!(notes.contains("upgrades its tables"), "{notes}");
    let clock = Arc::new(SystemClock);
    let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
    assert_eq!(opened.unwrap().check().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_has_to_be_trusted_and_for_the_host() {
    let server = Postgres::start(Release::Fifteen, Data::Volatile).with_tls();
    let trusted = tls::file("authority.pem");
    let port = server.port();
    let url = |host: &str, rest: &str| format!("postgres://postgres@{host}:{port}/postgres?{rest}");
    let with_root = format!("sslmode=verify-full&sslrootcert={}", trusted.display());

    for rest in ["sslmode=require", "sslmode=verify-full"] {
        for sentence in refused(&url("localhost", rest)).await {
            assert!(sentence.contains("certificate"), "{rest}: {sentence}");
            assert!(
                sentence.contains("nobody who is trusted"),
                "{rest}: {sentence}"
            );
        }
    }
    for sentence in refused(&url("127.0.0.1", &with_root)).await {
        assert!(sentence.contains("another host name"), "{sentence}");
    }
    for rest in [with_root.as_str(), "sslmode=prefer", "sslmode=disable"] {
        let settings = Settings::parse(&url("localhost", rest), &|_| None).unwrap();
        let looked = inspect(&settings, None).await;
        assert!(looked.is_ok(), "{rest}: {looked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loses_data_or_runs_short_is_told() {
    let schema = new_schema();
    let url = format!(
        "{}&pool=1000&options=-c%20default_transaction_isolation%3Dserializable",
        FIFTEEN.url(&schema)
    );
    let settings = Settings::parse(&url, &|_| None).unwrap();
    let notes = inspect(&settings, None).await.unwrap().join(" ");
    for expected in [
        "fsync is off",
        "synchronous_commit is off",
        "1001",
        "default_transaction_isolation is serializable",
        "creates its tables",
    ] {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_connection_hears_of_the_pool() {
    FIFTEEN.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0");
    let url = FIFTEEN.url(&new_schema());
    let url = url.replace("//postgres@", "//crowded@");
    let settings = Settings::parse(&url, &|_| None).unwrap();
    let refused = inspect(&settings, None).await.unwrap_err().to_string();
    for expected in ["too many connections", "the URL's parameter pool"] {
        assert!(refused.contains(expected), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_that_start_together_make_the_tables_once() {
    let schema = new_schema();
    let settings = Settings::parse(&FIFTEEN.url(&schema), &|_| None).unwrap();
    let opened = join_all((0..8).map(|_| {
        let clock = Arc::new(SystemClock);
        PostgresTasks::open(&settings, None, Options::default(), clock)
    }));
    for opened in opened.await {
        assert_eq!(opened.unwrap().check().await, Ok(()));
    }
    let versions = format!("SELECT count(*) FROM {schema}.schema_version");
    // That of 0.1.0, and each one after it.
    assert_eq!(FIFTEEN.query(&versions), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_become_those_of_another_version_are_used_no_longer() {
    let schema = new_schema();
    let settings = Settings::parse(&FIFTEEN.url(&schema), &|_| None).unwrap();
    let clock = Arc::new(SystemClock);
    let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
    let running = opened.unwrap();
    assert_eq!(running.check().await, Ok(()));
    let task = created(running.submit(new_task("ada")).await.unwrap());
    FIFTEEN.execute(&format!(
        "INSERT INTO {schema}.schema_version VALUES (1000)"
    ));
    assert!(running.check().await.is_err());
    let submitted = running.submit(new_task("bob")).await;
    let claimed = running.claim(&task.id, None).await;
    let read = running.get("ada", &task.id).await;
    for (call, failed) in [
        ("submit", submitted.err()),
        ("claim", claimed.err()),
        ("get", read.err()),
    ] {
        let kind = failed.map(|error| error.kind);
        assert_eq!(kind, Some(ErrorKind::Unavailable), "{call}");
    }
    FIFTEEN.execute(&format!(
        "DELETE FROM {schema}.schema_version WHERE version = 1000"
    ));
    let again = eventually("they are used again", SOON, async || {
        running.submit(new_task("bob")).await.ok()
    });
    assert!(matches!(again.await, Submission::Created(_)));
}
