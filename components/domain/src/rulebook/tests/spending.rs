//! What a task reserves, and what replaces that.

use super::*;
use crate::spending::Booking;

/// What is left of a task with a reservation of 60 after what is known of its calls.
fn left(payment: &Payment, end: impl FnOnce(&mut TaskRecord, &Lease) -> Vec<Booking>) -> Spending {
    let (mut record, lease) = reserved();
    let mut bookings = record.reserved();
    let _ = pay(&mut record, &lease, payment);
    bookings.extend(end(&mut record, &lease));
    let sums = Booking::sums(bookings);
    let sums = sums.iter().map(|booking| booking.change);
    sums.fold(Spending::default(), Spending::plus)
}

type End = fn(&mut TaskRecord, &Lease) -> Vec<Booking>;

fn bookings<T>(decision: Decision<T>) -> Vec<Booking> {
    decision.effects.unwrap().bookings
}

/// A claimed task with a reservation of 60.
fn reserved() -> (TaskRecord, Lease) {
    let mut record = TaskRecord {
        reservation: reservation(60),
        ..pending()
    };
    let lease = claimed(&mut record, NOW);
    (record, lease)
}

#[test]
fn the_end_of_a_task_replaces_its_reservation_by_what_is_known() {
    let none = Payment::default();
    let price = Some(MicroDollars(60));
    let begun = none.call_begun("openai", price);
    let usage = payment::Usage {
        cost: Some(45),
        ..payment::Usage::default()
    };
    let said = begun.with_usage("openai", &usage);
    let receipt = begun.with_receipt("openai", b"1").unwrap();
    let refused = begun.call_not_accepted("openai");
    let unknown = none.call_begun("bfl", None);
    let twice = begun.call_begun("openai", Some(MicroDollars(70)));
    let chain = begun.call_begun("bfl", None).call_not_accepted("bfl");
    let of = |spent, reserved, unknown_calls| Spending {
        spent,
        reserved,
        unknown_calls,
    };
    for (name, payment, completed, failed) in [
        ("no call", none.clone(), of(0, 0, 0), of(0, 0, 0)),
        ("one call", begun.clone(), of(60, 0, 0), of(0, 60, 0)),
        ("a call with a receipt", receipt, of(60, 0, 0), of(60, 0, 0)),
        ("a refused call", refused, of(0, 0, 0), of(0, 0, 0)),
        ("what was said", said, of(45, 0, 0), of(45, 0, 0)),
        ("an unknown price", unknown, of(0, 0, 1), of(0, 0, 1)),
        ("two, with a new price", twice, of(70, 60, 0), of(0, 130, 0)),
        ("another link refused", chain, of(0, 60, 0), of(0, 60, 0)),
    ] {
        let why = TaskFailure::new("why");
        let image = || image("refined/a").into();
        let finished = left(&payment, |record, lease| {
            bookings(finish(record, lease, image(), NOW))
        });
        assert_eq!(finished, completed, "{name}, completed");
        let ends: [(&str, End); 3] = [
            ("cancelled", |record, _| {
                bookings(cancel(record, "ada", NOW))
            }),
            ("cancelled by an operator", |record, _| {
                bookings(cancel_as_operator(record, NOW))
            }),
            ("deleted", |record, _| record.settlement()),
        ];
        let ended = left(&payment, |record, lease| {
            bookings(fail(record, lease, &why, NOW))
        });
        assert_eq!(ended, failed, "{name}, failed");
        for (end, rule) in ends {
            assert_eq!(left(&payment, rule), failed, "{name}, {end}");
        }
    }
}

#[test]
fn a_task_that_has_not_ended_changes_nothing_but_its_reservation() {
    let (mut record, lease) = reserved();
    let payment = Payment::default().call_begun("openai", Some(MicroDollars(60)));
    for decision in [
        pay(&mut record, &lease, &payment),
        release(&mut record, &lease, NOW),
    ] {
        assert_eq!(bookings(decision), []);
    }
}

#[test]
fn a_retry_reserves_as_much_again_and_counts_no_call_twice() {
    let (mut record, lease) = reserved();
    let payment = Payment::default()
        .call_begun("openai", Some(MicroDollars(60)))
        .with_receipt("openai", b"1")
        .unwrap();
    let _ = pay(&mut record, &lease, &payment);
    let _ = fail(&mut record, &lease, &TaskFailure::new("why"), NOW);
    let (by_id, none) = (Choice::Id, Others::default());
    let retried = retry(&mut record, by_id, &none, "another".to_owned(), NOW);
    let Retry::Created(mut created) = retried else {
        panic!("{retried:?}");
    };
    assert_eq!(created.reserved(), record.reserved());
    let lease = claimed(&mut created, NOW);
    let ended = bookings(finish(&mut created, &lease, image("refined/b").into(), NOW));
    let sums = Booking::sums(created.reserved().into_iter().chain(ended));
    // The receipt's call was counted by the failed task.
    assert_eq!(sums, []);
}

#[test]
fn a_budget_is_asked_for_the_price() {
    let quota = Some(Quota {
        limit: 3,
        window: Window::Day,
    });
    let task = |reservation| NewTask {
        quota,
        budget: Some(Budget {
            limit: MicroDollars(100),
            window: Window::Month,
        }),
        reservation,
        ..new_task()
    };
    for (name, spent, reserved, price, is_created) in [
        ("the first", 0, 0, Some(60), true),
        ("the last", 20, 20, Some(60), true),
        ("one too many", 20, 21, Some(60), false),
        ("an unknown price", 50, 50, None, true),
        ("an unknown price, overspent", 101, 0, None, false),
    ] {
        let sum = Spending {
            spent,
            reserved,
            unknown_calls: 5,
        };
        let reserved = price.and_then(reservation);
        let account = Held {
            spending: sum,
            window: Some(Window::Month),
            ..Held::nothing()
        };
        let decision = submit(&account, task(reserved.clone()), NOW).unwrap();
        match decision.answer {
            Submission::Created(_) => {
                assert!(is_created, "{name}");
                let record = decision.effects.unwrap().record;
                assert_eq!(record.reservation, reserved, "{name}");
            }
            Submission::BudgetExceeded(Overspent { reset, quota }) => {
                assert!(!is_created, "{name}");
                assert_eq!(reset, Window::Month.end(NOW), "{name}");
                assert_eq!(quota.unwrap().remaining, 3, "{name}: nothing is counted");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
