//! Who gets a permit for an attempt.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::webhook::{DeliveryPermits, Holder};

/// Those of a host.
const TOTAL: usize = 64;
const PER_RECEIVER: usize = 8;

fn attempts(receiver: &str, user_id: &str, count: usize) -> Vec<Holder> {
    let holder = Holder {
        receiver: receiver.to_owned(),
        user_id: user_id.to_owned(),
    };
    vec![holder; count]
}

/// At a receiver of their own each.
fn attempts_of(user_id: &str, count: usize) -> Vec<Holder> {
    let receivers = (0..count).map(|number| format!("of {user_id} {number}"));
    receivers
        .flat_map(|receiver| attempts(&receiver, user_id, 1))
        .collect()
}

/// For a user of their own each.
fn attempts_at(receiver: &str, count: usize) -> Vec<Holder> {
    let users = (0..count).map(|number| format!("of {receiver} {number}"));
    users
        .flat_map(|user_id| attempts(receiver, &user_id, 1))
        .collect()
}

fn permits(taken: &[Holder]) -> DeliveryPermits {
    DeliveryPermits::new(TOTAL, PER_RECEIVER, taken)
}

#[test]
fn a_quarter_of_all_places_and_of_each_receivers_is_for_those_who_have_fewer() {
    let most: Vec<_> = (0..6)
        .flat_map(|number| attempts_at(&format!("slow {number}"), 8))
        .collect();
    let most_and = |more: Vec<Holder>| [most.clone(), more].concat();
    let at_a = |count| attempts("a", "ada", count);
    let of_ada = |count| attempts_of("ada", count);
    let full = |more: Vec<Holder>| most_and([attempts_at("a", 8), more].concat());
    for (name, taken, receiver, user_id, expected) in [
        ("nobody has one", vec![], "a", "ada", true),
        ("a user, at one receiver", at_a(5), "a", "ada", true),
        ("three quarters of it", at_a(6), "a", "ada", false),
        ("then another user", at_a(6), "a", "bob", true),
        ("then another receiver", at_a(6), "b", "ada", true),
        ("all of a receiver", attempts_at("a", 8), "a", "ada", false),
        ("a user, at many", of_ada(47), "a", "ada", true),
        ("three quarters of all", of_ada(48), "a", "ada", false),
        ("then another user", of_ada(48), "a", "bob", true),
        ("at the same", of_ada(48), "of ada 0", "bob", true),
        ("six receivers", most.clone(), "slow 0", "ada", false),
        ("then another one", most.clone(), "a", "ada", true),
        ("with more", most_and(attempts_at("a", 7)), "a", "ada", true),
        (
            "as many as are free",
            full(attempts_at("b", 4)),
            "b",
            "ada",
            false,
        ),
        ("a user with as many", full(of_ada(4)), "b", "ada", false),
        ("beside all of these", full(of_ada(4)), "b", "bob", true),
        ("the last one", attempts_at("a", 63), "b", "bob", true),
        ("none is left", attempts_at("a", 64), "b", "bob", false),
    ] {
        let mut permits = permits(&taken);
        let free = permits.free();
        assert_eq!(permits.has_room_for(receiver, user_id), expected, "{name}");
        assert_eq!(permits.take(receiver, user_id), expected, "{name}");
        assert_eq!(free - permits.free(), usize::from(expected), "{name}");
    }
}

/// The worst case of what [`DeliveryPermits`] says of several users.
#[test]
fn six_users_can_take_all() {
    let mut permits = permits(&[]);
    let users = (0..6).map(|number| format!("user {number}"));
    let taken = users.map(|user_id| {
        let all = (0..).take_while(|at| permits.take(&format!("{user_id} {at}"), &user_id));
        all.count()
    });
    assert_eq!(taken.collect::<Vec<_>>(), [48, 8, 4, 2, 1, 1]);
}

/// Receivers and users by their numbers.
fn steps(receivers: usize, users: usize) -> impl Strategy<Value = Vec<(String, String)>> {
    let step = (0..receivers, 0..users);
    let names = |(receiver, user)| (format!("receiver {receiver}"), format!("user {user}"));
    vec(step.prop_map(names), 0..300)
}

proptest! {
    /// Whatever one user does, at however many receivers.
    #[test]
    fn one_user_keeps_no_other_waiting(steps in steps(100, 1), receiver in 0..100usize) {
        let mut permits = permits(&[]);
        for (receiver, user_id) in &steps {
            permits.take(receiver, user_id);
        }
        let receiver = format!("receiver {receiver}");
        prop_assert!(permits.take(&receiver, "another"));
    }

    /// However many users eight receivers that do not answer have.
    #[test]
    fn eight_receivers_keep_no_other_waiting(steps in steps(8, 100)) {
        let mut permits = permits(&[]);
        for (receiver, user_id) in &steps {
            permits.take(receiver, user_id);
        }
        prop_assert!(permits.take("another", "another"));
    }

    /// What a store that selects by these lists needs.
    #[test]
    fn who_is_full_gets_no_place_and_all_others_do(steps in steps(12, 12)) {
        let mut permits = permits(&[]);
        for (receiver, user_id) in &steps {
            let is_full = permits.full_receivers().contains(&receiver.as_str())
                || permits.full_users().contains(&user_id.as_str())
                || permits.full_pairs().contains(&(receiver, user_id));
            let is_short = permits.are_short();
            prop_assert!(is_short || !is_full);
            if permits.free() > 0 {
                prop_assert_eq!(permits.take(receiver, user_id), !is_full);
            }
        }
    }
}
