mod deadlines;
mod refunds;
mod retrying;
mod spending;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::budget::Budget;
use crate::capability::{
    Fenced, Lease, NewTask, Overspent, RefinedImage, Stored, Submission, TaskFailure,
};
use crate::concept::{ConceptContent, id_for};
use crate::document::OtherFields;
use crate::idempotency::Submitted;
use crate::lease::MAX_DEATHS;
use crate::money::MicroDollars;
use crate::payment::{self, Payment};
use crate::quota::{Quota, Refund, Usage, Window};
use crate::sentence::WORKER_DIED;
use crate::spending::{Reservation, Spending};
use crate::task::{FailureCause, Refinement, Status, Task};
use crate::timestamp::Timestamp;

const NOW: Timestamp = Timestamp(1_795_176_000_000_000);
const LEASE: Duration = Duration::from_secs(30);
const ID: &str = "0190c0de-0000-7000-8000-000000000001";

/// All of them.
const EVENTS: [Event; 10] = [
    Event::Claim,
    Event::Renew,
    Event::Pay,
    Event::Release,
    Event::Complete,
    Event::Fail,
    Event::MissDeadline,
    Event::Withdraw,
    Event::Cancel,
    Event::OperatorCancel,
];

fn new_task() -> NewTask {
    NewTask::new(
        ID,
        "ada",
        Refinement::new("https://example.com/a.png", "Make it lighter"),
    )
}

/// What is set aside for a call of `openai`.
fn reservation(price: u64) -> Option<Reservation> {
    Some(Reservation {
        model: "openai".into(),
        price: MicroDollars(price),
    })
}

fn pending() -> TaskRecord {
    TaskRecord::new(new_task().created(NOW), None)
}

fn claimed(record: &mut TaskRecord, now: Timestamp) -> Lease {
    match claim(record, None, LEASE, now).answer {
        Claim::Claimed(claimed) => claimed.lease,
        other => panic!("not claimed: {other:?}"),
    }
}

fn image(path: &str) -> Stored {
    Stored {
        path: path.to_owned(),
        url: format!("/api/images/{path}"),
        sha256: Some("5a".repeat(32)),
    }
}

fn is_finished(record: &mut TaskRecord, lease: &Lease) -> bool {
    let finish = finish(record, lease, image("refined/a").into(), NOW);
    finish.answer == Fenced::Done
}

#[test]
fn only_these_steps_are_possible() {
    use Event::{
        Cancel, Claim, Complete, Fail, MissDeadline, OperatorCancel, Pay, Release, Renew, Withdraw,
    };
    use Status::{Completed, Failed, Pending, Processing};
    let possible = [
        (Pending, Claim, Processing),
        (Pending, Withdraw, Failed),
        (Pending, MissDeadline, Failed),
        (Pending, Cancel, Failed),
        (Pending, OperatorCancel, Failed),
        (Processing, Claim, Processing),
        (Processing, Renew, Processing),
        (Processing, Pay, Processing),
        (Processing, Release, Pending),
        (Processing, Complete, Completed),
        (Processing, Fail, Failed),
        (Processing, Cancel, Failed),
        (Processing, OperatorCancel, Failed),
    ];
    for status in Status::ALL {
        for event in EVENTS {
            let is_it = |step: &&(Status, Event, Status)| (step.0, step.1) == (status, event);
            let expected = possible.iter().find(is_it).map(|step| step.2);
            assert_eq!(next_status(status, event), expected, "{status:?} {event:?}");
        }
    }
}

/// A user's account.
struct Held {
    /// From which obstacle on all stands in the way of a new task, in the order of `submit`.
    from: usize,
    /// What was spent, if that is no obstacle.
    spending: Spending,
    /// For which it is asked. None: for any.
    window: Option<Window>,
}

impl Held {
    fn barred_from(from: usize) -> Self {
        Self {
            from,
            spending: Spending::default(),
            window: None,
        }
    }

    fn nothing() -> Self {
        Self::barred_from(7)
    }
}

impl Account for Held {
    type Fault = Refusal;

    fn submitted(&self, key: &str) -> Result<Option<Submitted>, Refusal> {
        let first = new_task().created(NOW);
        Ok((self.from == 0 && key == "key").then(|| Submitted::of(&first, None)))
    }

    fn active(&self) -> Result<Option<ActiveTasks>, Refusal> {
        Ok((self.from <= 2).then(|| ActiveTasks {
            count: 2,
            oldest: new_task().created(NOW),
        }))
    }

    fn usage(&self) -> Result<Usage, Refusal> {
        let mut usage = Usage::default();
        let used = if self.from <= 3 { 2 } else { 0 };
        for _ in 0..used {
            usage.add(None, NOW);
        }
        Ok(usage)
    }

    fn spending(&self, window: Window, _: Timestamp) -> Result<Spending, Refusal> {
        assert_eq!(window, self.window.unwrap_or(window));
        Ok(match self.from <= 4 {
            true => Spending::spent(MicroDollars(9)),
            false => self.spending,
        })
    }

    fn is_backlog_full(&self) -> Result<bool, Refusal> {
        Ok(self.from <= 5)
    }

    fn is_taken(&self, _: &str) -> Result<bool, Refusal> {
        Ok(self.from <= 6)
    }
}

#[test]
fn a_submission_is_judged_in_the_order_of_the_contract() {
    let (window, limit) = (Window::Day, MicroDollars(9));
    let task = |obstacle| NewTask {
        images_found: obstacle > 1,
        idempotency_key: Some("key".into()),
        quota: Some(Quota { limit: 2, window }),
        budget: Some(Budget { limit, window }),
        reservation: reservation(1),
        ..new_task()
    };
    let judge = |obstacle, task| {
        let judged = submit(&Held::barred_from(obstacle), task, NOW);
        format!("{:?}", judged.map(|decision| decision.answer))
    };
    let mut other = task(0);
    other.refinement.refinement_prompt = "Make it darker".into();
    let judged = judge(0, other);
    assert!(judged.starts_with("Ok(KeyReused"), "{judged}");
    for (obstacle, expected) in [
        "Ok(Replayed(",
        "Ok(ImageMissing",
        "Ok(Active(",
        "Ok(QuotaExceeded(",
        "Ok(BudgetExceeded(",
        "Ok(BacklogFull(",
        "Err(IdTaken",
        "Ok(Created(",
    ]
    .into_iter()
    .enumerate()
    {
        let judged = judge(obstacle, task(obstacle));
        assert!(judged.starts_with(expected), "{obstacle}: {judged}");
    }
}

#[test]
fn as_many_tasks_are_active_as_the_limit_allows() {
    for (active_tasks, is_refused) in [(1, true), (2, true), (3, false)] {
        let task = NewTask {
            active_tasks,
            ..new_task()
        };
        let submission = submit(&Held::barred_from(2), task, NOW).unwrap().answer;
        let found = matches!(submission, Submission::Active(_));
        assert_eq!(found, is_refused, "{active_tasks}: {submission:?}");
    }
}

#[test]
fn a_created_task_counts_at_once() {
    let window = Window::Day;
    let task = NewTask {
        quota: Some(Quota { limit: 3, window }),
        ..new_task()
    };
    let decision = submit(&Held::nothing(), task, NOW).unwrap();
    let Submission::Created(accepted) = decision.answer else {
        panic!("not created")
    };
    assert_eq!(accepted.quota.unwrap().remaining, 2);
    assert_eq!(accepted.task, new_task().created(NOW));
    let creation = decision.effects.unwrap();
    assert_eq!(creation.record.task, accepted.task);
    assert_eq!(creation.usage.used(Window::Day, NOW), 1);
}

#[test]
fn a_key_is_remembered_for_a_day() {
    let submitted = Submitted::of(&new_task().created(NOW), None);
    let day = Duration::from_secs(24 * 60 * 60);
    let end = NOW.plus(day);
    assert!(submitted.is_remembered(Timestamp(end.0 - 1)));
    assert!(!submitted.is_remembered(end));
}

#[test]
fn only_a_pending_task_is_withdrawn() {
    let mut record = pending();
    let lease = claimed(&mut record, NOW);
    assert_eq!(withdraw(&mut record, "why", NOW).effects, None);
    assert_eq!(release(&mut record, &lease, NOW).answer, Fenced::Done);
    let withdrawn = withdraw(&mut record, "why", NOW);
    assert_eq!(withdrawn.answer, Fenced::Done);
    assert_eq!(record.task.error_message.as_deref(), Some("why"));
    assert_eq!(withdraw(&mut record, "why", NOW).answer, Fenced::Lost);
    let effects = withdrawn.effects.unwrap();
    assert_eq!(effects.refund, Some(Refund::Always));
    assert!(effects.forgets_key && effects.has_ended && effects.is_announced);
}

#[test]
fn a_lease_is_taken_over_once_it_ran_out_and_no_sooner() {
    let mut record = pending();
    assert_eq!(
        claim(&mut record, Some("bob"), LEASE, NOW).answer,
        Claim::Refused
    );
    let first = claimed(&mut record, NOW);
    let until = NOW.plus(LEASE);
    assert_eq!(first.until, until);
    let almost = Timestamp(until.0 - 1);
    let before = record.clone();
    assert_eq!(
        claim(&mut record, None, LEASE, almost),
        Decision::unchanged(Claim::Refused)
    );
    assert_eq!(record, before);
    let Claim::Claimed(second) = claim(&mut record, None, LEASE, until).answer else {
        panic!("not taken over");
    };
    assert!(second.is_takeover);
    assert_eq!(
        (second.lease.attempt, record.deaths),
        (first.attempt + 1, 1)
    );

    // Whoever gives a task back has not lost it.
    let _ = release(&mut record, &second.lease, until);
    let Claim::Claimed(third) = claim(&mut record, None, LEASE, until).answer else {
        panic!("not claimed");
    };
    assert!(!third.is_takeover);
    assert_eq!(record.deaths, 1);
}

#[test]
fn who_lost_the_lease_changes_nothing() {
    let mut record = pending();
    let stale = claimed(&mut record, NOW);
    let later = NOW.plus(LEASE);
    let lease = claimed(&mut record, later);
    let (before, why) = (record.clone(), TaskFailure::new("why"));
    assert_eq!(renew(&mut record, &stale, LEASE, later).answer, None);
    assert!(!is_finished(&mut record, &stale));
    assert_eq!(fail(&mut record, &stale, &why, later).answer, Fenced::Lost);
    assert_eq!(release(&mut record, &stale, later).answer, Fenced::Lost);
    let payment = Payment::default().call_begun("openai", None);
    assert_eq!(pay(&mut record, &stale, &payment).answer, Fenced::Lost);
    assert_eq!(record, before);

    assert!(is_finished(&mut record, &lease));
    assert_eq!(fail(&mut record, &lease, &why, later).answer, Fenced::Lost);
}

#[test]
fn a_task_is_completed_with_a_concept_of_its_image() {
    let mut record = pending();
    let lease = claimed(&mut record, NOW);
    let decision = finish(&mut record, &lease, image("refined/a").into(), NOW);
    assert_eq!(decision.answer, Fenced::Done);
    let effects = decision.effects.unwrap();
    assert_eq!(effects.refund, None);
    let concept = effects.concept.unwrap();
    let task = &record.task;
    assert_eq!(concept.id, id_for(ID));
    assert_eq!(task.result_id.as_ref(), Some(&concept.id));
    assert_eq!(task.image_path.as_deref(), Some("refined/a"));
    assert_eq!(concept.created_at, NOW);
    let content = ConceptContent {
        task_id: ID.into(),
        user_id: "ada".into(),
        is_anonymous: false,
        image_path: "refined/a".into(),
        image_sha256: Some("5a".repeat(32)),
        image_url: "/api/images/refined/a".into(),
        original_image_url: "https://example.com/a.png".into(),
        parent_id: None,
        refinement_prompt: "Make it lighter".into(),
        logo_description: None,
        theme_description: None,
        color_palettes: vec![],
        notes: vec![],
        provenance: None,
        other: OtherFields::default(),
    };
    assert_eq!(concept.content, content);
}

#[test]
fn what_was_asked_twice_is_told_and_what_is_completed_keeps_no_receipt() {
    let once = Payment::default().call_begun("openai", None);
    let kept = once.with_receipt("openai", b"1").unwrap();
    for (name, payment, notes) in [
        ("nothing that costs", Payment::default(), 1),
        ("once", kept, 1),
        ("twice", once.call_begun("openai", None), 2),
    ] {
        let mut record = pending();
        let lease = claimed(&mut record, NOW);
        assert_eq!(pay(&mut record, &lease, &payment).answer, Fenced::Done);
        let repeated = pay(&mut record, &lease, &payment);
        assert_eq!(repeated, Decision::unchanged(Fenced::Done));
        // Another attempt knows.
        let lease = claimed(&mut record, NOW.plus(LEASE));
        let refined = RefinedImage {
            notes: vec!["said".to_owned()],
            ..image("refined/a").into()
        };
        let finished = finish(&mut record, &lease, refined, NOW);
        let concept = finished.effects.and_then(|effects| effects.concept);
        let concept = concept.unwrap_or_else(|| panic!("not done: {name}"));
        assert_eq!(concept.content.notes.len(), notes, "{name}");
        assert_eq!(concept.content.notes.last().unwrap(), "said", "{name}");
        assert_eq!(record.payment.calls, 0, "{name}");
        assert_eq!(record.payment.receipt("openai"), None, "{name}");
    }
}

#[test]
fn what_a_task_cost_is_told_when_it_has_ended() {
    let usage = |cost, output_tokens| payment::Usage {
        cost,
        output_tokens,
        ..payment::Usage::default()
    };
    let said = [
        ("openai", usage(None, Some(7))),
        ("bfl", usage(Some(45_000), None)),
        ("bfl", usage(Some(5_000), None)),
    ];
    let payment = said.iter().fold(
        Payment::default().call_begun("openai", None),
        |payment, (link, usage)| payment.with_usage(link, usage),
    );
    for (payment, expected) in [
        (Payment::default().call_begun("openai", None), None),
        (payment, Some(usage(Some(50_000), Some(7)))),
    ] {
        for is_completed in [true, false] {
            let mut record = pending();
            let lease = claimed(&mut record, NOW);
            let _ = pay(&mut record, &lease, &payment);
            assert_eq!(record.task.usage, None, "before its end");
            match is_completed {
                true => drop(finish(&mut record, &lease, image("refined/a").into(), NOW)),
                false => drop(fail(&mut record, &lease, &TaskFailure::new("why"), NOW)),
            }
            assert_eq!(record.task.usage, expected, "completed: {is_completed}");
        }
    }
}

#[test]
fn what_failed_keeps_its_receipts() {
    let mut record = pending();
    let lease = claimed(&mut record, NOW);
    let paid = Payment::default().call_begun("openai", None);
    let _ = pay(&mut record, &lease, &paid);
    let _ = fail(&mut record, &lease, &TaskFailure::new("why"), NOW);
    assert_eq!(record.payment.calls, 1);
}

#[test]
fn a_failure_says_whether_a_repeat_can_help() {
    use FailureCause::{Other, PerhapsPaid, Refused};
    for (is_refusal, is_paid, expected) in [
        (false, false, Other),
        (false, true, PerhapsPaid),
        (true, false, Refused),
        (true, true, Refused),
    ] {
        let mut record = pending();
        let lease = claimed(&mut record, NOW);
        if is_paid {
            let paid = Payment::default().call_begun("openai", None);
            let _ = pay(&mut record, &lease, &paid);
        }
        let failure = TaskFailure {
            is_refusal,
            ..TaskFailure::new("why")
        };
        let _ = fail(&mut record, &lease, &failure, NOW);
        assert_eq!(record.task.failure_cause, Some(expected), "{failure:?}");
    }
}

#[test]
fn an_image_is_needed_until_its_task_ended_without_it() {
    use Status::{Completed, Failed, Pending, Processing};
    let path = format!("refined/0123/{ID}-1.png");
    let other = format!("refined/0123/{ID}-2.png");
    for (status, is_forgotten, concept_image, is_original, expected) in [
        (Some(Pending), false, None, false, false),
        (Some(Processing), false, None, false, false),
        (Some(Completed), false, Some(&path), false, false),
        (Some(Completed), false, Some(&other), false, true),
        (Some(Completed), false, None, false, true),
        (Some(Completed), true, None, true, false),
        (Some(Failed), false, None, false, true),
        (None, true, None, false, true),
        (None, true, Some(&path), false, false),
        (None, false, None, false, false),
    ] {
        let task = status.map(|status| Task {
            status,
            ..pending().task
        });
        let facts = ImageFacts {
            task: task.as_ref(),
            is_forgotten,
            concept_image: concept_image.map(String::as_str),
            is_original,
        };
        assert_eq!(is_unreferenced(&path, facts), expected, "{facts:?}");
    }
}

#[test]
fn the_third_death_fails_the_task_and_releasing_is_none() {
    let mut record = pending();
    let mut now = NOW;
    for _ in 0..MAX_DEATHS * 2 {
        let lease = claimed(&mut record, now);
        let _ = release(&mut record, &lease, now);
        now = now.plus(LEASE);
    }
    for _ in 0..MAX_DEATHS {
        claimed(&mut record, now);
        now = now.plus(LEASE);
    }
    let given_up = claim(&mut record, None, LEASE, now);
    assert_eq!(given_up.answer, Claim::GivenUp);
    assert!(given_up.effects.unwrap().has_ended);
    assert_eq!(record.task.status, Status::Failed);
    assert_eq!(record.task.error_message.as_deref(), Some(WORKER_DIED));
    assert_eq!(claim(&mut record, None, LEASE, now).answer, Claim::Refused);
}

fn rule() -> impl Strategy<Value = (usize, u64, u32)> {
    (0..7usize, 0..40_000_000u64, 0..3u32)
}

proptest! {
    /// Whatever happens: what a store's tables and its users rely on.
    #[test]
    fn a_record_always_makes_sense(rules in proptest::collection::vec(rule(), 0..40)) {
        let mut record = pending();
        let mut leases = vec![];
        let mut now = NOW;
        for (rule, later, back) in rules {
            now = Timestamp(now.0 + later);
            let before = record.clone();
            let held = leases.iter().rev().nth(back as usize).cloned().unwrap_or(Lease {
                task_id: ID.into(),
                attempt: 0,
                until: now,
                renew_after: 0,
            });
            let effects = match rule {
                0 => {
                    let decision = claim(&mut record, None, LEASE, now);
                    if let Claim::Claimed(claimed) = decision.answer {
                        leases.push(claimed.lease);
                    }
                    decision.effects
                }
                1 => renew(&mut record, &held, LEASE, now).effects,
                2 => finish(&mut record, &held, image("refined/a").into(), now).effects,
                3 => fail(&mut record, &held, &TaskFailure::new("why"), now).effects,
                4 => release(&mut record, &held, now).effects,
                5 => {
                    let payment = record.payment.call_begun("openai", None);
                    pay(&mut record, &held, &payment).effects
                }
                _ => withdraw(&mut record, "why", now).effects,
            };
            let task = &record.task;
            let is_renewal = rule == 1;
            prop_assert!(effects.is_some() || record == before);
            prop_assert!(effects.is_none() || record != before || is_renewal);
            let is_announced = effects.as_ref().is_some_and(|effects| effects.is_announced);
            prop_assert_eq!(is_announced, record.revision != before.revision);
            prop_assert!(!before.task.status.is_final() || record == before);
            prop_assert_eq!(task.lease_until.is_some(), task.status == Status::Processing);
            prop_assert_eq!(task.lease_until.is_some(), record.lease.is_some());
            prop_assert_eq!(task.completed_at.is_some(), task.status.is_final());
            prop_assert_eq!(task.result_id.is_some(), task.status == Status::Completed);
            prop_assert_eq!(task.image_path.is_some(), task.status == Status::Completed);
            prop_assert_eq!(task.error_message.is_some(), task.status == Status::Failed);
            prop_assert!(record.attempt >= before.attempt && record.deaths < record.attempt + 1);
            prop_assert!(record.deaths <= MAX_DEATHS);
            if let Some(effects) = effects {
                let leads = |event| next_status(before.task.status, event) == Some(task.status);
                prop_assert!(EVENTS.into_iter().any(leads));
                prop_assert_eq!(effects.has_ended, task.status.is_final());
                prop_assert_eq!(effects.concept.is_some(), task.status == Status::Completed);
            }
        }
    }
}
