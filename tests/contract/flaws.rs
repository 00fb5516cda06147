//! The suite can fail: it finds stores that break a promise.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::tasks::TaskStore;
use concept_refinement_tests::flaws::{self, Flaw};

use crate::sqlite::InMemory;
use crate::tasks::{Rules, TaskBackend, erasure, leases, sweep};

/// A correct store behind a flaw.
struct Flawed<F> {
    store: Arc<dyn TaskStore>,
    _flaw: PhantomData<F>,
}

trait Broken: Send + 'static {
    const FLAW: Flaw;
}

macro_rules! broken {
    ($($name:ident),+) => {
        $(
            struct $name;

            impl Broken for $name {
                const FLAW: Flaw = Flaw::$name;
            }
        )+
    };
}

broken!(ClaimAtomicity, Fencing, Redelivery, Remnant);

impl<F: Broken> TaskBackend for Flawed<F> {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        let sound = InMemory::start(rules, clock);
        Self {
            store: flaws::Flawed::store(F::FLAW, sound.store()),
            _flaw: PhantomData,
        }
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        self.store.clone()
    }
}

/// Elsewhere the same promise is tested with a correct store.
pub async fn found_out(promise: impl Future<Output = ()> + Send + 'static) -> bool {
    tokio::spawn(promise)
        .await
        .is_err_and(|error| error.is_panic())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claim_that_is_not_atomic() {
    type Store = Flawed<ClaimAtomicity>;
    assert!(found_out(leases::one_of_many_workers_gets_the_task::<Store>()).await);
    assert!(found_out(leases::what_cannot_be_claimed::<Store>()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fence_with_a_hole() {
    type Store = Flawed<Fencing>;
    assert!(found_out(leases::who_lost_the_lease_can_write_nothing::<Store>()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sweep_that_finds_nothing() {
    type Store = Flawed<Redelivery>;
    assert!(found_out(sweep::a_pending_task_is_due_after_a_while::<Store>()).await);
    assert!(found_out(sweep::recovering_takes_over_whatever_was_under_way::<Store>()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erasure_that_leaves_everything() {
    type Store = Flawed<Remnant>;
    assert!(
        found_out(erasure::everything_of_a_user_goes_and_nothing_of_others::<
            Store,
        >())
        .await
    );
}

/// Everything else still works, so that the failure is due to the flaw.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_rest_of_a_flawed_store_is_sound() {
    leases::one_of_many_workers_gets_the_task::<Flawed<Fencing>>().await;
    leases::who_lost_the_lease_can_write_nothing::<Flawed<Redelivery>>().await;
    leases::who_lost_the_lease_can_write_nothing::<Flawed<ClaimAtomicity>>().await;
    leases::who_lost_the_lease_can_write_nothing::<Flawed<Remnant>>().await;
}
