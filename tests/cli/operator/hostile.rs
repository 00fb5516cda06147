//! Whoever answers may be of another version, or no service at all.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use concept_refinement_tests::server::{Origin, Reply};

use super::{ACT, NOBODY, TOKEN};
use crate::place::{Done, Place, run};

fn asked(server: &Origin, arguments: &[&str]) -> Done {
    let place = Place::new();
    let url = format!("http://{}", server.authority());
    let mut command = place.command(arguments);
    command.args(["--admin-url", &url]).env(ACT, TOKEN);
    run(&mut command, b"")
}

fn json(body: &str) -> Reply {
    Reply::ok("application/json", body.as_bytes())
}

#[test]
fn an_odd_answer_is_one_sentence() {
    let endless = b"HTTP/1.1 200 OK\r\n\r\n[\"                                                 ";
    let not_ours = "does not answer as a service of this version";
    for (reply, sentence) in [
        (Reply::ok("text/html", b"<html>\x1b[2J</html>"), not_ours),
        (json("[]"), not_ours),
        (json("{}"), not_ours),
        (json(r#"{"tasks": {}, "next_cursor": null}"#), not_ours),
        (json(r#"{"tasks": []}"#), not_ours),
        (json(r#"{"tasks": [], "next_cursor": 7}"#), not_ours),
        (json(&"[".repeat(100_000)), not_ours),
        (
            json(r#"{"tasks": [], "next_cursor": "always the same"}"#),
            not_ours,
        ),
        (Reply::raw(endless).then_again(), not_ours),
        (Reply::raw(b"SSH-2.0-OpenSSH\r\n"), not_ours),
        (Reply::raw(b""), "broke the connection off"),
        (json(r#"{"tasks": []}"#).without_end(3), "broke off"),
        (
            Reply::new(503, "", b"{\"detail\": \"Away\\u001b[2J\\nfor now.\"}"),
            "try again later: Away\u{fffd}[2J for now",
        ),
    ] {
        let server = Origin::start();
        server.serve_at("/admin/v1/tasks", reply);
        for format in [&["--all"][..], &["--json"]] {
            let arguments = [&["tasks", "list"], format].concat();
            let done = asked(&server, &arguments);
            assert!(
                done.stderr.contains(sentence),
                "{sentence}: {}",
                done.stderr
            );
            assert_eq!(done.code, 1, "{}", done.stderr);
            assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
            assert!(!done.stderr.contains('\u{1b}'), "{:?}", done.stderr);
        }
    }
}

/// The same value, in characters that a terminal shows.
#[test]
fn json_has_nothing_that_a_terminal_obeys() {
    let odd = "a\u{7f}\u{9b}31m\u{202e}b\u{2066}c\u{200b}\u{e0001} \u{e9} \u{8a9e}";
    let task = serde_json::json!({"task_id": NOBODY, "user_id": odd, odd: [odd]});
    let page = serde_json::json!({"tasks": [task, task], "next_cursor": null});
    let audit = serde_json::json!({"entries": [{"reason": odd}], "next_cursor": null});
    let usage = serde_json::json!({"usage": [{"user": odd}]});
    let server = Origin::start();
    server.serve_at("/admin/v1/usage", json(&usage.to_string()));
    server.serve_at("/admin/v1/tasks", json(&page.to_string()));
    server.serve_at("/admin/v1/audit", json(&audit.to_string()));
    server.serve_at(
        &format!("/admin/v1/tasks/{NOBODY}"),
        json(&task.to_string()),
    );
    for (arguments, expected) in [
        (&["tasks", "list", "--json"][..], &[page][..]),
        (
            &["tasks", "list", "--all", "--json"],
            &[task.clone(), task.clone()],
        ),
        (&["tasks", "show", NOBODY, "--json"], &[task]),
        (&["audit", "--json"], &[audit]),
        (&["usage", "--json"], &[usage]),
    ] {
        let done = asked(&server, arguments);
        done.silent();
        let shown = done.text();
        let is_shown = |it: char| it == '\n' || matches!(it, ' '..='~' | '\u{e9}' | '\u{8a9e}');
        assert!(shown.chars().all(is_shown), "{arguments:?}: {shown:?}");
        let read = serde_json::Deserializer::from_str(&shown).into_iter();
        let read: Vec<serde_json::Value> = read.map(Result::unwrap).collect();
        assert_eq!(read, expected, "{arguments:?}");
    }
}

#[test]
fn a_job_has_to_be_one_and_sums_a_list() {
    let not_ours = "does not answer as a service of this version";
    let server = Origin::start();
    server.serve_at("/admin/v1/usage", json(r#"{"usage": {}}"#));
    asked(&server, &["usage", "--json"]).refused(1, not_ours);
    for reply in [
        r#"{"count": -1}"#,
        r#"{"count": 1}"#,
        r#"{"count": 1, "id": "../tasks", "ended_at": null, "total": 1, "done": 0, "failed": 0, "left": 1}"#,
    ] {
        let server = Origin::start();
        server.serve_at("/admin/v1/tasks/actions", json(reply));
        let arguments = [
            "tasks", "cancel", "--status", "pending", "--reason", "x", "--yes",
        ];
        let done = asked(&server, &arguments);
        assert_eq!(done.code, 1, "{}", done.stderr);
        assert!(done.stderr.contains(not_ours), "{}", done.stderr);
        assert_eq!(done.text(), "");
    }
}

#[test]
fn a_change_without_an_answer_may_have_been_made() {
    let server = Origin::start();
    server.serve_at("/admin/v1/queue/pause", Reply::raw(b""));
    let done = asked(&server, &["queue", "pause", "--reason", "x"]);
    done.refused(1, "Perhaps it was done: look before you repeat it");
}

#[test]
fn nobody_there_is_said_at_once() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    drop(server);
    let place = Place::new();
    let url = format!("http://{address}");
    let mut command = place.command(&["queue", "status", "--admin-url", &url]);
    let done = run(command.env(ACT, TOKEN), b"");
    done.refused(1, &format!("{url} cannot be reached: "));
}

/// A service that knew only of backups refuses in another language.
#[test]
fn a_socket_of_another_version_is_told_apart() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("data")).unwrap();
    let listener = UnixListener::bind(place.path().join("data/control")).unwrap();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut request = [0; 64];
        let read = stream.read(&mut request).unwrap();
        assert!(request[..read].starts_with(b"GET /admin/v1/"));
        stream.write_all(b"\0\x01there is no such request").unwrap();
    });
    let done = place.run(&["tasks", "list"]);
    served.join().unwrap();
    done.refused(
        1,
        "the service of ./data does not answer as a service of this version",
    );
}
