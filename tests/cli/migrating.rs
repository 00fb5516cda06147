//! `migrate`: what it does to a database, and what it says.

use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};

use crate::place::Place;

#[test]
fn tables_are_created_and_left_alone_and_those_of_a_newer_release_are_refused() {
    let postgres = Postgres::start(Release::Fifteen, Data::Volatile);
    let schema = new_schema();
    let url = postgres.url(&schema);
    let migrate = |more: &[&str]| {
        let arguments = [&["migrate", "--tasks", url.as_str()], more].concat();
        Place::new().run(&arguments)
    };
    let exists = || {
        let sql = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'");
        postgres.query(&sql) != "0"
    };
    let told = migrate(&["--dry-run"]).text();
    assert!(told.starts_with("The tables would be created"), "{told}");
    assert!(!exists(), "a dry run creates nothing");
    let told = migrate(&[]).text();
    assert!(told.starts_with("The tables were created"), "{told}");
    assert!(exists());
    let told = migrate(&[]).text();
    assert!(told.ends_with("nothing is to be done.\n"), "{told}");

    let newer = |breaking: bool| {
        let sql = format!(
            "INSERT INTO {schema}.schema_version (version, breaking) \
             SELECT max(version) + 1, {breaking} FROM {schema}.schema_version"
        );
        postgres.execute(&sql);
    };
    newer(false);
    let told = migrate(&[]).text();
    assert!(told.ends_with("nothing is to be done.\n"), "{told}");
    newer(true);
    let refused = migrate(&[]);
    assert_eq!(refused.code, 1);
    let said = refused.stderr;
    assert!(said.contains("newer"), "{said}");
    assert!(!said.contains("postgres@"), "{said}");
}
