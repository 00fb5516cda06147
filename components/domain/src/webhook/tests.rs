mod permits;

use std::time::Duration;

use proptest::prelude::*;

use super::schedule::wait;
use super::*;
use crate::capability::Fenced;
use crate::task::Status;

const NOW: Timestamp = Timestamp(1_795_176_000_000_000);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn task(status: Status) -> Task {
    Task {
        status,
        created_at: NOW,
        updated_at: Some(NOW),
        completed_at: status.is_final().then_some(NOW),
        ..Task::example()
    }
}

fn delivery() -> DeliveryRecord {
    DeliveryRecord::new(Webhook {
        url: "https://receiver.example/hook".into(),
        origin: "http://127.0.0.1:8080".into(),
    })
}

fn answered(code: u16) -> DeliveryAnswer {
    DeliveryAnswer::Status {
        code,
        retry_after: None,
    }
}

fn outcome(code: u16) -> DeliveryOutcome {
    let answer = answered(code);
    DeliveryOutcome { at: NOW, answer }
}

/// Makes an attempt that is due, and answers when the next one is.
fn attempt(
    delivery: &mut DeliveryRecord,
    now: Timestamp,
    answer: DeliveryAnswer,
) -> Option<Timestamp> {
    let begun = delivery.begin(&task(Status::Completed), None, now);
    let lease = begun.expect("it is due").lease;
    let outcome = DeliveryOutcome { at: now, answer };
    assert_eq!(delivery.record(&lease, outcome, 0.0, now), Fenced::Done);
    delivery.next_attempt_at
}

#[test]
fn a_webhook_is_https_to_a_public_address_or_what_the_operator_named() {
    const HTTPS: &str = "must be an https URL";
    const PUBLIC: &str = "must point to a public address";
    const USER: &str = "must not contain user information";
    for (allowed, url, expected) in [
        ("", "https://example.com/hook", Ok(())),
        ("", "https://example.com:8443/hook?a=b", Ok(())),
        ("", "http://example.com/hook", Err(HTTPS)),
        ("", "ftp://example.com/hook", Err(HTTPS)),
        ("", "", Err(HTTPS)),
        ("", "/hook", Err(HTTPS)),
        ("", "https://", Err(HTTPS)),
        ("", "https://localhost/hook", Err(PUBLIC)),
        ("", "https://127.0.0.1/hook", Err(PUBLIC)),
        ("", "https://0x7f.1/hook", Err(PUBLIC)),
        ("", "https://[::1]/hook", Err(PUBLIC)),
        ("", "https://169.254.169.254/latest", Err(PUBLIC)),
        ("", "https://a.internal/hook", Err(PUBLIC)),
        ("", "https://ada:secret@example.com/", Err(USER)),
        ("127.0.0.1", "http://127.0.0.1:9000/hook", Ok(())),
        ("127.0.0.1", "http://localhost:9000/hook", Ok(())),
        ("127.0.0.1:9000", "http://127.0.0.1:9001/hook", Err(PUBLIC)),
        ("127.0.0.1:9000", "https://127.0.0.1:9000/hook", Ok(())),
        ("10.0.0.0/8", "http://10.1.2.3/hook", Ok(())),
        ("10.0.0.0/8", "http://receiver.example/hook", Err(HTTPS)),
        ("receiver.example", "http://receiver.example/hook", Ok(())),
        ("receiver.example", "http://receiver.example./hook", Ok(())),
        ("receiver.internal", "http://receiver.internal/hook", Ok(())),
        ("localhost", "http://localhost./hook", Ok(())),
    ] {
        let allowed = AllowedSources::parse(allowed).unwrap();
        let checked = check_webhook_url(url, &allowed);
        assert_eq!(checked, expected.map_err(str::to_owned), "{url}");
    }
    let long = format!("https://example.com/{}", "é".repeat(2_029));
    let checked = check_webhook_url(&long, &AllowedSources::default());
    assert_eq!(checked, Err("must be at most 2048 characters".to_owned()));
}

#[test]
fn attempts_are_made_as_the_contract_says() {
    let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    let mut delivery = delivery();
    let mut now = NOW;
    for (number, seconds) in seconds.into_iter().enumerate() {
        let next = attempt(&mut delivery, now, answered(500)).expect("a further attempt");
        let wait = Duration::from_secs(seconds);
        assert_eq!(next, now.plus(wait), "after attempt {}", number + 1);
        assert_eq!(delivery.state, DeliveryState::Pending);
        let early = Timestamp(next.0 - 1);
        assert_eq!(delivery.begin(&task(Status::Completed), None, early), None);
        now = next;
    }
    assert_eq!(attempt(&mut delivery, now, answered(500)), None);
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(delivery.attempts.len(), 8);
    assert_eq!(delivery.due_at(), None);
}

#[test]
fn the_answer_decides() {
    use DeliveryState::{Delivered, Failed, Pending};
    let redirected = "The receiver answered 302, and redirects are not followed.";
    let gone = "The receiver answered 410, so nothing more is sent to it.";
    let silence = DeliveryAnswer::None("It did not answer\nin 15 s.".into());
    for (answer, state, error) in [
        (answered(200), Delivered, None),
        (answered(204), Delivered, None),
        (answered(299), Delivered, None),
        (answered(302), Pending, Some(redirected)),
        (answered(304), Pending, Some("The receiver answered 304.")),
        (answered(404), Pending, Some("The receiver answered 404.")),
        (answered(410), Failed, Some(gone)),
        (answered(500), Pending, Some("The receiver answered 500.")),
        (silence, Pending, Some("It did not answer in 15 s.")),
    ] {
        let mut delivery = delivery();
        let next = attempt(&mut delivery, NOW, answer.clone());
        assert_eq!(delivery.state, state, "{answer:?}");
        assert_eq!(next.is_some(), state == Pending, "{answer:?}");
        let [made] = delivery.attempts.as_slice() else {
            panic!("{answer:?}: one attempt was made")
        };
        assert_eq!(made.error.as_deref(), error, "{answer:?}");
        assert_eq!(made.at, NOW);
    }
}

#[test]
fn a_receiver_can_put_an_attempt_off_by_a_day_at_most() {
    for (retry_after, expected) in [
        (Duration::ZERO, Duration::from_secs(5)),
        (Duration::from_secs(4), Duration::from_secs(5)),
        (Duration::from_secs(60), Duration::from_secs(60)),
        (24 * HOUR, 24 * HOUR),
        (25 * HOUR, 24 * HOUR),
    ] {
        let answer = DeliveryAnswer::Status {
            code: 503,
            retry_after: Some(retry_after),
        };
        let next = attempt(&mut delivery(), NOW, answer);
        assert_eq!(next, Some(NOW.plus(expected)), "{retry_after:?}");
    }
}

#[test]
fn nothing_is_due_before_the_task_has_ended() {
    for status in Status::ALL {
        let mut delivery = delivery();
        let task = task(status);
        let seen = delivery.seen(&task);
        assert_eq!(seen.state, DeliveryState::Pending);
        assert_eq!(seen.next_attempt_at, task.completed_at, "{status:?}");
        assert_eq!(delivery.redeliver(NOW), Redelivery::Pending);
        let begun = delivery.begin(&task, None, NOW);
        assert_eq!(begun.is_some(), status.is_final(), "{status:?}");
    }
}

#[test]
fn of_two_who_deliver_one_records() {
    let ended = task(Status::Failed);
    let mut delivery = delivery();
    let first = delivery.begin(&ended, None, NOW).unwrap().lease;
    let almost = Timestamp(first.until.0 - 1);
    assert_eq!(delivery.begin(&ended, None, almost), None);
    let mut alone = delivery.clone();
    let recorded = alone.record(&first, outcome(200), 0.0, first.until.plus(HOUR));
    assert_eq!(recorded, Fenced::Done, "nobody followed");

    let second = delivery.begin(&ended, None, first.until).unwrap().lease;
    assert!(second.token > first.token);
    let recorded = delivery.record(&first, outcome(200), 0.0, NOW);
    assert_eq!(recorded, Fenced::Lost);
    assert_eq!(delivery.attempts, []);
    let recorded = delivery.record(&second, outcome(204), 0.0, NOW);
    assert_eq!(recorded, Fenced::Done);
    let again = delivery.record(&second, outcome(500), 0.0, NOW);
    assert_eq!(again, Fenced::Lost, "it was recorded already");
    assert_eq!(delivery.state, DeliveryState::Delivered);
}

#[test]
fn a_process_that_takes_over_waits_for_no_lease() {
    let ended = task(Status::Completed);
    let mut delivery = delivery();
    assert!(!delivery.recover());
    let lost = delivery.begin(&ended, None, NOW).unwrap().lease;
    assert!(delivery.recover());
    let recorded = delivery.record(&lost, outcome(200), 0.0, NOW);
    assert_eq!(recorded, Fenced::Lost);
    assert!(delivery.begin(&ended, None, NOW).is_some());
}

#[test]
fn one_attempt_more_is_made_on_request_and_its_outcome_is_the_state() {
    for (first, code, expected) in [
        (200, 200, DeliveryState::Delivered),
        (200, 500, DeliveryState::Failed),
        (410, 204, DeliveryState::Delivered),
        (410, 500, DeliveryState::Failed),
    ] {
        let mut delivery = delivery();
        let _ = attempt(&mut delivery, NOW, answered(first));
        let later = NOW.plus(HOUR);
        assert_eq!(delivery.redeliver(later), Redelivery::Requested);
        assert_eq!(delivery.redeliver(later), Redelivery::Pending);
        let seen = delivery.seen(&task(Status::Completed));
        assert_eq!(seen.state, DeliveryState::Pending);
        assert_eq!(seen.next_attempt_at, Some(later));
        assert_eq!(attempt(&mut delivery, later, answered(code)), None);
        assert_eq!(delivery.state, expected, "{first}, then {code}");
        assert_eq!(delivery.attempts.len(), 2);
    }
}

#[test]
fn as_many_attempts_are_listed_as_there_may_be() {
    let mut delivery = delivery();
    for minute in 0..150_u32 {
        let now = NOW.plus(Duration::from_secs(60) * minute);
        let _ = delivery.redeliver(now);
        let _ = attempt(&mut delivery, now, answered(200));
    }
    assert_eq!(delivery.attempts.len(), MAX_ATTEMPTS);
    assert!(delivery.attempts.is_sorted_by_key(|attempt| attempt.at));
}

#[test]
fn a_clock_that_is_set_back_puts_nothing_off_for_long() {
    let ended = task(Status::Completed);
    let mut delivery = delivery();
    let next = attempt(&mut delivery, NOW, answered(500)).unwrap();
    let back = Timestamp(next.0 - 24 * 60 * 60 * 1_000_000);
    assert_eq!(delivery.begin(&ended, None, back), None);
    let further = Timestamp(back.0 - 1);
    assert!(delivery.begin(&ended, None, further).is_some());
}

#[test]
fn a_user_has_a_key_of_their_own_for_each_secret() {
    let secrets = ServiceSecrets::parse("new secret, old secret").unwrap();
    let (ada, bob) = (secrets.keys_of("ada"), secrets.keys_of("bob"));
    let old = ServiceSecrets::parse("old secret").unwrap();
    assert_eq!(ada.len(), 2);
    assert!(ada[0] == secrets.key_of("ada") && ada[1] == old.key_of("ada"));
    assert!(ada[0] != ada[1] && ada[0] != bob[0]);
    assert!(old.keys_of("ada").len() == 1);
    let told = ada[0].secret();
    assert!(told.starts_with("whsec_") && told.len() == 6 + 44, "{told}");
    for text in ["", ",", "a,", ",b", "a,b,c", " "] {
        let reason = ServiceSecrets::parse(text).err().unwrap();
        assert!(!reason.contains("a,"), "{text}: {reason}");
    }
}

#[test]
fn a_record_reads_back() {
    let mut delivery = delivery();
    let _ = attempt(&mut delivery, NOW, answered(500));
    let text = serde_json::to_string(&delivery).unwrap();
    let read: DeliveryRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(read, delivery);
    assert_eq!(delivery.receiver(), "https://receiver.example");
}

proptest! {
    #[test]
    fn a_wait_is_longer_by_a_tenth_at_most(waits in 0_u32..10, jitter in any::<f64>()) {
        let waited = wait(waits, None, jitter);
        let base = WAITS.get(waits as usize).copied();
        prop_assert_eq!(waited.is_some(), base.is_some());
        if let Some((waited, base)) = waited.zip(base) {
            prop_assert!(waited >= base && waited <= base.mul_f64(1.1), "{:?}", waited);
        }
    }

    /// Whatever happens, in whatever order: no two attempts are under way at once
    /// within a lease, and what has ended stays so until it is requested.
    #[test]
    fn one_at_a_time_and_one_end(steps in proptest::collection::vec((0_u8..4, 0_u64..60), 1..60)) {
        let ended = task(Status::Completed);
        let (mut delivery, mut now) = (delivery(), NOW);
        let mut leases: Vec<DeliveryLease> = Vec::new();
        for (step, seconds) in steps {
            now = now.plus(Duration::from_secs(seconds));
            let before = delivery.clone();
            match step {
                0 => if let Some(due) = delivery.begin(&ended, None, now) {
                    prop_assert_eq!(before.state, DeliveryState::Pending);
                    prop_assert!(before.lease_until.is_none_or(|until| until <= now));
                    leases.push(due.lease);
                }
                1 | 2 => {
                    let code = if step == 1 { 500 } else { 200 };
                    let newest = leases.last().map(|lease| lease.token);
                    for lease in &leases {
                        let outcome = DeliveryOutcome { at: now, answer: answered(code) };
                        if delivery.record(lease, outcome, 0.5, now) == Fenced::Done {
                            prop_assert_eq!(Some(lease.token), newest);
                        }
                    }
                    leases.clear();
                }
                _ => {
                    let requested = delivery.redeliver(now) == Redelivery::Requested;
                    prop_assert_eq!(requested, before.state != DeliveryState::Pending);
                }
            }
            prop_assert_eq!(delivery.due_at().is_some(), delivery.state == DeliveryState::Pending);
            prop_assert!(delivery.attempts.len() >= before.attempts.len());
        }
    }
}
