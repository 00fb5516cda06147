//! Several active tasks of a user.

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::concept::id_for;
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
