//! `tasks retry`, `tasks cancel` and `tasks delete`

use concept_refinement_tests::pictures;
use serde_json::Value;

use super::{Desk, NOBODY, ids};
use crate::place::{origin, run};
use crate::terminal::on_whole_terminal;

/// The last word that was printed.
fn last_word(text: &str) -> String {
    text.split_whitespace().last().unwrap().to_owned()
}

#[tokio::test]
async fn one_task_is_acted_on() {
    let desk = Desk::start();
    let ada = desk.user("ada");
    let failed = desk.failed("ada", "not today").await;
    let reason = ["--reason", "a test"];
    let act = |verb: &str, id: &str| desk.run(&[&["tasks", verb, id], &reason[..]].concat());

    let retried = act("retry", &failed);
    retried.silent();
    assert!(retried.text().starts_with("retried as task "));
    let again = last_word(&retried.text());
    assert_eq!(ada.finished(&again).await["status"], "failed");
    let task = desk.json(&["tasks", "show", &again]);
    assert_eq!(task["retry_of"], failed.as_str());

    let (url, gate) = origin().gated(&pictures::png(20, 10));
    let active = ada.accepted(&url, "echo it").await;
    act("retry", &active).refused(1, "nothing was done: The task has not failed.");
    act("retry", &failed).refused(1, "nothing was done: Its user has a task");
    let cancelled = act("cancel", &active);
    cancelled.silent();
    assert_eq!(cancelled.text(), format!("cancelled task {active}\n"));
    act("cancel", &active).refused(1, "nothing was done: The task has ended.");
    drop(gate);

    let deleted = act("delete", &active);
    deleted.silent();
    assert_eq!(deleted.text(), format!("deleted task {active}\n"));
    for verb in ["retry", "cancel", "delete"] {
        act(verb, &active).refused(1, &format!("there is no task {active}"));
        act(verb, NOBODY).refused(1, &format!("there is no task {NOBODY}"));
    }
    let long = "x".repeat(501);
    let done = desk.run(&["tasks", "retry", &failed, "--reason", &long]);
    done.refused(1, "422 Unprocessable Entity: reason: It has to be ");

    let retried = desk.json(&[&["tasks", "retry", &again], &reason[..]].concat());
    let id = retried["task_id"].as_str().unwrap();
    ada.finished(id).await;
    let deleted = desk.json(&[&["tasks", "delete", id], &reason[..]].concat());
    assert_eq!(deleted["task_id"], id);
}

#[tokio::test]
async fn an_id_may_be_cut_where_no_other_begins_so() {
    let desk = Desk::start();
    let mut failed = Vec::new();
    for user in ["ada", "bob", "eve"] {
        failed.push(desk.failed(user, "not today").await);
    }
    let same = |one: &str, other: &str| {
        let both = one.bytes().zip(other.bytes());
        both.take_while(|(one, other)| one == other).count()
    };
    // The first eight characters are of about a minute, which ends at most once here.
    let mut pairs = failed.windows(2);
    let two = pairs.find(|two| same(&two[0], &two[1]) >= 8).unwrap();
    let one = &two[0];
    let several = format!(
        "nothing was done: several tasks have ids that begin with {}, as ",
        &one[..8]
    );
    for verb in ["retry", "cancel", "delete"] {
        let done = desk.run(&["tasks", verb, &one[..8], "--reason", "a test"]);
        done.refused(1, &several);
        let named = failed.iter().filter(|id| done.stderr.contains(id.as_str()));
        assert_eq!(named.count(), 2, "{}", done.stderr);
    }
    let unique = failed.iter().filter(|id| *id != one);
    let begin = unique.map(|other| same(one, other)).max().unwrap() + 1;
    let shown = desk.json(&["tasks", "show", &one[..begin].to_uppercase()]);
    assert_eq!(shown["task_id"], one.as_str());
    let deleted = desk.run(&["tasks", "delete", &one[..begin], "--reason", "a test"]);
    deleted.silent();
    assert_eq!(deleted.text(), format!("deleted task {one}\n"));

    desk.run(&["tasks", "show", &NOBODY[..12]])
        .refused(1, "no task has an id that begins with 01a1f8d3-ea7");
    let sentence = "must be the id of a task, or at least its first 8 characters";
    desk.run(&["tasks", "show", "01a1f8d"]).refused(2, sentence);
}

#[tokio::test]
async fn the_user_of_sudo_is_in_the_audit() {
    let desk = Desk::start();
    for (verb, user) in [("pause", "ada"), ("resume", "no name\n")] {
        let mut command = desk.command(&["queue", verb, "--reason", "a test"]);
        run(command.env("SUDO_USER", user), b"").silent();
    }
    let audit = desk.json(&["audit"]);
    let actors = audit["entries"].as_array().unwrap().iter();
    let actors: Vec<_> = actors
        .map(|entry| entry["actor"].as_str().unwrap())
        .collect();
    let uid = format!("uid {}", rustix::process::getuid().as_raw());
    assert_eq!(actors, [uid.clone(), format!("{uid} (ada)")]);
}

#[tokio::test]
async fn what_a_filter_matches_is_acted_on_once_somebody_says_so() {
    let desk = Desk::start();
    for user in ["ada", "bob", "eve"] {
        desk.failed(user, "the provider was down").await;
    }
    desk.failed("eve", "another reason").await;
    let filter = ["--error", "the provider", "--reason", "it is back"];
    let delete = [&["tasks", "delete"], &filter[..]].concat();
    let left = || ids(&desk.json(&["tasks", "list"])["tasks"]).len();

    // A program has to say so in advance.
    let done = desk.run(&delete);
    done.refused(2, "not a terminal: pass --yes to confirm. Nothing was done. This would delete 3 tasks (until ");
    assert_eq!(left(), 4);
    for typed in ["n\n", "\n", "what?\n", "\u{4}"] {
        let (code, shown) = on_whole_terminal(&mut desk.command(&delete), 100, typed);
        assert_eq!(code, Some(1), "{typed:?}: {shown}");
        assert!(shown.contains("This will delete 3 tasks"), "{shown}");
        assert!(shown.contains("nothing was done"), "{shown}");
    }
    assert_eq!(left(), 4);

    let retry = [&["tasks", "retry", "--yes"], &filter[..]].concat();
    let job = {
        let mut command = desk.command(&retry);
        let done = run(command.arg("--json"), b"");
        done.silent();
        serde_json::from_slice::<Value>(&done.stdout).unwrap()
    };
    assert_eq!(job["action"], "retry", "{job}");
    assert_eq!(
        job["done"].as_u64().unwrap() + job["failed"].as_u64().unwrap(),
        3
    );
    assert!(job["ended_at"].is_string(), "{job}");
    for task in desk.json(&["tasks", "list"])["tasks"].as_array().unwrap() {
        let [user, id] = ["user_id", "task_id"].map(|name| task[name].as_str().unwrap());
        desk.user(user).finished(id).await;
    }

    let cancel = [&["tasks", "cancel", "--yes"], &filter[..]].concat();
    let done = desk.run(&cancel);
    assert_eq!(done.code, 1, "{}", done.text());
    assert!(
        done.text().starts_with("cancel: 0 done, "),
        "{}",
        done.text()
    );
    assert!(done.stderr.contains("nothing was done"), "{}", done.stderr);

    let (code, shown) = on_whole_terminal(&mut desk.command(&delete), 100, "y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(" done, 0 failed, 0 left\r\n"), "{shown}");
    let done = desk.run(&[&delete[..], &["--yes"]].concat());
    done.silent();
    assert_eq!(done.text(), "no task matches\n");
    let preview = desk.json(&delete);
    assert_eq!(preview["count"], 0);
    assert_eq!(left(), 1);
}

#[tokio::test]
async fn a_user_alone_is_all_that_they_have() {
    let desk = Desk::start();
    desk.failed("ada", "not today").await;
    let erase = ["tasks", "delete", "--user", "ada", "--reason", "they asked"];
    let done = desk.run(&erase);
    done.refused(
        2,
        "erase user ada: 1 task, and all of their concepts, images, keys and webhooks, for good",
    );
    // With more, tasks are meant.
    for more in [["--status", "completed"], ["--until", "1h"]] {
        let some = [&erase[..], &more].concat();
        assert_eq!(desk.run(&some).text(), "no task matches\n", "{more:?}");
    }
    let some = [&erase[..], &["--until", "0s"]].concat();
    desk.run(&some).refused(
        2,
        "Nothing was done. This would delete 1 task (user ada, until ",
    );
    let done = desk.run(&[&erase[..], &["--yes"]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("erase user ada"), "{}", done.stderr);
    assert!(
        done.text().starts_with("erase: 1 done, 0 failed"),
        "{}",
        done.text()
    );
    assert!(ids(&desk.json(&["tasks", "list", "--user", "ada"])["tasks"]).is_empty());
}

#[tokio::test]
async fn a_change_meanwhile_stops_it() {
    let desk = Desk::start();
    let id = desk.failed("ada", "not today").await;
    let mut delete = desk.command(&["tasks", "delete", "--status", "failed", "--reason", "x"]);
    // Somebody deletes it while the question is open.
    let (code, shown) = crate::terminal::while_asked(&mut delete, "[y/N]", "y\n", || {
        let done = desk.run(&["tasks", "delete", &id, "--reason", "x"]);
        done.silent();
    });
    assert_eq!(code, Some(1), "{shown}");
    let sentence = "nothing was done: Not 1 but 0 tasks match now.";
    assert!(shown.contains(sentence), "{shown}");
}
