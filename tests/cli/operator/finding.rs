//! `tasks list`, `tasks show` and `audit`

use concept_refinement_tests::pictures;
use futures::future::join_all;
use serde_json::Value;

use super::{Desk, NOBODY, ids};
use crate::place::{Place, origin, run};
use crate::terminal::on_whole_terminal;

#[tokio::test]
async fn tasks_are_listed_by_what_they_have() {
    let desk = Desk::start();
    let picture = origin().picture(&pictures::png(8, 8));
    let ada = desk.user("ada");
    let completed = ada.refined(&picture, "echo it").await;
    let completed = completed["task_id"].as_str().unwrap().to_owned();
    let failed = desk.failed("ada", "not today").await;
    let other = desk.failed("bob", "never").await;
    let all = [&other, &failed, &completed];
    for (filter, expected) in [
        (&[][..], &all[..]),
        (&["--user", "ada"], &[&failed, &completed]),
        (&["--status", "failed"], &[&other, &failed]),
        (&["--error", "not today"], &[&failed]),
        (&["--user", "ada", "--status", "completed"], &[&completed]),
        (&["--since", "1h"], &all),
        (&["--until", "1h"], &[]),
        (&["--limit", "1"], &[&other]),
        (&["--user", "nobody"], &[]),
    ] {
        let arguments = [&["tasks", "list"], filter].concat();
        let page = desk.json(&arguments);
        let expected: Vec<_> = expected.iter().map(|id| (*id).clone()).collect();
        assert_eq!(ids(&page["tasks"]), expected, "{filter:?}");
        assert_eq!(page["next_cursor"].is_null(), !filter.contains(&"--limit"));

        let table = desk.run(&arguments);
        table.silent();
        let lines: Vec<_> = table.text().lines().map(str::to_owned).collect();
        assert!(lines[0].starts_with("TASK "), "{lines:?}");
        let shown: Vec<_> = lines[1..]
            .iter()
            .map(|line| line[..36].to_owned())
            .collect();
        assert_eq!(shown, expected, "{filter:?}");
    }
    let table = desk.run(&["tasks", "list", "--error", "not today"]).text();
    for part in ["failed ", " ada ", " not today\n"] {
        assert!(table.contains(part), "{table}");
    }
}

#[tokio::test]
async fn all_pages_are_fetched() {
    let desk = Desk::start();
    // More than the largest page has.
    let users = (0..103).map(|user| format!("user {user}"));
    let desk = &desk;
    let failed = users.map(async |user| desk.failed(&user, "one of many").await);
    let mut expected = join_all(failed).await;
    expected.sort();

    let filter = ["tasks", "list", "--error", "one of many"];
    let lines = desk.run(&[&filter[..], &["--all", "--json"]].concat());
    lines.silent();
    let mut found: Vec<_> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|task| task["task_id"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, expected);

    let table = desk.run(&[&filter[..], &["--all"]].concat());
    table.silent();
    assert_eq!(table.text().lines().count(), expected.len() + 1);
    for (limit, has_more) in [("102", true), ("103", false), ("500", false)] {
        let page = desk.json(&[&filter[..], &["--limit", limit]].concat());
        let count = limit.parse::<usize>().unwrap().min(expected.len());
        assert_eq!(ids(&page["tasks"]).len(), count, "{limit}");
        assert_eq!(page["next_cursor"].is_string(), has_more, "{limit}");
    }
    assert_eq!(ids(&desk.json(&["tasks", "list"])["tasks"]).len(), 50);
}

#[tokio::test]
async fn a_task_is_shown_with_its_story() {
    let desk = Desk::start();
    let id = desk.failed("ada", "not today").await;
    let shown = desk.run(&["tasks", "show", &id]);
    shown.silent();
    let text = shown.text();
    for part in [
        &format!("task      {id}\n"),
        "Image refinement failed: not today\n",
        " submitted ",
        " refining\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let task = desk.json(&["tasks", "show", &id]);
    assert_eq!(task["task_id"], id.as_str());
    assert_eq!(task["user_id"], "ada");
    assert!(task["steps"].as_array().unwrap().len() > 4, "{task}");

    // Upper case and other forms are the same id.
    desk.run(&["tasks", "show", &id.to_uppercase()]).silent();
    let missing = desk.run(&["tasks", "show", NOBODY]);
    missing.refused(1, &format!("there is no task {NOBODY}"));
}

#[tokio::test]
async fn a_terminal_gets_no_control_characters_and_no_row_that_is_wider() {
    let desk = Desk::start();
    let name = "a user whose name is somewhat longer than a column";
    let reason =
        "a\u{1b}[31mlert\u{7} \u{202e}語語語 and so on, for much longer than a row has room";
    let id = desk.failed(name, reason).await;
    for arguments in [&["tasks", "list"][..], &["tasks", "show", &id], &["audit"]] {
        let mut command = desk.command(arguments);
        let (code, shown) = on_whole_terminal(&mut command, 100, "");
        assert_eq!(code, Some(0), "{shown}");
        let is_odd = |character: char| {
            character.is_control() && !"\r\n".contains(character) || character == '\u{202e}'
        };
        assert!(!shown.contains(is_odd), "{shown:?}");
    }
    let (_, shown) = on_whole_terminal(&mut desk.command(&["tasks", "list"]), 100, "");
    let widest = shown.lines().map(|line| line.trim_end().chars().count());
    assert!(widest.max().unwrap() <= 100, "{shown}");
    assert!(shown.contains(&id), "{shown}");
    assert!(shown.contains('…'), "{shown}");
    // A pipe gets all of it.
    let piped = desk.run(&["tasks", "list"]).text();
    assert!(piped.contains(name), "{piped}");
    assert!(piped.contains("than a row has room"), "{piped}");
    assert!(!piped.contains('\u{1b}'), "{piped:?}");

    desk.failed("another", "not today").await;
    let arguments = ["tasks", "list", "--limit", "1"];
    let (_, shown) = on_whole_terminal(&mut desk.command(&arguments), 100, "");
    assert!(shown.contains("there are more"), "{shown}");
}

#[tokio::test]
async fn the_audit_says_who_did_what_and_why() {
    let desk = Desk::start();
    let id = desk.failed("ada", "not today").await;
    for reason in ["the first", "the second"] {
        desk.run(&["queue", "pause", "--reason", reason]).silent();
        desk.run(&["queue", "resume", "--reason", reason]).silent();
    }
    desk.run(&["tasks", "delete", &id, "--reason", "nobody needs it"])
        .silent();
    let table = desk.run(&["audit"]);
    table.silent();
    let table = table.text();
    assert_eq!(table.lines().count(), 6, "{table}");
    for part in ["AT (UTC)", " delete ", &id, "nobody needs it", "uid "] {
        assert!(table.contains(part), "{table}");
    }
    let page = desk.json(&["audit", "--limit", "2"]);
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{page}");
    assert_eq!(entries[0]["reason"], "nobody needs it");
    assert!(page["next_cursor"].is_string(), "{page}");
}

#[test]
fn where_no_service_runs_is_said() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("empty")).unwrap();
    for directory in ["empty", "missing"] {
        for command in [
            &["tasks", "list"][..],
            &["queue", "status"],
            &["audit"],
            &["usage"],
        ] {
            let arguments = [command, &["--data-dir", directory]].concat();
            let done = place.run(&arguments);
            done.refused(1, &format!("no service runs on {directory}: start it, or"));
        }
    }
    let drain = ["queue", "drain", "--reason", "x", "--data-dir", "empty"];
    place.run(&drain).refused(1, "no service runs on empty");
}

#[test]
fn a_command_line_that_cannot_be_meant_is_refused() {
    let place = Place::new();
    let reason = ["--reason", "x"];
    for (arguments, sentence) in [
        (
            &["tasks", "list", "--status", "done"][..],
            "'--status <STATUS>'",
        ),
        (&["tasks", "list", "--user", ""], "'--user <USER>'"),
        (&["tasks", "list", "--limit", "0"], "'--limit <N>'"),
        (&["tasks", "list", "--limit", "9", "--all"], "'--all'"),
        (&["tasks", "show", "7"], "must be the id of a task"),
        (&["tasks", "retry", NOBODY], "--reason <TEXT>"),
        (
            &["tasks", "retry", NOBODY, "--reason", ""],
            "'--reason <TEXT>'",
        ),
        (&["queue", "drain"], "--reason <TEXT>"),
        (&["usage", "--group", "task"], "'--group <GROUP>'"),
        (&["usage", "--since", "yesterday"], "must be how long ago"),
        (&["usage", "--csv", "--json"], "cannot be used with"),
        (
            &["audit", "--admin-url", "127.0.0.1:9465"],
            "must be an http or https URL",
        ),
    ] {
        place.run(arguments).refused(2, sentence);
    }
    for verb in ["retry", "cancel", "delete"] {
        let neither = [&["tasks", verb], &reason[..]].concat();
        place.run(&neither).refused(2, "were not provided");
        let both = ["tasks", verb, NOBODY, "--user", "ada"];
        let both = [&both[..], &reason].concat();
        place.run(&both).refused(2, "cannot be used with");
    }
    let mut command = place.command(&["audit", "--admin-url", "http://127.0.0.1:9465"]);
    let done = run(&mut command, b"");
    done.refused(
        2,
        "in the variable REFINEMENT_ADMIN_TOKEN or REFINEMENT_ADMIN_READ_TOKEN",
    );
}
