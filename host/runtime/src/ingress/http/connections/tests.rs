use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 16;

struct Pool(Arc<Connections>);

/// A connection, and whether it was closed for another.
struct Opened {
    connection: Connection,
    closing: CancellationToken,
}

impl Pool {
    fn new() -> Self {
        Self(Connections::new(LIMIT))
    }

    fn open(&self, client: Option<Subnet>) -> Option<Opened> {
        let closing = CancellationToken::new();
        let connection = self.0.open(client, closing.clone())?;
        Some(Opened {
            connection,
            closing,
        })
    }
}

fn client(number: u8) -> Option<Subnet> {
    Some(Subnet::of(IpAddr::from([10, 0, 0, number])))
}

/// As many as it gets, each with a request in progress.
fn busy(pool: &Pool, client: Option<Subnet>) -> Vec<(Opened, Busy)> {
    let opened = std::iter::from_fn(|| pool.open(client));
    let opened = opened.map(|opened| {
        let busy = opened.connection.busy();
        (opened, busy)
    });
    opened.collect()
}

fn closed(opened: &[Opened]) -> Vec<usize> {
    let closed = |(index, it): (usize, &Opened)| it.closing.is_cancelled().then_some(index);
    opened.iter().enumerate().filter_map(closed).collect()
}

#[tokio::test(start_paused = true)]
async fn the_oldest_idle_one_of_the_largest_holder_makes_room() {
    let pool = Pool::new();
    let mut idle = Vec::new();
    for _ in 0..12 {
        idle.push(pool.open(client(1)).unwrap());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(closed(&idle), [0; 0], "three quarters are for anybody");

    // The first was used since, the second is in use.
    drop(idle[0].connection.busy());
    let _busy = idle[1].connection.busy();
    idle.push(pool.open(client(1)).unwrap());
    assert_eq!(closed(&idle), [2]);

    // Others have what is left, and then what is idle.
    let mut others = Vec::new();
    for number in 2..=15 {
        others.push(pool.open(client(number)).unwrap());
    }
    assert_eq!(closed(&others), [0; 0]);
    assert_eq!(closed(&idle).len(), 1 + others.len() - (LIMIT - 12));
}

#[test]
fn who_has_its_share_and_nothing_idle_is_refused_and_others_are_not() {
    let pool = Pool::new();
    let busy = busy(&pool, client(1));
    assert_eq!(busy.len(), 12);
    for other in 2..4 {
        assert!(pool.open(client(other)).is_some());
    }
    let proxied: Vec<_> = std::iter::from_fn(|| pool.open(None)).take(99).collect();
    assert_eq!(proxied.len(), 99, "a proxy replaces its own");
    assert_eq!(closed(&proxied).len(), 99 - 4);
    assert!(pool.open(client(2)).is_some(), "instead of the proxy's");
    drop((busy, proxied));
    assert!(pool.0.open.lock().by_client.is_empty());
    assert_eq!(pool.0.open.lock().total, 0);
}

/// Whoever it is, and whatever it holds already.
#[test]
fn who_holds_less_than_the_largest_gets_one_that_it_does_not_use() {
    for (name, another, share) in [
        ("a proxy", None, 8),
        ("a client, which leaves some to others", client(2), 7),
    ] {
        let pool = Pool::new();
        let idle: Vec<_> = (0..12).map(|_| pool.open(client(1)).unwrap()).collect();
        let served = busy(&pool, another);
        assert_eq!(served.len(), share, "{name}");
        assert_eq!(closed(&idle).len(), 12 - share, "{name}");
        // Both hold the same now, and a third has room beside them.
        assert!(pool.open(client(3)).is_some(), "beside {name}");
    }
}

/// Whoever of them was idle for longest.
#[tokio::test(start_paused = true)]
async fn who_holds_less_loses_none_of_its_own() {
    let pool = Pool::new();
    let idle: Vec<_> = (0..12).map(|_| pool.open(client(1)).unwrap()).collect();
    let own: Vec<_> = (0..4).map(|_| pool.open(None).unwrap()).collect();
    tokio::time::advance(Duration::from_secs(1)).await;
    idle.iter().for_each(|it| drop(it.connection.busy()));
    let more: Vec<_> = (0..4).map(|_| pool.open(None).unwrap()).collect();
    assert_eq!(closed(&own).len() + closed(&more).len(), 0);
    assert_eq!(closed(&idle).len(), 4);
}

/// What three clients and a proxy do.
#[derive(Clone, Debug)]
enum Move {
    Open(Option<u8>),
    Ask(usize),
    Answer(usize),
    Leave(usize),
}

fn moves() -> impl Strategy<Value = Move> {
    let who = prop::option::of(1_u8..4);
    prop_oneof![
        4 => who.prop_map(Move::Open),
        2 => any::<usize>().prop_map(Move::Ask),
        1 => any::<usize>().prop_map(Move::Answer),
        1 => any::<usize>().prop_map(Move::Leave),
    ]
}

proptest! {
    #[test]
    fn nobody_is_refused_while_a_larger_client_uses_less_than_it_holds(
        moves in prop::collection::vec(moves(), 0..200)
    ) {
        struct Held {
            of: Option<u8>,
            opened: Opened,
            busy: Option<Busy>,
        }
        let pool = Pool::new();
        let mut held: Vec<Held> = Vec::new();
        for step in moves {
            let count = held.len().max(1);
            match step {
                Move::Open(of) => {
                    let opened = pool.open(of.and_then(client));
                    for it in held.iter().filter(|it| it.opened.closing.is_cancelled()) {
                        prop_assert!(it.busy.is_none(), "it was in use");
                    }
                    let number = |who: Option<u8>| held.iter().filter(|it| it.of == who).count();
                    let own = number(of);
                    if opened.is_none() {
                        let unused = held.iter().filter(|it| it.busy.is_none());
                        let mut larger = unused.filter(|it| it.of.is_some() && number(it.of) > own);
                        prop_assert!(larger.next().is_none(), "{own} of {of:?}");
                    }
                    held.retain(|it| !it.opened.closing.is_cancelled());
                    held.extend(opened.map(|opened| Held { of, opened, busy: None }));
                }
                Move::Ask(index) => {
                    if let Some(it) = held.get_mut(index % count) {
                        it.busy = Some(it.opened.connection.busy());
                    }
                }
                Move::Answer(index) => {
                    if let Some(it) = held.get_mut(index % count) {
                        it.busy = None;
                    }
                }
                Move::Leave(index) => {
                    if index % count < held.len() {
                        held.swap_remove(index % count);
                    }
                }
            }
            prop_assert!(held.len() <= LIMIT);
            prop_assert_eq!(pool.0.open.lock().total, held.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_without_requests() {
    let limit = Duration::from_secs(60);
    let pool = Pool::new();
    let opened = pool.open(client(1)).unwrap();
    let begin = Instant::now();
    opened.connection.idle_for(limit).await;
    assert_eq!(begin.elapsed(), limit, "from its beginning");

    let busy = opened.connection.busy();
    let idle = opened.connection.idle_for(limit);
    let used = async {
        tokio::time::sleep(limit * 3).await;
        drop(busy);
    };
    tokio::join!(idle, used);
    assert_eq!(begin.elapsed(), limit * 5, "after its last request");
}
