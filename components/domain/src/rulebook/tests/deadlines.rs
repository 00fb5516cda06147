//! Tasks that have a deadline, at one moment after another.

use super::*;

const MESSAGE: &str = "Error in refinement task processing: not started within 30 seconds";

fn with_deadline() -> TaskRecord {
    let mut record = pending();
    record.task.refinement.deadline_seconds = Some(30);
    record
}

fn released() -> TaskRecord {
    let mut record = with_deadline();
    let lease = claimed(&mut record, NOW);
    let _ = release(&mut record, &lease, NOW);
    record
}

fn held() -> TaskRecord {
    let mut record = with_deadline();
    claimed(&mut record, NOW);
    record
}

/// Whoever comes: the sweep, or a worker with its message.
#[test]
fn what_no_worker_has_begun_fails_at_its_deadline() {
    let micros = |micros| NOW.plus(Duration::from_micros(micros));
    for (name, record, now, is_missed) in [
        ("no deadline", pending(), micros(u64::MAX), false),
        ("just before it", with_deadline(), micros(29_999_999), false),
        ("at it", with_deadline(), micros(30_000_000), true),
        ("long after it", with_deadline(), micros(1 << 40), true),
        ("begun and released", released(), micros(30_000_000), false),
        ("begun", held(), micros(30_000_000), false),
    ] {
        let mut missed = record.clone();
        let decision = miss_deadline(&mut missed, now);
        assert_eq!(decision.answer, is_missed, "{name}");
        assert_eq!(decision.effects.is_some(), is_missed, "{name}");
        let mut seen_by_worker = record.clone();
        let claim = claim(&mut seen_by_worker, None, LEASE, now);
        if is_missed {
            assert_eq!(claim.answer, Claim::Refused, "{name}");
            assert_eq!(claim.effects, decision.effects, "{name}");
            assert_eq!(seen_by_worker, missed, "{name}");
            assert_eq!(missed.task.status, Status::Failed, "{name}");
            assert_eq!(
                missed.task.error_message.as_deref(),
                Some(MESSAGE),
                "{name}"
            );
            assert_eq!(missed.task.completed_at, Some(now), "{name}");
            let effects = decision.effects.unwrap();
            assert_eq!(effects.refund, Some(Refund::UpToLimit), "{name}");
            assert!(effects.has_ended && effects.is_announced, "{name}");
            assert!(!effects.forgets_key, "{name}");
            let again = miss_deadline(&mut missed, now);
            assert_eq!(again, Decision::unchanged(false), "{name}");
        } else {
            assert_eq!(missed, record, "{name}");
            assert!(matches!(claim.answer, Claim::Claimed(_)), "{name}");
        }
    }
}

#[test]
fn nobody_elses_deadline_passes_by_a_claim_of_another_user() {
    let mut record = with_deadline();
    let before = record.clone();
    let claim = claim(&mut record, Some("bob"), LEASE, NOW.plus(LEASE));
    assert_eq!(claim, Decision::unchanged(Claim::Refused));
    assert_eq!(record, before);
}
