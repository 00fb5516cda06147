//! Removing old tasks and concepts.

use std::time::Duration;

use concept_refinement_domain::clock_trust::LastRound;

use super::{MICROSECOND, Store, TaskBackend};

pub async fn the_last_round_is_remembered<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.maintenance.last_round().await, Ok(None));
    for probation in [
        None,
        Some(Duration::ZERO),
        Some(Duration::from_secs(3600)),
        None,
    ] {
        let round = LastRound {
            at: store.now(),
            probation,
        };
        store.maintenance.remember_round(round).await.unwrap();
        assert_eq!(store.maintenance.last_round().await, Ok(Some(round)));
        store.pass(MICROSECOND);
    }
}
