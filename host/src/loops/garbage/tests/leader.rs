//! Several hosts over the same stores, in virtual time.

use tokio::time::sleep;

use super::*;
use crate::loops::tests::fakes::{Ledger, Roster};

#[tokio::test(start_paused = true)]
async fn one_host_at_a_time_collects_and_another_goes_on() {
    const RETENTION: Duration = HOUR;
    let roster = Roster::default();
    let (stop, stopped) = watch::channel(false);
    let ledgers: Vec<_> = (0..3)
        .map(|host| {
            let ledger = Arc::<Ledger>::default();
            let mut garbage = garbage(ledger.store(), Arc::<Shelf>::default(), Some(RETENTION));
            if let Some(capabilities) = Arc::get_mut(&mut garbage.host) {
                capabilities.leader_leases = roster.of(host);
            }
            let running = tokio::spawn(garbage.run(stopped.clone()));
            (ledger, running)
        })
        .collect();
    let rounds = || -> Vec<usize> {
        let rounds = ledgers.iter();
        rounds
            .map(|(ledger, _)| ledger.expired.lock().len())
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
    assert!(roster.is_empty(), "who stops gives it up");
}
