use std::net::IpAddr;

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
    let busy: Vec<_> = std::iter::from_fn(|| {
        let opened = pool.open(client(1))?;
        let busy = opened.connection.busy();
        Some((opened, busy))
    })
    .collect();
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
