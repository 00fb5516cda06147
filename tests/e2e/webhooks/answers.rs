//! What each answer of a receiver means.

use std::time::Duration;

use concept_refinement_tests::receiver::nobody;
use concept_refinement_tests::server::Reply;
use serde_json::Value;

use super::{accepted, attempted, receiver, seconds, service};
use crate::shared::new_user;

/// An answer of the network, and what is told of the attempt.
struct Case {
    name: &'static str,
    hook: String,
    state: &'static str,
    status: Option<u16>,
    error: Option<&'static str>,
    /// How long the attempt takes, in seconds.
    lasts: (f64, f64),
}

const AT_ONCE: (f64, f64) = (0.0, 5.0);

/// What an attempt may take, with a busy machine's delay.
const TIMEOUT: (f64, f64) = (14.5, 19.0);

/// From the end of the first attempt to the second, in seconds.
const WAIT: f64 = 5.0;

impl Case {
    fn delivered(name: &'static str, reply: Reply) -> Self {
        Self {
            name,
            hook: receiver().hook([reply]),
            state: "delivered",
            status: Some(200),
            error: None,
            lasts: AT_ONCE,
        }
    }

    fn unanswered(
        name: &'static str,
        hook: String,
        error: &'static str,
        lasts: (f64, f64),
    ) -> Self {
        Self {
            name,
            hook,
            state: "pending",
            status: None,
            error: Some(error),
            lasts,
        }
    }
}

/// The domain's tables show what each status leads to; this is what only a network can do.
#[tokio::test]
async fn the_status_decides() {
    let elsewhere = receiver().hook([Reply::status(200)]);
    // A byte in each half of a second: longer than an attempt.
    let slow_head = Reply::status(200).byte_by_byte(Duration::from_millis(500));
    let cut = Reply::ok("text/plain", b"never all of it").without_end(5);
    let hook = |reply| receiver().hook([reply]);
    let later = "retry-after: 3600\r\ncontent-length: 0\r\n";
    let cases = [
        Case::delivered("a body that never ends", cut.clone().then_silence()),
        Case::delivered("a body that goes on", cut.then_again()),
        Case {
            state: "pending",
            status: Some(307),
            error: Some("The receiver answered 307, and redirects are not followed."),
            ..Case::delivered("a redirect", Reply::redirect(307, &elsewhere))
        },
        Case::unanswered(
            "nobody listens",
            nobody(),
            "The receiver cannot be connected to.",
            AT_ONCE,
        ),
        Case::unanswered(
            "nonsense in place of HTTP",
            hook(Reply::raw(b"220 ready\r\n\r\n")),
            "The receiver did not answer properly.",
            AT_ONCE,
        ),
        Case::unanswered(
            "silence",
            hook(Reply::raw(b"").then_silence()),
            "The receiver did not answer in time.",
            TIMEOUT,
        ),
        Case::unanswered(
            "a head that takes too long",
            hook(slow_head),
            "The receiver did not answer in time.",
            TIMEOUT,
        ),
    ];
    let judged = cases.iter().map(|case| judged(case, WAIT));
    futures::future::join_all(judged).await;
    assert!(receiver().deliveries(&elsewhere).is_empty(), "followed");

    let put_off = Case {
        state: "pending",
        status: Some(503),
        error: Some("The receiver answered 503."),
        ..Case::delivered("later than the schedule", Reply::new(503, later, b""))
    };
    self::judged(&put_off, 3600.0).await;
}

async fn judged(case: &Case, wait: f64) {
    let name = case.name;
    let client = new_user(service());
    let id = accepted(&client, "instant", &case.hook).await;
    let told = attempted(&client, &id, 1).await;
    assert_eq!(told["state"], case.state, "{name}: {told}");
    let attempt = &told["attempts"][0];
    let status = Value::from(case.status);
    assert_eq!(attempt["status"], status, "{name}: {told}");
    assert_eq!(attempt["error"], Value::from(case.error), "{name}: {told}");
    if case.state == "delivered" {
        assert_eq!(told["next_attempt_at"], Value::Null, "{name}: {told}");
        return;
    }
    let after = seconds(&told["next_attempt_at"]) - seconds(&attempt["at"]);
    let (shortest, longest) = case.lasts;
    let expected = shortest + wait..=longest + wait * 1.1;
    assert!(expected.contains(&after), "{name}: {after} s: {told}");
}
