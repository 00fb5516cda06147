//! What each answer of a receiver means.

use std::time::Duration;

use concept_refinement_tests::receiver::nobody;
use concept_refinement_tests::server::Reply;
use serde_json::Value;

use super::{accepted, attempted, receiver, seconds, service};
use crate::shared::new_user;

/// What one attempt leads to.
struct Case {
    name: &'static str,
    hook: String,
    state: &'static str,
    status: Option<u16>,
    error: Option<&'static str>,
    /// From the attempt's end to the next one, in seconds.
    wait: Option<f64>,
    /// How long the attempt takes, in seconds.
    lasts: (f64, f64),
}

const AT_ONCE: (f64, f64) = (0.0, 5.0);

impl Case {
    fn answered(name: &'static str, reply: Reply, status: u16, error: &'static str) -> Self {
        Self {
            name,
            hook: receiver().hook([reply]),
            state: "pending",
            status: Some(status),
            error: Some(error),
            wait: Some(5.0),
            lasts: AT_ONCE,
        }
    }

    fn delivered(name: &'static str, reply: Reply, status: u16) -> Self {
        Self {
            state: "delivered",
            error: None,
            wait: None,
            ..Self::answered(name, reply, status, "")
        }
    }

    fn unanswered(name: &'static str, hook: String, error: &'static str) -> Self {
        Self {
            hook,
            status: None,
            ..Self::answered(name, Reply::status(200), 0, error)
        }
    }
}

fn with_retry_after(value: &str) -> Reply {
    let headers = format!("retry-after: {value}\r\ncontent-length: 0\r\n");
    Reply::new(503, &headers, b"")
}

#[tokio::test]
async fn the_status_decides() {
    let elsewhere = receiver().hook([Reply::status(200)]);
    // A byte in each half of a second: longer than an attempt.
    let slow_head = Reply::status(200).byte_by_byte(Duration::from_millis(500));
    let cut = Reply::ok("text/plain", b"never all of it").without_end(5);
    let retried = |name, value, wait| Case {
        wait: Some(wait),
        ..Case::answered(
            name,
            with_retry_after(value),
            503,
            "The receiver answered 503.",
        )
    };
    let cases = [
        Case::delivered("200", Reply::status(200), 200),
        Case::delivered("another 2xx", Reply::status(299), 299),
        Case::delivered("a body that never ends", cut.clone().then_silence(), 200),
        Case::delivered("a body that goes on", cut.then_again(), 200),
        Case::answered("500", Reply::status(500), 500, "The receiver answered 500."),
        Case::answered("404", Reply::status(404), 404, "The receiver answered 404."),
        Case {
            state: "failed",
            wait: None,
            ..Case::answered(
                "410",
                Reply::status(410),
                410,
                "The receiver answered 410, so nothing more is sent to it.",
            )
        },
        Case::answered(
            "a redirect",
            Reply::redirect(307, &elsewhere),
            307,
            "The receiver answered 307, and redirects are not followed.",
        ),
        retried("later than the schedule", "3600", 3600.0),
        retried("earlier than the schedule", "1", 5.0),
        retried("later than a day", "1000000", 24.0 * 3600.0),
        retried("nonsense", "soon", 5.0),
        Case::unanswered(
            "nobody listens",
            nobody(),
            "The receiver cannot be connected to.",
        ),
        Case::unanswered(
            "nonsense in place of HTTP",
            receiver().hook([Reply::raw(b"220 ready\r\n\r\n")]),
            "The receiver did not answer properly.",
        ),
        Case {
            lasts: (14.5, 19.0),
            ..Case::unanswered(
                "silence",
                receiver().hook([Reply::raw(b"").then_silence()]),
                "The receiver did not answer in time.",
            )
        },
        Case {
            lasts: (14.5, 19.0),
            ..Case::unanswered(
                "a head that takes too long",
                receiver().hook([slow_head]),
                "The receiver did not answer in time.",
            )
        },
    ];
    futures::future::join_all(cases.iter().map(judged)).await;
    assert!(receiver().deliveries(&elsewhere).is_empty(), "followed");
}

async fn judged(case: &Case) {
    let name = case.name;
    let client = new_user(service());
    let id = accepted(&client, "instant", &case.hook).await;
    let told = attempted(&client, &id, 1).await;
    assert_eq!(told["state"], case.state, "{name}: {told}");
    let attempt = &told["attempts"][0];
    assert_eq!(
        attempt["status"],
        Value::from(case.status),
        "{name}: {told}"
    );
    assert_eq!(attempt["error"], Value::from(case.error), "{name}: {told}");
    let at = seconds(&attempt["at"]);
    match case.wait {
        None => assert_eq!(told["next_attempt_at"], Value::Null, "{name}: {told}"),
        Some(wait) => {
            let after = seconds(&told["next_attempt_at"]) - at;
            let (shortest, longest) = case.lasts;
            let expected = shortest + wait..=longest + wait * 1.1;
            assert!(expected.contains(&after), "{name}: {after} s: {told}");
        }
    }
}
