//! `token`, and what `check --token` says of one.

use concept_refinement_capability::clock::{Clock as _, SystemClock};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::issuer::{Issuer, Signer};
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::service::Launch;

use crate::place::{Place, run};

const SECRET: &str = "--jwt-secret=a secret of the tests, 32 bytes and more";

/// What the command prints.
#[track_caller]
fn token(place: &Place, arguments: &[&str]) -> String {
    let done = place.run(&[&["token", "--user=ann"], arguments].concat());
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    done.text().trim_end().to_owned()
}

/// The line of `check` about a token.
#[track_caller]
fn judged(place: &Place, arguments: &[&str], token: &str) -> String {
    let mut command = place.command(&[&["check", "--token"], arguments].concat());
    let done = run(&mut command, token.as_bytes());
    let text = done.text();
    let line = text.lines().find(|line| line.starts_with("token"));
    line.unwrap_or_else(|| panic!("{done:?}"))["token".len()..]
        .trim()
        .to_owned()
}

#[tokio::test]
async fn a_fresh_service_takes_the_token_that_was_printed_before_its_start() {
    let place = Place::new();
    let launch = Launch::of(place.path().to_owned());
    let printed = token(&place, &["--data-dir=data"]);
    let service = launch.start();
    let client = Client::new(service.url()).bearer(&printed);
    let uploaded = client.get("/api/quota").await;
    assert_eq!(uploaded.status, 200, "{uploaded:?}");
    // And one that is printed while it runs.
    let client = Client::new(service.url()).bearer(&token(&place, &["--data-dir=data"]));
    assert_eq!(client.get("/api/quota").await.status, 200);
    assert!(judged(&place, &["--data-dir=data"], &printed).starts_with("ok: ann until "));
}

#[tokio::test]
async fn the_log_says_why_a_token_is_refused_and_never_the_token() {
    let place = Place::new();
    let service = Launch::of(place.path().to_owned()).start();
    let other = token(&place, &["--auth=secret", SECRET]);
    let client = Client::new(service.url()).bearer(&other);
    let answer = client.get("/api/quota").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["detail"], "The access token is not valid.");
    let reason = "kid (none): no key for its algorithm verifies its signature";
    let log = eventually("the reason is in the log", SOON, async || {
        Some(service.log()).filter(|log| log.contains(reason))
    })
    .await;
    let parts: Vec<&str> = other.split('.').collect();
    assert!(!log.contains(parts[1]) && !log.contains(parts[2]), "{log}");
}

#[test]
fn a_token_is_judged_as_the_service_would() {
    let place = Place::new();
    let secret = ["--auth=secret", SECRET];
    let issued = [&secret[..], &["--jwt-issuer=us", "--jwt-audience=them"]].concat();
    let good = token(&place, &secret);
    let brief = token(&place, &[&secret[..], &["--expires=1ms"]].concat());
    let no_token = "it is not a signed JWT for this purpose";
    let (reason, id) = ("it would be refused: ", "no key for its algorithm verifies");
    assert!(judged(&place, &secret, &good).starts_with("ok: ann until "));
    let altered = format!("{}AAAA", &good[..good.len() - 4]);
    let of_issuer = token(&place, &issued);
    assert!(judged(&place, &issued, &of_issuer).starts_with("ok: ann until "));
    for (name, arguments, token, expected) in [
        ("empty", &secret[..], "", no_token),
        ("nonsense", &secret, "a.b.c", no_token),
        ("altered", &secret, &altered, id),
        ("expired", &secret, &brief, "it has expired"),
        (
            "of no issuer",
            &issued,
            &good,
            "its iss is not the required one",
        ),
    ] {
        let judged = judged(&place, arguments, token);
        assert!(
            judged.starts_with(&format!("{reason}{expected}")),
            "{name}: {judged}"
        );
    }
    // Nothing is made by a look.
    let judged = judged(&place, &["--data-dir=none"], &good);
    assert_eq!(judged, "the first start makes the secret that signs tokens");
    assert!(!place.path().join("none").exists());
}

/// Only the service's own secret makes such a token, and it is told from others.
#[test]
fn a_token_for_users_says_so() {
    let place = Place::new();
    let secret = ["--auth=secret", SECRET];
    let for_users = token(&place, &[&secret[..], &["--for-users"]].concat());
    let good = token(&place, &secret);
    let says_so = |token: &str| judged(&place, &secret, token).ends_with(", for users");
    assert!(judged(&place, &secret, &for_users).starts_with("ok: ann until "));
    assert!(says_so(&for_users) && !says_so(&good));

    let user = "--user=ann/bob";
    let done = place.run(&[&["token", user, "--for-users"], &secret[..]].concat());
    done.refused(1, "cannot have `/` in its name");
    let done = place.run(&[&["token", user], &secret[..]].concat());
    assert_eq!(done.code, 0, "{done:?}");
}

#[test]
fn a_token_names_a_plan_that_is_defined() {
    let place = Place::new();
    place.write(
        "refinement.toml",
        "plan = 'free'\nplan_claim = 'app_metadata.plan'\n[plans.free]\n[plans.pro]\n",
    );
    let secret = ["--auth=secret", SECRET];
    let plain = token(&place, &secret);
    let pro = token(&place, &[&secret[..], &["--plan=pro"]].concat());
    assert!(judged(&place, &secret, &pro).ends_with(", plan pro"));
    let plain = judged(&place, &secret, &plain);
    assert!(
        plain.starts_with("ok: ann until ") && !plain.contains("plan"),
        "{plain}"
    );
    let done = place.run(&[&["token", "--user=ann", "--plan=gold"], &secret[..]].concat());
    let expected = "--plan: must be a plan of the settings file, not \"gold\"";
    done.refused(2, expected);
    // One that was defined when the token was made.
    place.write("refinement.toml", "plan_claim = 'app_metadata.plan'\n");
    let judged = judged(&place, &secret, &pro);
    assert!(
        judged.ends_with(", plan \"pro\", which is not defined"),
        "{judged}"
    );
}

/// By this machine's clock it has ended before it begins.
#[test]
fn over_postgres_a_token_goes_by_the_time_of_the_database() {
    const LATE: &str = "CREATE SCHEMA late; \
        CREATE FUNCTION late.clock_timestamp() RETURNS timestamptz LANGUAGE sql \
        AS 'SELECT pg_catalog.clock_timestamp() - interval ''400 days'''; \
        ALTER ROLE late SET search_path = late, pg_catalog";
    let url = postgres().url_of_new_user("late", &new_schema());
    postgres().execute(LATE);
    let place = Place::new();
    let service = ["--data-dir=data", &*format!("--tasks={url}")];
    let printed = token(&place, &[&service[..], &["--expires=1d"]].concat());
    let judged = judged(&place, &service, &printed);
    let until = judged.strip_prefix("ok: ann until ");
    let now = SystemClock.now().to_string();
    assert!(until.is_some_and(|until| until < now.as_str()), "{judged}");
}

#[test]
fn only_an_issuer_makes_tokens_of_an_issuer() {
    let place = Place::new();
    let issuer = Issuer::start();
    let arguments = ["--auth=jwks", &*format!("--jwks-url={}", issuer.url())];
    let done = place.run(&[&["token", "--user=ann"], &arguments[..]].concat());
    done.refused(1, "signed by their issuer");
    let judged_of = |token: &str| judged(&place, &arguments, token);
    assert!(judged_of(&Signer::ed25519().token("ann")).starts_with("ok: ann until "));
    let other = token(&place, &["--auth=secret", SECRET]);
    assert!(judged_of(&other).contains("no key for its algorithm verifies"));
}

#[test]
fn a_user_is_somebody_and_a_duration_has_a_unit() {
    let place = Place::new();
    let longer = format!("--user={}", "a".repeat(1_025));
    for (arguments, code, expected) in [
        (&["token"][..], 2, "--user"),
        (&["token", "--user="], 1, "a user's name is not empty"),
        (&["token", "--user=a\nb"], 1, "a user's name is not empty"),
        (&["token", &longer], 1, "has at most 1,024 bytes"),
        (
            &["token", "--user=a", "--expires=5"],
            2,
            "the value of --expires must be",
        ),
        (
            &["token", "--user=a", "--expires=0s"],
            2,
            "the value of --expires must not be zero",
        ),
    ] {
        place.run(arguments).refused(code, expected);
    }
}
