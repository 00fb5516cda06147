//! Several hosts over the same stores, in virtual time.

use std::collections::BTreeMap;

use tokio::time::{Instant, sleep};

use super::*;
use crate::capability::duties::Duties;
use crate::loops::fakes::Ledger;

/// Who has a duty, and until when.
type Roster = Arc<Mutex<BTreeMap<String, (u32, Instant)>>>;

struct Shared {
    roster: Roster,
    host: u32,
}

impl Duties for Shared {
    fn take<'a>(&'a self, name: &'a str, time: Duration) -> Answer<'a, bool> {
        let mut roster = self.roster.lock().unwrap();
        let now = Instant::now();
        let free = |(holder, until): &(u32, Instant)| *holder == self.host || *until <= now;
        let is_free = roster.get(name).is_none_or(free);
        if is_free {
            roster.insert(name.to_owned(), (self.host, now + time));
        }
        Box::pin(ready(Ok(is_free)))
    }

    fn release<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        let mut roster = self.roster.lock().unwrap();
        if roster
            .get(name)
            .is_some_and(|(holder, _)| *holder == self.host)
        {
            roster.remove(name);
        }
        Box::pin(ready(Ok(())))
    }
}

#[tokio::test(start_paused = true)]
async fn one_host_at_a_time_collects_and_another_goes_on() {
    const RETENTION: Duration = HOUR;
    let roster = Roster::default();
    let (stop, stopped) = watch::channel(false);
    let ledgers: Vec<_> = (0..3)
        .map(|host| {
            let ledger = Arc::<Ledger>::default();
            let mut garbage = garbage(ledger.store(), Arc::<Shelf>::default(), Some(RETENTION));
            let duties = Shared {
                roster: Arc::clone(&roster),
                host,
            };
            if let Some(capabilities) = Arc::get_mut(&mut garbage.host) {
                capabilities.duties = Arc::new(duties);
            }
            let running = tokio::spawn(garbage.run(stopped.clone()));
            (ledger, running)
        })
        .collect();
    let rounds = || -> Vec<usize> {
        let rounds = ledgers.iter();
        rounds
            .map(|(ledger, _)| ledger.expired.lock().unwrap().len())
            .collect()
    };
    sleep(RETENTION).await;
    let begun = rounds();
    assert_eq!(
        begun.iter().filter(|rounds| **rounds > 0).count(),
        1,
        "{begun:?}"
    );

    let first = begun.iter().position(|rounds| *rounds > 0).unwrap();
    ledgers[first].1.abort();
    sleep(RETENTION).await;
    let then = rounds();
    assert_eq!(then[first], begun[first], "{then:?}");
    let others = (0..3).filter(|host| *host != first && then[*host] > 0);
    assert_eq!(others.count(), 1, "{then:?}");

    stop.send_replace(true);
    for (host, (_, running)) in ledgers.into_iter().enumerate() {
        assert_eq!(running.await.is_ok(), host != first);
    }
    assert!(roster.lock().unwrap().is_empty(), "who stops gives it up");
}
