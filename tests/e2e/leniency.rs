//! What an origin may do wrong, and is understood all the same: by our host's client, as
//! by browsers.

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Origin, Reply};
use futures::future::join_all;

use crate::originals::refined;
use crate::shared::{new_user, origin, scripted_launch};

/// A connection that was kept is lost as the next request comes, and nobody can tell
/// whether it was read: a component's GET is sent again, on a new one.
#[tokio::test]
async fn a_request_that_a_kept_connection_loses_is_sent_again() {
    const TASKS: usize = 20;
    let origin = Origin::start();
    let service = scripted_launch()
        .set("allow-sources", &origin.authority())
        .start();
    let url = origin.serve(Reply::picture(&pictures::png(20, 20)).then_leave());
    for _ in 0..TASKS {
        new_user(&service).completed(&url, "echo it").await;
    }
    let lost = origin.requests(&url).len() - TASKS;
    assert!(lost >= TASKS / 2, "only {lost} were lost");
    assert_eq!(origin.connections(), TASKS, "one answer on each");
}

#[tokio::test]
async fn an_ill_formed_line_of_a_head_spoils_no_answer() {
    let png = pictures::png(20, 20).bytes;
    let length = png.len();
    let many: String = (0..500)
        .map(|number| format!("x-{number}: 0\r\n"))
        .collect();
    let cases = [
        ("a space before the colon", "X-Frame-Options : DENY\r\n"),
        ("a space in a name", "X Frame: 1\r\n"),
        (
            "a warning of PHP",
            "PHP Warning:  Module \"x\" is already loaded in Unknown on line 0\r\n",
        ),
        ("a line without a colon", "Deprecated\r\n"),
        ("a name that is empty", ": nothing\r\n"),
        ("a folded line", "x-long: a\r\n b\r\n\tc\r\n"),
        ("a folded warning", "PHP Warning: a\r\n  in b\r\n"),
        ("many fields", many.as_str()),
    ];
    let tasks = cases.map(async |(name, lines)| {
        // Before the fields that matter, among them and after them.
        for head in [
            format!("{lines}content-type: image/png\r\ncontent-length: {length}\r\n"),
            format!("content-type: image/png\r\n{lines}content-length: {length}\r\n"),
            format!("content-type: image/png\r\ncontent-length: {length}\r\n{lines}"),
        ] {
            let task = refined(&origin().serve(Reply::new(200, &head, &png))).await;
            assert_eq!(task["status"], "completed", "{name}: {task}");
        }
    });
    join_all(tasks).await;
}

/// A field that is mended counts.
#[tokio::test]
async fn a_length_behind_a_space_is_a_length() {
    let png = pictures::png(20, 20).bytes;
    let head = format!("content-length : {}\r\n", png.len() + 1);
    let task = refined(&origin().serve(Reply::new(200, &head, &png))).await;
    let message = task["error_message"].as_str().unwrap();
    assert!(message.contains("the file ended before"), "{task}");
}
