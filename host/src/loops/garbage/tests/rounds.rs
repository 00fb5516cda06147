//! The timing of rounds, in virtual time.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::loops::tests::fakes::Ledger;

struct Running {
    ledger: Arc<Ledger>,
    shelf: Arc<Shelf>,
    begin: Instant,
    stop: watch::Sender<bool>,
    collecting: JoinHandle<()>,
}

const ORPHAN: &str = "refined/ada/a-1.png";

fn start(retention: Option<Duration>) -> Running {
    let (ledger, shelf) = (Arc::<Ledger>::default(), Arc::<Shelf>::default());
    let garbage = garbage(ledger.store(), shelf.clone(), retention);
    let (stop, stopped) = watch::channel(false);
    Running {
        ledger,
        shelf,
        begin: Instant::now(),
        stop,
        collecting: tokio::spawn(garbage.run(stopped)),
    }
}

impl Running {
    fn leave(&self, path: &str) {
        self.shelf.listed.lock().push(Ok(Listed {
            path: path.to_owned(),
            created_at: NOW,
            anonymous_owner: None,
        }));
    }

    /// Since the start, in seconds.
    fn expired(&self) -> Vec<u64> {
        let expired = self.ledger.expired.lock();
        let since = |at: &Instant| (*at - self.begin).as_secs();
        expired.iter().map(|(at, _)| since(at)).collect()
    }

    async fn ended(self) {
        self.stop.send_replace(true);
        let begin = Instant::now();
        self.collecting.await.unwrap();
        assert_eq!(begin.elapsed(), Duration::ZERO, "it went on");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_behind_later_goes_within_an_hour() {
    for retention in [None, Some(HOUR * 24 * 365), Some(HOUR)] {
        let running = start(retention);
        sleep(HOUR / 2).await;
        running.leave(ORPHAN);
        sleep(HOUR / 2 - Duration::from_secs(1)).await;
        let early = running.shelf.deleted();
        assert_eq!(early, [""; 0], "{retention:?}: looks are rare");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(running.shelf.deleted(), [ORPHAN], "{retention:?}");
        running.ended().await;
    }
}

#[tokio::test(start_paused = true)]
async fn retention_has_rounds_of_its_own() {
    let minute = Duration::from_secs(60);
    for (retention, expected) in [
        (None, vec![]),
        (Some(minute * 10), vec![0, 60, 120, 180, 240, 300]),
        (Some(minute * 25), vec![0, 150, 300]),
        (Some(HOUR * 24), vec![0]),
    ] {
        let running = start(retention);
        sleep(minute * 5 + Duration::from_secs(1)).await;
        assert_eq!(running.expired(), expected, "{retention:?}");
        if let Some(retention) = retention {
            let age = before(NOW, retention);
            let ages = running.ledger.expired.lock().clone();
            assert!(ages.iter().all(|(_, at)| *at == age), "{retention:?}");
        }
        running.ended().await;
    }
}

/// Wherever it is.
#[tokio::test(start_paused = true)]
async fn a_stop_ends_it() {
    for after in [Duration::ZERO, PAUSE / 2, HOUR, HOUR + PAUSE / 2] {
        let running = start(Some(HOUR));
        for n in 0..BATCH * 3 {
            running.leave(&format!("refined/ada/{n}-1.png"));
        }
        tokio::task::yield_now().await;
        advance(after).await;
        running.ended().await;
    }
}
