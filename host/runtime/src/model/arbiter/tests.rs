use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const MIB: u64 = 1 << 20;

/// Calls of these ages with so much each, of a total of 100 MiB and at most 60
/// each.
fn arbiter(calls: &[(Age, u64)]) -> MemoryArbiter {
    let mut arbiter = MemoryArbiter::new(100 * MIB, 60 * MIB);
    for (age, bytes) in calls {
        assert!(arbiter.admit(*age, SMALL), "{age}");
        assert_eq!(arbiter.grow(*age, bytes * MIB), Ok(vec![]), "{age}");
    }
    arbiter
}

/// A middleware, and the model that it waits for.
#[test]
fn the_instances_of_a_call_count_together() {
    let mut calls = arbiter(&[(1, 10), (2, 10)]);
    assert_eq!(calls.grow_inner(1, 0, 20 * MIB), Ok(vec![]));
    assert_eq!(calls.in_use(), 40 * MIB);
    // The limit of one instance is theirs together.
    assert_eq!(calls.left(1), 30 * MIB);
    for (own, fits) in [(40, true), (41, false)] {
        assert_eq!(calls.may_have(1, own * MIB), fits, "{own}");
    }
    for (inner, fits) in [(50, true), (51, false)] {
        assert_eq!(
            calls.may_have_inner(1, 20 * MIB, inner * MIB),
            fits,
            "{inner}"
        );
    }
    assert_eq!(calls.grow(2, 50 * MIB), Ok(vec![]));
    let grown = calls.grow_inner(1, 20 * MIB, 50 * MIB);
    assert_eq!(grown, Ok(vec![2]), "in place of the youngest");
    assert_eq!(calls.leave(2), 50 * MIB);
    assert_eq!(calls.in_use(), 60 * MIB);
    calls.end_inner(1, 50 * MIB);
    assert_eq!(calls.in_use(), 10 * MIB);
    assert_eq!(calls.leave(1), SMALL);
    assert_eq!(calls.in_use(), 0);
    calls.end_inner(1, 50 * MIB);
    assert_eq!(calls.in_use(), 0, "its call has ended before");
}

#[test]
fn what_does_not_fit_ends_the_youngest_for_the_oldest_and_else_who_asks() {
    for (name, calls, age, bytes, expected) in [
        ("alone", &[(1, 0)][..], 1, 60, Ok(vec![])),
        (
            "as much as there is",
            &[(1, 40), (2, 30)],
            2,
            60,
            Ok(vec![]),
        ),
        ("the younger asks", &[(1, 50), (2, 40)], 2, 51, Err(Refused)),
        ("the oldest asks", &[(1, 50), (2, 40)], 1, 60, Ok(vec![])),
        ("for more", &[(1, 50), (2, 45)], 1, 60, Ok(vec![2])),
        (
            "for more of three",
            &[(1, 20), (2, 40), (3, 30)],
            1,
            31,
            Ok(vec![3]),
        ),
        (
            "for most of three",
            &[(1, 20), (2, 40), (3, 30)],
            1,
            60,
            Ok(vec![3]),
        ),
        (
            "for most of four",
            &[(1, 9), (2, 50), (3, 20), (4, 20)],
            1,
            60,
            Ok(vec![4, 3, 2]),
        ),
        (
            "the middle one asks",
            &[(1, 9), (2, 50), (3, 40)],
            2,
            60,
            Err(Refused),
        ),
    ] {
        assert_eq!(arbiter(calls).grow(age, bytes * MIB), expected, "{name}");
    }
}

#[test]
fn who_has_asked_a_provider_ends_after_who_has_not() {
    let mut calls = arbiter(&[(1, 20), (2, 30), (3, 40)]);
    calls.costs(3, Cost::Request);
    assert_eq!(
        calls.grow(1, 40 * MIB),
        Ok(vec![2]),
        "another than the youngest"
    );

    let mut calls = arbiter(&[(1, 20), (2, 30), (3, 40)]);
    calls.costs(2, Cost::Request);
    assert_eq!(calls.grow(2, 60 * MIB), Ok(vec![3]), "another than itself");

    let mut calls = arbiter(&[(1, 20), (2, 30), (3, 40)]);
    calls.costs(2, Cost::Request);
    calls.costs(3, Cost::Answer);
    assert_eq!(
        calls.grow(2, 60 * MIB),
        Err(Refused),
        "the others cost more"
    );
    assert_eq!(calls.leave(2), 60 * MIB);
    assert_eq!(calls.grow(1, 60 * MIB), Ok(vec![]));
    assert_eq!(calls.grow(1, 61 * MIB), Ok(vec![3]), "there is no other");
}

#[test]
fn an_answer_that_was_paid_for_is_ended_last() {
    let mut calls = arbiter(&[(1, 20), (2, 30), (3, 40)]);
    calls.costs(3, Cost::Answer);
    assert_eq!(
        calls.grow(1, 40 * MIB),
        Ok(vec![2]),
        "the youngest has answered"
    );

    let mut calls = arbiter(&[(1, 20), (2, 30), (3, 40)]);
    calls.costs(2, Cost::Answer);
    assert_eq!(calls.grow(2, 60 * MIB), Ok(vec![3]), "the oldest stays");

    let mut calls = arbiter(&[(1, 20), (2, 30), (3, 40)]);
    calls.costs(2, Cost::Answer);
    calls.costs(3, Cost::Answer);
    assert_eq!(calls.grow(2, 60 * MIB), Err(Refused));
    assert_eq!(
        calls.grow(1, 60 * MIB),
        Ok(vec![]),
        "one is leaving already"
    );
}

#[test]
fn an_instance_that_waits_counts_little() {
    let mut waiting = MemoryArbiter::new(1024 * MIB, 1024 * MIB);
    for age in 0..1000 {
        assert!(waiting.admit(age, SMALL), "{age}");
        assert_eq!(waiting.grow(age, 6 * MIB), Ok(vec![]), "{age}");
    }
    assert_eq!(waiting.in_use(), 1000 * SMALL);
    assert_eq!(waiting.grow(0, 9 * MIB), Ok(vec![]));
    assert_eq!(waiting.in_use(), 999 * SMALL + 9 * MIB);
}

#[test]
fn a_call_comes_back_for_what_it_lacked() {
    let mut calls = arbiter(&[(1, 50), (2, 40)]);
    assert_eq!(calls.grow(2, 55 * MIB), Err(Refused));
    assert_eq!(calls.grow(2, 40 * MIB), Err(Refused), "it is to end");
    assert_eq!(calls.leave(2), 55 * MIB);
    assert_eq!(calls.in_use(), 50 * MIB);
    assert!(!calls.admit(2, 55 * MIB));
    assert_eq!(calls.leave(1), SMALL);
    assert!(calls.admit(2, 55 * MIB));
    assert_eq!(calls.in_use(), 55 * MIB);
    assert_eq!(calls.grow(2, 50 * MIB), Ok(vec![]), "it was set aside");
    assert_eq!(calls.in_use(), 55 * MIB);
}

#[test]
fn there_is_always_room_for_one() {
    for (total, each, expected) in [
        (4096, 1024, 4096 * MIB),
        (512, 1024, 1024 * MIB),
        (0, 0, SMALL),
    ] {
        let mut arbiter = MemoryArbiter::new(total * MIB, each * MIB);
        assert_eq!(arbiter.total(), expected);
        let need = arbiter.need(u64::MAX);
        assert!(need <= expected);
        assert!(arbiter.admit(0, need));
    }
}

/// A call that needs this much in the end, and how far it has come.
#[derive(Clone, Debug)]
struct Call {
    need: u64,
    target: u64,
    grown: u64,
    answers_at: u64,
}

proptest! {
    /// Whoever is scheduled when, calls that each fit alone all come to their
    /// end, and no more than the total is in use by those that stay.
    #[test]
    fn all_calls_end(
        targets in prop::collection::vec((1..=60u64, 0..=60u64), 1..12),
        schedule in prop::collection::vec(0..1000usize, 64),
    ) {
        let mut arbiter = MemoryArbiter::new(100 * MIB, 60 * MIB);
        let mut calls: BTreeMap<Age, Call> = targets.iter().zip(0..).map(|((target, answers), age)| {
            (age, Call { need: SMALL, target: *target, grown: 0, answers_at: *answers })
        }).collect();
        let mut line: BTreeSet<Age> = calls.keys().copied().collect();
        let mut running = BTreeSet::new();
        let mut ending = BTreeSet::new();
        let mut steps = schedule.iter().cycle();
        let mut step = || *steps.next().unwrap();
        for _ in 0..200_000 {
            if calls.is_empty() {
                break;
            }
            while let Some(first) = line.first().copied() {
                if !arbiter.admit(first, arbiter.need(calls[&first].need)) {
                    break;
                }
                line.remove(&first);
                running.insert(first);
            }
            let ages: Vec<Age> = running.iter().copied().collect();
            prop_assert!(!ages.is_empty(), "nobody runs, and {line:?} wait");
            let age = ages[step() % ages.len()];
            let call = calls.get_mut(&age).unwrap();
            if ending.remove(&age) {
                running.remove(&age);
                call.need = arbiter.leave(age);
                call.grown = 0;
                line.insert(age);
                continue;
            }
            if call.grown == call.target {
                arbiter.leave(age);
                running.remove(&age);
                calls.remove(&age);
                continue;
            }
            call.grown = (call.grown + 1 + step() as u64 % 20).min(call.target);
            let oldest = running.iter().find(|age| !ending.contains(*age)).copied();
            match arbiter.grow(age, call.grown * MIB) {
                Ok(ended) => {
                    prop_assert!(!ended.contains(&age));
                    prop_assert!(ended.iter().all(|other| oldest != Some(*other)));
                    ending.extend(ended);
                    if call.grown >= call.answers_at {
                        arbiter.costs(age, Cost::Answer);
                    }
                }
                Err(Refused) => {
                    prop_assert_ne!(oldest, Some(age), "the oldest was refused");
                    ending.insert(age);
                }
            }
            let staying = arbiter.running.values().filter(|share| !share.is_ending);
            prop_assert!(staying.map(Share::charge).sum::<u64>() <= arbiter.total());
            let all: u64 = arbiter.running.values().map(Share::charge).sum();
            prop_assert_eq!(all, arbiter.in_use());
        }
        prop_assert!(calls.is_empty(), "{calls:?} never end");
        prop_assert_eq!(arbiter.in_use(), 0);
    }
}
