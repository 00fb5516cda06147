use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn client(number: u8) -> Option<Subnet> {
    Some(Subnet::of(IpAddr::from([10, 0, 0, number])))
}

fn fill(
    permits: &Arc<Permits<u32>>,
    mut who: impl FnMut(u32) -> (Option<Subnet>, Option<u32>),
) -> Vec<Permit<u32>> {
    (0..)
        .map_while(|number| {
            let (client, user) = who(number);
            permits.take(client, user)
        })
        .collect()
}

#[test]
fn the_largest_holder_is_refused_and_no_other() {
    type Who = fn(u32) -> (Option<Subnet>, Option<u32>);
    let cases: [(&str, Who, usize, &[Who]); 4] = [
        (
            "a client without credentials",
            |_| (client(1), None),
            75,
            &[|_| (client(2), None), |_| (client(2), Some(2))],
        ),
        (
            "a user of one address",
            |_| (client(1), Some(1)),
            75,
            &[|_| (client(1), Some(2)), |_| (client(2), Some(2))],
        ),
        (
            "a user of many addresses",
            |number| (client(number as u8), Some(1)),
            75,
            &[|_| (client(1), Some(2)), |_| (client(200), Some(2))],
        ),
        (
            "an address of many users",
            |number| (client(1), Some(number)),
            88,
            &[|_| (client(2), Some(1000))],
        ),
    ];
    for (name, greedy, most, others) in cases {
        let permits = Permits::new(100);
        let taken = fill(&permits, greedy);
        assert_eq!(taken.len(), most, "{name}");
        for other in others {
            let (client, user) = other(0);
            assert!(permits.take(client, user).is_some(), "beside {name}");
        }
        drop(taken);
        let (client, user) = greedy(0);
        assert!(permits.take(client, user).is_some(), "{name}, afterwards");
    }
}

#[test]
fn a_proxy_is_no_client() {
    let permits = Permits::<u32>::new(100);
    assert_eq!(fill(&permits, |_| (None, None)).len(), 100);
}

proptest! {
    /// Whatever ten others do, who has no permit gets one, and all are given back.
    #[test]
    fn there_is_always_room_for_one_more(
        moves in prop::collection::vec((0_u8..10, 0_u32..30, any::<bool>()), 0..3000)
    ) {
        let permits = Permits::new(4096);
        let mut taken = Vec::new();
        for (from, user, leaves) in moves {
            match leaves && !taken.is_empty() {
                true => drop(taken.swap_remove(usize::from(from) % taken.len())),
                false => taken.extend(permits.take(client(from), Some(user))),
            }
            prop_assert!(permits.take(client(100), Some(100)).is_some());
        }
        drop(taken);
        let rest = permits.taken.lock();
        prop_assert_eq!(rest.total, 0);
        prop_assert!(rest.by_client.is_empty() && rest.by_user.is_empty());
    }
}
