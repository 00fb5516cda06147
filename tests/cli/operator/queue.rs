//! `queue`

use std::io::Read as _;
use std::process::Stdio;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::Reaped;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::Desk;
use crate::place::{Done, ended, origin};

/// A command that goes on while the test does other things.
struct Started(Reaped);

impl Started {
    fn of(desk: &Desk, arguments: &[&str]) -> Self {
        let mut command = desk.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(Reaped::spawn(&mut command))
    }

    fn goes_on(&mut self) -> bool {
        self.0.child().try_wait().unwrap().is_none()
    }

    fn ended(mut self) -> Done {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut output = self.0.child().stdout.take().unwrap();
        output.read_to_end(&mut stdout).unwrap();
        let mut output = self.0.child().stderr.take().unwrap();
        output.read_to_end(&mut stderr).unwrap();
        ended(&mut self.0, stdout, stderr)
    }
}

async fn paused(desk: &Desk) -> Value {
    eventually("the queue is paused", SOON, async || {
        let state = desk.json(&["queue", "status"]);
        (state["paused"] == true).then_some(state)
    })
    .await
}

#[tokio::test]
async fn the_queue_is_paused_and_resumed() {
    let desk = Desk::start();
    let status = || desk.run(&["queue", "status"]).text();
    assert_eq!(
        status(),
        "queue        running\npending      0\nprocessing   0\n"
    );
    let pause = desk.run(&["queue", "pause", "--reason", "a test"]);
    pause.silent();
    assert_eq!(pause.text(), status());
    let picture = origin().picture(&pictures::png(8, 8));
    let ada = desk.user("ada");
    let id = ada.accepted(&picture, "echo it").await;
    assert!(status().contains("queue        paused\npending      1, the oldest for "));
    let state = desk.json(&["queue", "resume", "--reason", "tested"]);
    assert_eq!(state["paused"], false);
    assert_eq!(ada.finished(&id).await["status"], "completed");
}

#[tokio::test]
async fn draining_waits_for_what_is_under_way() {
    let desk = Desk::start();
    let (url, gate) = origin().gated(&pictures::png(20, 10));
    let (ada, bob) = (desk.user("ada"), desk.user("bob"));
    let active = ada.accepted(&url, "echo it").await;
    ada.task_is(&active, "processing").await;
    let mut drain = Started::of(&desk, &["queue", "drain", "--reason", "moving"]);
    assert_eq!(paused(&desk).await["processing"], 1);
    let waits = bob.accepted(&url, "echo it").await;
    assert!(drain.goes_on());
    gate.open();
    let done = drain.ended();
    done.silent();
    let shown = done.text();
    assert!(
        shown.contains("queue        paused\npending      1"),
        "{shown}"
    );
    assert!(shown.contains("processing   0\n"), "{shown}");
    assert_eq!(ada.finished(&active).await["status"], "completed");
    assert_eq!(bob.task(&waits).await["status"], "pending");
    let again = desk.json(&["queue", "drain", "--reason", "once more"]);
    assert_eq!(
        (&again["paused"], &again["processing"]),
        (&true.into(), &0.into())
    );
    desk.run(&["queue", "resume", "--reason", "moved"]).silent();
    assert_eq!(bob.finished(&waits).await["status"], "completed");
}

#[tokio::test]
async fn draining_that_is_stopped_leaves_it_paused() {
    let desk = Desk::start();
    let (url, gate) = origin().gated(&pictures::png(20, 10));
    let ada = desk.user("ada");
    let active = ada.accepted(&url, "echo it").await;
    ada.task_is(&active, "processing").await;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let drain = Started::of(&desk, &["queue", "drain", "--reason", "moving"]);
        paused(&desk).await;
        kill_process(drain.0.pid(), signal).unwrap();
        let done = drain.ended();
        done.refused(code, "the queue is paused, or about to be: `queue resume`");
        paused(&desk).await;
        // The next drain has to pause it again, by which the test sees that it runs.
        desk.run(&["queue", "resume", "--reason", "a test"])
            .silent();
    }
    // Somebody else resumes it.
    let drain = Started::of(&desk, &["queue", "drain", "--reason", "moving"]);
    paused(&desk).await;
    desk.run(&["queue", "resume", "--reason", "not now"])
        .silent();
    drain
        .ended()
        .refused(1, "the queue was resumed before it was drained");
    drop(gate);
    assert_eq!(ada.finished(&active).await["status"], "completed");
}

#[tokio::test]
async fn draining_outlives_no_service() {
    let mut desk = Desk::start();
    let (url, _gate) = origin().gated(&pictures::png(20, 10));
    let ada = desk.user("ada");
    let active = ada.accepted(&url, "echo it").await;
    ada.task_is(&active, "processing").await;
    let drain = Started::of(&desk, &["queue", "drain", "--reason", "moving"]);
    paused(&desk).await;
    desk.service.signal(Signal::KILL);
    let done = drain.ended();
    done.refused(1, "the queue is paused, but ");
}
