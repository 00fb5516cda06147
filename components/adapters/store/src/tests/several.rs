//! Several active tasks of a user.

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::concept::id_for;
use concept_refinement_domain::image_path::tag_of;
use concept_refinement_domain::task::Task;

use super::*;

fn fresh_with(active_tasks: u32) {
    fresh();
    ACTIVE_TASKS.set(active_tasks);
}

fn submitted(number: u64) -> Submission {
    alone(store().submit(new_task("ada", number))).unwrap()
}

fn created(number: u64) -> String {
    let submission = submitted(number);
    assert!(
        matches!(submission, Submission::Created(_)),
        "{submission:?}"
    );
    id(number)
}

fn claimed(id: &str) -> Lease {
    alone(store().claim(id, None)).unwrap().unwrap().lease
}

fn finish(lease: &Lease) -> Finished {
    alone(store().finish(lease, image(lease).into())).unwrap()
}

fn task(id: &str) -> Option<Task> {
    alone(store().get("ada", id)).unwrap()
}

fn status(id: &str) -> Status {
    task(id).unwrap().status
}

#[test]
fn two_tasks_go_on_beside_each_other() {
    fresh_with(2);
    let (one, two) = (with_webhook(1), with_webhook(2));
    let oldest = |number| match submitted(number) {
        Submission::Active(accepted) => accepted.task,
        other => panic!("{other:?}"),
    };
    assert_eq!(oldest(3), task(&one).unwrap());
    let (first, second) = (claimed(&one), claimed(&two));
    assert_eq!(alone(store().claim(&one, None)).unwrap(), None);
    for (lease, stage) in [
        (&first, Stage::Downloading),
        (&second, Stage::Downloading),
        (&first, Stage::Refining),
    ] {
        alone(store().began(lease, stage));
    }
    assert_eq!(finish(&second), Finished::Done);
    assert_eq!(
        (status(&one), status(&two)),
        (Status::Processing, Status::Completed)
    );
    assert!(alone(store().renew(&second)).unwrap().is_none());
    assert!(alone(store().renew(&first)).unwrap().is_some());
    let (_, entry) = alone(store().find("ada", &one)).unwrap().unwrap();
    assert_eq!(entry.active.unwrap().stage, Some(Stage::Refining));

    created(3);
    assert_eq!(oldest(4).id, one);
    let failed = alone(store().fail(&first, "It failed.")).unwrap();
    assert_eq!(failed, Fenced::Done);
    for id in [&one, &two] {
        let due = alone(store().begin_delivery(id)).unwrap().unwrap();
        assert_eq!(due.task, task(id).unwrap());
        let recorded = alone(store().record_attempt(&due.lease, answered(204)));
        assert_eq!(recorded.unwrap(), Fenced::Done);
        assert_eq!(delivery(id).unwrap().state, DeliveryState::Delivered);
    }
    ACTIVE_TASKS.set(1);
    assert_eq!(oldest(4).id, id(3));
}

#[test]
fn a_deleted_task_leaves_the_others() {
    fresh_with(3);
    let [one, two, three] = [1, 2, 3].map(created);
    let [first, second] = [&one, &two].map(|id| claimed(id));
    assert!(alone(store().delete("ada", &two)).unwrap());
    assert!(!alone(store().delete("ada", &two)).unwrap());
    assert_eq!(task(&two), None);
    assert_eq!(finish(&second), Finished::Lost);
    assert_eq!(finish(&first), Finished::Done);
    assert_eq!(status(&three), Status::Pending);
    let cancelled = alone(store().cancel("ada", &three)).unwrap();
    assert!(cancelled.is_some());
    assert_eq!(status(&three), Status::Failed);
}

#[test]
fn an_original_of_any_active_task_is_needed() {
    fresh_with(2);
    let path = format!("uploads/{}/a.png", tag_of("ada"));
    created(1);
    let new = NewTask {
        original_path: Some(path.clone()),
        ..new_task("ada", 2)
    };
    alone(store().submit(new)).unwrap();
    let (first, second) = (claimed(&id(1)), claimed(&id(2)));
    assert!(alone(store().delete("ada", &id(1))).unwrap());
    let stored = Stored {
        path,
        url: String::new(),
        sha256: None,
    };
    let late = || alone(store().finish(&first, stored.clone().into())).unwrap();
    assert_eq!(late(), Finished::Lost);
    assert_eq!(finish(&second), Finished::Done);
    assert_eq!(late(), Finished::Over);
}

/// The user's tasks or concepts in pages of this size.
fn paged<T>(
    limit: usize,
    read: impl Fn(Option<Position>) -> concept_refinement_domain::capability::Page<T>,
) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = read(after);
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn concepts(limit: u32) -> Vec<String> {
    let read = |after| alone(store().concepts("ada", limit, after)).unwrap();
    let concepts = paged(limit as usize, read);
    concepts.into_iter().map(|concept| concept.id).collect()
}

fn tasks(limit: u32) -> Vec<String> {
    let read = |after| alone(store().list("ada", None, limit, after)).unwrap();
    let tasks = paged(limit as usize, read);
    tasks.into_iter().map(|task| task.id).collect()
}

/// Also if a task ends long after newer ones, which are in segments then.
#[test]
fn concepts_are_in_the_order_in_which_their_tasks_ended() {
    for most in [1, 2, 5, 40] {
        fresh_with(most);
        let mut active = Vec::new();
        let mut ended = Vec::new();
        for number in 1..=300 {
            active.push(created(number));
            while active.len() >= most as usize || (number == 300 && !active.is_empty()) {
                // The first of all waits for a long time.
                let waits = usize::from(number < 200 && active[0] == id(1) && most > 1);
                let others = active.len() - waits;
                let id = active.remove(waits + (Dice.random() % others as u64) as usize);
                assert_eq!(finish(&claimed(&id)), Finished::Done);
                ended.push(id_for(&id));
            }
        }
        ended.reverse();
        for limit in [1, 7, 100] {
            assert_eq!(concepts(limit), ended, "{most} active, {limit} a page");
        }
        let expected: Vec<_> = (1..=300).rev().map(id).collect();
        assert_eq!(tasks(7), expected);
        for id in expected {
            assert_eq!(status(&id), Status::Completed);
        }
        for number in 301..=310 {
            assert_eq!(finish(&claimed(&created(number))), Finished::Done);
        }
        let user_record = alone(store().user_record("ada")).unwrap();
        assert!(user_record.newest().count() < 64, "{most} active");
    }
}

#[test]
fn a_task_that_is_active_stays_in_the_record() {
    fresh_with(2);
    let first = created(1);
    for number in 2..=100 {
        let id = created(number);
        assert_eq!(finish(&claimed(&id)), Finished::Done);
    }
    let segments = || {
        stored(|stored| {
            stored
                .keys()
                .filter(|key| key.starts_with("segment/"))
                .count()
        })
    };
    assert_eq!(segments(), 0);
    assert_eq!(finish(&claimed(&first)), Finished::Done);
    assert_eq!(concepts(2)[0], id_for(&first));
    for number in 101..=102 {
        created(number);
    }
    assert_eq!(segments(), 2);
    assert_eq!(concepts(2)[0], id_for(&first));
    assert_eq!(tasks(9).len(), 102);
}

#[test]
fn an_id_is_taken_while_its_task_is_active() {
    fresh_with(9);
    created(1);
    let again = alone(store().submit(new_task("ada", 1)));
    assert!(matches!(again, Err(Fault::Refused(_))), "{again:?}");
    let others = alone(store().submit(new_task("bob", 1)));
    assert!(matches!(others, Err(Fault::Refused(_))), "{others:?}");
}
