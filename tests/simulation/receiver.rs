//! Receivers of webhooks that answer well, slowly, with an error or not at all.

use std::time::Duration;

use concept_refinement_domain::webhook::DeliveryAnswer;

use crate::random::Random;

/// How many there are, each with an origin of its own.
const RECEIVERS: usize = 3;

/// Then an attempt ends.
const TIMEOUT: Duration = Duration::from_secs(15);

pub fn url(random: &Random) -> String {
    let number = random.below(RECEIVERS);
    format!("https://receiver-{number}.example.com/hook")
}

/// That it was told, and how long it takes to say so.
pub fn steady() -> (Duration, DeliveryAnswer) {
    (Duration::from_secs(1), status(200))
}

fn status(code: u16) -> DeliveryAnswer {
    DeliveryAnswer::Status {
        code,
        retry_after: None,
    }
}

/// What it is in the mood to answer, and how long it takes.
pub fn answer(random: &Random) -> (Duration, DeliveryAnswer) {
    let wait = random.millis(1, 3_000);
    match random.below(100) {
        0..50 => (wait, status(200)),
        50..55 => (wait, status(302)),
        55..70 => (wait, status(500)),
        70..75 => (wait, status(410)),
        75..85 => {
            let retry_after = Some(random.seconds(0, 60));
            let code = 503;
            (wait, DeliveryAnswer::Status { code, retry_after })
        }
        _ => (
            TIMEOUT,
            DeliveryAnswer::None("It did not answer.".to_owned()),
        ),
    }
}
