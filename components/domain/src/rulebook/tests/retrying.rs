//! What an operator may retry.

use super::*;
use crate::sentence::failed;
use crate::task::Stage;
use crate::task_image::{TaskImage, name_for_task};

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

#[test]
fn nothing_is_retried_whose_image_went_with_it() {
    let upload = |name: String| {
        Some(format!(
            "uploads/0123456789abcdef0123456789abcdef/{name}.png"
        ))
    };
    let own = |role| upload(name_for_task(ID, role));
    let kept = || upload(ID.to_owned());
    for (name, original, mask, is_gone) in [
        ("none of this service", None, None, false),
        ("uploads of its user", kept(), kept(), false),
        (
            "an original of its own",
            own(TaskImage::Original),
            None,
            true,
        ),
        ("a mask of its own", None, own(TaskImage::Mask), true),
    ] {
        for choice in [Choice::Id, Choice::Filter] {
            let mut record = pending();
            record.task.original_path.clone_from(&original);
            record.task.mask_path.clone_from(&mask);
            let _ = withdraw(&mut record, "No.", NOW);
            let outcome = retry(
                &mut record,
                choice,
                &Others::default(),
                "new".to_owned(),
                NOW,
            );
            assert_eq!(outcome == Retry::ImageGone, is_gone, "{name}, {choice:?}");
        }
    }
}

#[test]
fn a_retry_goes_on_from_the_receipts_unless_they_lead_to_nothing() {
    let paid = Payment::default().call_begun("openai", None);
    let paid = paid.with_receipt("openai", b"1").unwrap();
    let refining = |reason: &str| failed(Stage::Refining, reason);
    for (name, error_message, goes_on) in [
        (
            "gone",
            refining("the model's answer is unusable: the address answered 404"),
            false,
        ),
        (
            "busy",
            refining("the model's answer could not be downloaded: the address answered 503"),
            true,
        ),
        ("silent", refining("the model did not answer"), true),
        ("died", WORKER_DIED.to_owned(), true),
    ] {
        let mut record = pending();
        let lease = claimed(&mut record, NOW);
        let _ = pay(&mut record, &lease, &paid);
        let _ = fail(&mut record, &lease, &TaskFailure::new(&error_message), NOW);
        let (choice, others) = (Choice::Id, Others::default());
        let Retry::Created(new) = retry(&mut record, choice, &others, "new".to_owned(), NOW) else {
            panic!("{name}: it is not retried")
        };
        let expected = match goes_on {
            true => paid.of_retry(),
            false => Payment::default(),
        };
        assert_eq!(new.payment, expected, "{name}");
    }
}
