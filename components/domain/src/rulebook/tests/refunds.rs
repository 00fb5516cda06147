//! What is given back of the quota by the step that ends a task.

use super::*;

type End = fn(&mut TaskRecord, &Lease) -> Option<Effects>;

#[test]
fn what_failed_for_nothing_is_given_back() {
    let none = Payment::default();
    let begun = none.call_begun("openai", None);
    let refused = begun.call_not_accepted("openai");
    let failed: End = |record, lease| fail(record, lease, &TaskFailure::new("No."), NOW).effects;
    let died: End = |record, _| {
        record.deaths = MAX_DEATHS - 1;
        claim(record, None, LEASE, NOW.plus(LEASE)).effects
    };
    let cancelled: End = |record, _| cancel(record, "ada", NOW).effects;
    let stopped: End = |record, _| cancel_as_operator(record, NOW).effects;
    for (name, payment, end, expected) in [
        ("failed", &none, failed, Some(Refund::UpToLimit)),
        ("perhaps paid", &begun, failed, None),
        ("not accepted", &refused, failed, Some(Refund::UpToLimit)),
        ("its workers died", &none, died, Some(Refund::UpToLimit)),
        ("cancelled", &none, cancelled, None),
        ("stopped", &begun, stopped, Some(Refund::UpToLimit)),
    ] {
        let mut record = pending();
        let lease = claimed(&mut record, NOW);
        let _ = pay(&mut record, &lease, payment);
        let effects = end(&mut record, &lease).unwrap();
        assert!(effects.has_ended, "{name}");
        assert_eq!(effects.refund, expected, "{name}");
    }
}
