//! What an operator may retry.

use super::*;

#[test]
fn nothing_is_retried_that_nobody_wants() {
    let none = Others::default;
    let active = || Others {
        has_active: true,
        ..none()
    };
    let later = || Others {
        has_later_completed: true,
        ..none()
    };
    let retried = |retries: &[Option<Status>]| Others {
        retries: retries.to_vec(),
        ..none()
    };
    let (failed, completed) = (Some(Status::Failed), Some(Status::Completed));
    let (in_vain, done) = (retried(&[failed, failed]), retried(&[failed, completed]));
    let deleted = retried(&[None]);
    let (created, superseded) = ("created", "superseded");
    for (name, others, is_cancelled, by_id, by_filter) in [
        ("the only one", none(), false, created, created),
        ("beside an active one", active(), false, "active", "active"),
        ("before a completed", later(), false, created, superseded),
        ("cancelled", none(), true, created, "cancelled"),
        ("retried in vain", in_vain, false, created, created),
        ("retried", done, false, "retried", "retried"),
        ("with a deleted retry", deleted, false, created, "retried"),
    ] {
        for (choice, expected) in [(Choice::Id, by_id), (Choice::Filter, by_filter)] {
            let mut record = pending();
            match is_cancelled {
                true => drop(cancel_as_operator(&mut record, NOW)),
                false => drop(withdraw(&mut record, "No.", NOW)),
            }
            let before = record.clone();
            let outcome = match retry(&mut record, choice, &others, "new".to_owned(), NOW) {
                Retry::Created(new) => {
                    assert_eq!(new.retry_of.as_ref(), Some(&before.task.id), "{name}");
                    assert_eq!(record.retries(), ["new"], "{name}");
                    created
                }
                refused => {
                    assert_eq!(record, before, "{name}");
                    match refused {
                        Retry::Active => "active",
                        Retry::Retried => "retried",
                        Retry::Cancelled => "cancelled",
                        Retry::Superseded => "superseded",
                        other => panic!("{name}: {other:?}"),
                    }
                }
            };
            assert_eq!(outcome, expected, "{name}, {choice:?}");
        }
    }
}
