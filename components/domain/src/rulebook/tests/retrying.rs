//! What an operator may retry.

use super::*;
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
