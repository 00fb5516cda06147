//! The same by an address, with a token.

use concept_refinement_tests::tls::{TlsPort, file};

use super::{ACT, Desk, READ, READ_TOKEN, TOKEN};
use crate::place::{Done, run};

impl Desk {
    /// Of a service that is elsewhere: here is no data directory.
    fn run_at(&self, url: &str, tokens: &[(&str, &str)], arguments: &[&str]) -> Done {
        let mut command = self.place.command(arguments);
        command
            .args(["--admin-url", url])
            .envs(tokens.iter().copied());
        run(&mut command, b"")
    }
}

#[tokio::test]
async fn a_token_opens_what_it_is_for() {
    let desk = Desk::start();
    let url = desk.service.admin().await;
    let id = desk.failed("ada", "not today").await;
    let retry = ["tasks", "retry", &id, "--reason", "x"];
    let wrong = "a-token-of-somebody-for-tests-only";
    for (tokens, list, act) in [
        (&[(ACT, TOKEN)][..], Ok(()), Ok(())),
        (
            &[(READ, READ_TOKEN)],
            Ok(()),
            Err((2, "token in the variable REFINEMENT_ADMIN_TOKEN\n")),
        ),
        (
            &[(ACT, READ_TOKEN)],
            Ok(()),
            Err((1, "the token in REFINEMENT_ADMIN_TOKEN may only read")),
        ),
        (
            &[(ACT, wrong)],
            Err((1, "does not accept the token in REFINEMENT_ADMIN_TOKEN")),
            Err((1, "does not accept the token in REFINEMENT_ADMIN_TOKEN")),
        ),
        (
            &[(ACT, "two\nlines")],
            Err((2, "has characters that no token has")),
            Err((2, "has characters that no token has")),
        ),
    ] {
        let listed = desk.run_at(&url, tokens, &["tasks", "list"]);
        let acted = desk.run_at(&url, tokens, &retry);
        for (done, expected) in [(listed, list), (acted, act)] {
            assert!(!done.stderr.contains(wrong), "{}", done.stderr);
            match expected {
                Ok(()) => {
                    done.silent();
                    assert!(!done.text().is_empty());
                }
                Err((code, sentence)) => done.refused(code, sentence),
            }
        }
        // The next one finds the task as it was.
        for task in desk.json(&["tasks", "list"])["tasks"].as_array().unwrap() {
            let other = task["task_id"].as_str().unwrap();
            if other != id {
                desk.user("ada").finished(other).await;
            }
        }
    }
}

#[tokio::test]
async fn who_only_reads_sees_no_prompts() {
    let desk = Desk::start();
    let url = desk.service.admin().await;
    let id = desk.failed("ada", "not today").await;
    let read = [(READ, READ_TOKEN)];
    let shown = desk.run_at(&url, &read, &["tasks", "show", &id]);
    shown.silent();
    assert!(shown.text().contains("user      ada\n"), "{}", shown.text());
    assert!(!shown.text().contains("prompt"), "{}", shown.text());
    for arguments in [
        &["queue", "status"][..],
        &["audit"],
        &["tasks", "list", "--all"],
    ] {
        desk.run_at(&url, &read, arguments).silent();
    }
    // A final slash is the same address.
    let url = format!("{url}/");
    desk.run_at(&url, &read, &["queue", "status"]).silent();
}

#[tokio::test]
async fn all_verbs_work_by_an_address() {
    let desk = Desk::start();
    let url = desk.service.admin().await;
    let id = desk.failed("ada", "not today").await;
    let act = |arguments: &[&str]| {
        let arguments = [arguments, &["--reason", "by address"]].concat();
        let done = desk.run_at(&url, &[(ACT, TOKEN)], &arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
        done.text()
    };
    assert!(act(&["queue", "pause"]).contains("paused"));
    let retried = act(&["tasks", "retry", &id]);
    let new = retried.split_whitespace().last().unwrap();
    assert!(act(&["tasks", "cancel", new]).contains(new));
    assert!(act(&["tasks", "delete", new]).contains(new));
    assert!(act(&["queue", "drain"]).contains("processing   0"));
    assert!(act(&["queue", "resume"]).contains("running"));
    let job = act(&["tasks", "delete", "--status", "failed", "--yes"]);
    assert_eq!(job, "delete: 1 done, 0 failed, 0 left\n");
    let audit = desk.json(&["audit"]);
    let entries = audit["entries"].as_array().unwrap();
    assert!(
        entries.iter().all(|entry| entry["actor"] == "admin token"),
        "{audit}"
    );
    assert!(entries.len() >= 6, "{audit}");
}

#[tokio::test]
async fn it_works_by_tls() {
    let desk = Desk::start();
    let url = desk.service.admin().await;
    let address = url.trim_start_matches("http://").parse().unwrap();
    let port = TlsPort::before(address);
    let act = [(ACT, TOKEN)];
    let url = format!("https://localhost:{}", port.port());
    let authority = file("authority.pem");
    let trusting = ["queue", "status", "--ca-file", authority.to_str().unwrap()];
    let done = desk.run_at(&url, &act, &trusting);
    done.silent();
    assert!(done.text().contains("running"), "{}", done.text());

    let done = desk.run_at(&url, &act, &["queue", "status"]);
    done.refused(
        1,
        "cannot be reached: its certificate does not fit: nobody who is trusted",
    );
    let other_name = format!("https://127.0.0.1:{}", port.port());
    let done = desk.run_at(&other_name, &act, &trusting);
    done.refused(1, "its certificate does not fit");
    let done = desk.run_at(
        &desk.service.admin().await.replace("http", "https"),
        &act,
        &trusting,
    );
    done.refused(1, "cannot be reached");
}

#[tokio::test]
async fn the_address_of_users_is_not_that_of_operators() {
    let desk = Desk::start();
    let done = desk.run_at(desk.service.url(), &[(ACT, TOKEN)], &["tasks", "list"]);
    done.refused(1, "name the address that its setting admin-listen names");
}
