use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Who waits is known by its age.
type Accounting = SpaceAccounting<Age>;

fn wait(accounting: &mut Accounting, wants: u64) -> Result<Age, Refused> {
    let age = accounting.next;
    accounting.wait(wants, age)
}

/// Waits, and answers the age.
fn waits(accounting: &mut Accounting, wants: u64) -> Age {
    wait(accounting, wants).unwrap()
}

#[test]
fn an_original_has_its_room_at_once_or_not_at_all() {
    for (name, before, wants, expected) in [
        ("nothing", &[][..], 0, Ok(())),
        ("all of its half", &[], 50, Ok(())),
        ("more than that", &[], 51, Err(Refused::Ever)),
        ("what others leave", &[20, 20], 10, Ok(())),
        ("more than others leave", &[20, 20], 11, Err(Refused::Now)),
    ] {
        let mut accounting = Accounting::new(100);
        for wants in before {
            assert_eq!(accounting.original(*wants), Ok(()), "{name}");
        }
        assert_eq!(accounting.original(wants), expected, "{name}");
    }
    // Beside answers, which may have all that is free.
    let mut accounting = Accounting::new(100);
    for _ in 0..2 {
        waits(&mut accounting, 45);
    }
    assert_eq!(accounting.advance().len(), 2);
    assert_eq!(accounting.original(10), Ok(()));
    assert_eq!(accounting.original(1), Err(Refused::Now));
}

/// Answers that want so much, in the order of their arrival; which of them have room,
/// by their place.
#[test]
fn answers_have_room_in_their_order_and_small_ones_beside_large_ones() {
    for (name, wanted, expected) in [
        ("one", &[50][..], &[0][..]),
        ("as many as fit", &[50, 50, 1], &[0, 1]),
        ("large ones wait", &[30, 30, 30, 30], &[0, 1, 2]),
        ("small ones pass", &[40, 40, 40, 5, 5, 5], &[0, 1, 3, 4, 5]),
        ("until there is no room", &[40, 40, 40, 15, 10], &[0, 1, 3]),
        (
            "what does not fit passes nobody",
            &[48, 48, 5, 5, 3, 1],
            &[0, 1, 4, 5],
        ),
    ] {
        let mut accounting = Accounting::new(100);
        for wants in wanted {
            waits(&mut accounting, *wants);
        }
        let admitted: Vec<_> = accounting.advance().iter().map(|(age, _)| *age).collect();
        assert_eq!(admitted, expected, "{name}");
    }
    assert_eq!(Accounting::new(100).wait(101, 0), Err(Refused::Ever));
}

#[test]
fn who_waits_is_passed_by_no_more_than_it_wants() {
    let mut accounting = Accounting::new(100);
    waits(&mut accounting, 40);
    waits(&mut accounting, 40);
    accounting.advance();
    let large = waits(&mut accounting, 30);
    // Small ones come and go.
    let mut passed = 0;
    for _ in 0..100 {
        let small = waits(&mut accounting, 5);
        if accounting.advance() == [(small, 5)] {
            passed += 1;
            accounting.give_back(Purpose::Answer, 5);
        } else {
            assert!(accounting.leave(small));
        }
    }
    assert_eq!(passed, 6);
    accounting.give_back(Purpose::Answer, 40);
    assert_eq!(accounting.advance(), [(large, 30)]);
}

#[test]
fn who_leaves_the_line_holds_up_nobody() {
    let mut accounting = Accounting::new(100);
    waits(&mut accounting, 50);
    waits(&mut accounting, 45);
    accounting.advance();
    let large = waits(&mut accounting, 6);
    let next = waits(&mut accounting, 5);
    assert_eq!(accounting.advance(), [(next, 5)]);
    let other = waits(&mut accounting, 2);
    assert_eq!(accounting.advance(), []);
    assert!(accounting.leave(large) && !accounting.leave(large));
    accounting.give_back(Purpose::Answer, 5);
    assert_eq!(accounting.advance(), [(other, 2)]);
}

/// With the room and the tasks at once that there are by default. Whoever has room is done
/// after a while, the first one first.
#[test]
fn as_many_large_answers_as_there_are_tasks_have_their_room_in_turn() {
    const MIB: u64 = 32;
    const TASKS: u64 = 64;
    let (large, small) = (30 * MIB, 1);
    let mut accounting = Accounting::new(1024 * MIB);
    for _ in 0..TASKS {
        waits(&mut accounting, large);
    }
    let mut held: VecDeque<_> = accounting.advance().into();
    assert_eq!(held.len(), 34);
    let mut done = Vec::new();
    while let Some((age, room)) = held.pop_front() {
        // Beside each of them somebody else comes, who has room at once.
        let other = waits(&mut accounting, small);
        assert_eq!(accounting.advance(), [(other, small)]);
        accounting.give_back(Purpose::Answer, small);
        accounting.give_back(Purpose::Answer, room);
        held.extend(accounting.advance());
        done.push(age);
    }
    assert!(done.into_iter().eq(0..TASKS));
    assert_eq!(accounting.free(), 1024 * MIB);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Original(u64),
    Answer(u64),
    /// The one who has room in this place, or the first, gives back so much of it, or
    /// all.
    GiveBack(Option<prop::sample::Index>, u64),
    /// The one who waits in this place leaves.
    Leave(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        (0u64..60).prop_map(Step::Original),
        (0u64..110).prop_map(Step::Answer),
        (index(), 0u64..60).prop_map(|(at, room)| Step::GiveBack(Some(at), room)),
        index().prop_map(Step::Leave),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// No more is given than there is, originals keep to their half, and all who wait
    /// have their room in the end, if those who have some give it back.
    #[test]
    fn everybody_has_room_in_the_end(steps in steps()) {
        let mut accounting = Accounting::new(100);
        let mut has: Vec<(Purpose, u64)> = Vec::new();
        let mut waits: BTreeMap<Age, u64> = BTreeMap::new();
        let end = std::iter::repeat_n(Step::GiveBack(None, 100), 120);
        for step in steps.into_iter().chain(end) {
            match step {
                Step::Original(wants) => {
                    if accounting.original(wants).is_ok() {
                        has.push((Purpose::Original, wants));
                    }
                }
                Step::Answer(wants) => {
                    if let Ok(age) = wait(&mut accounting, wants) {
                        waits.insert(age, wants);
                    }
                }
                Step::GiveBack(at, most) if !has.is_empty() => {
                    let at = at.map_or(0, |at| at.index(has.len()));
                    let (purpose, room) = has[at];
                    let back = most.min(room);
                    accounting.give_back(purpose, back);
                    has[at].1 -= back;
                    has.retain(|(_, room)| *room > 0);
                }
                Step::Leave(at) if !waits.is_empty() => {
                    let age = *waits.keys().nth(at.index(waits.len())).unwrap();
                    prop_assert!(accounting.leave(age));
                    waits.remove(&age);
                }
                Step::GiveBack(..) | Step::Leave(_) => {}
            }
            for (age, wants) in accounting.advance() {
                prop_assert_eq!(waits.remove(&age), Some(wants));
                has.push((Purpose::Answer, wants));
            }
            let given: u64 = has.iter().map(|(_, room)| room).sum();
            prop_assert_eq!(given + accounting.free(), 100);
            let originals = has.iter().filter(|(purpose, _)| *purpose == Purpose::Original);
            prop_assert!(originals.map(|(_, room)| room).sum::<u64>() <= 50);
            // The first one waits only where it does not fit.
            let first = waits.values().next();
            prop_assert!(first.is_none_or(|wants| *wants > accounting.free()));
        }
        prop_assert!(waits.is_empty(), "{:?}", accounting);
    }
}
