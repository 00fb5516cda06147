//! The suite also fails for adapters whose platform breaks its promises.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_tests::spin::bindings::wasi::keyvalue::atomics::{
    self, Bucket as BucketHandle, Cas, CasError, Error,
};
use wasmtime::component::{HasData, Resource};

use super::bindings::StoreAdapterPre;
use super::guest::Guest;
use super::keyvalue::{self, Bucket, Spin};
use super::{Adapted, Platform, Settings};
use crate::flaws::found_out;
use crate::tasks::{leases, submit};

/// A store in which each swap succeeds, whatever was swapped in since it read.
struct Careless(Bucket);

impl Platform for Careless {
    fn empty() -> Self {
        Self(Bucket::empty())
    }

    fn copied(&self) -> Self {
        Self(self.0.copied())
    }

    fn left(self: &Arc<Self>) -> Arc<Self> {
        Arc::new(self.copied())
    }

    fn adapter() -> &'static StoreAdapterPre<Guest> {
        static ADAPTER: LazyLock<StoreAdapterPre<Guest>> = LazyLock::new(|| {
            let mut linker = keyvalue::linker();
            atomics::add_to_linker::<_, HasSwaps>(&mut linker, |guest| Swaps(guest.spin()))
                .unwrap();
            keyvalue::adapter(linker)
        });
        &ADAPTER
    }

    fn guest(&self, settings: &Settings, clock: Arc<ManualClock>) -> Guest {
        self.0.guest(settings, clock)
    }

    fn images(&self) -> usize {
        self.0.images()
    }
}

struct HasSwaps;

impl HasData for HasSwaps {
    type Data<'a> = Swaps<'a>;
}

/// Swaps that forget what they read.
struct Swaps<'a>(&'a mut Spin);

type Answer<T, E = Error> = wasmtime::Result<Result<T, E>>;

impl atomics::Host for Swaps<'_> {
    fn increment(
        &mut self,
        bucket: Resource<BucketHandle>,
        key: String,
        delta: i64,
    ) -> Answer<i64> {
        atomics::Host::increment(&mut &mut self.0.keyvalue, bucket, key, delta)
    }

    fn swap(&mut self, swap: Resource<Cas>, value: Vec<u8>) -> Answer<(), CasError> {
        atomics::Host::swap(&mut &mut self.0.keyvalue, swap, value)
    }
}

impl atomics::HostCas for Swaps<'_> {
    fn new(&mut self, bucket: Resource<BucketHandle>, key: String) -> Answer<Resource<Cas>> {
        let swap = atomics::HostCas::new(&mut &mut self.0.keyvalue, bucket, key.clone())?;
        if let Ok(swap) = &swap {
            self.0.swaps.insert(swap.rep(), key);
        }
        Ok(swap)
    }

    /// Reads by another way: a swap that has not read overwrites. It is slow,
    /// so that others come between.
    fn current(&mut self, swap: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        let value = self.0.store.get(&self.0.swaps[&swap.rep()]);
        tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(1)));
        Ok(value)
    }

    fn drop(&mut self, swap: Resource<Cas>) -> wasmtime::Result<()> {
        atomics::HostCas::drop(&mut &mut self.0.keyvalue, swap)
    }
}

type Store = Adapted<Careless>;

/// On a busy machine, those that race may come one after another.
const TIMES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_swap_that_always_succeeds() {
    assert!(found_out_at_last(leases::one_of_many_workers_gets_the_task::<Store>).await);
    assert!(found_out_at_last(leases::of_two_final_writes_one_wins::<Store>).await);
    assert!(found_out_at_last(submit::twenty_at_once_create_one::<Store>).await);
}

async fn found_out_at_last<F>(promise: fn() -> F) -> bool
where
    F: Future<Output = ()> + Send + 'static,
{
    for _ in 0..TIMES {
        if found_out(promise()).await {
            return true;
        }
    }
    false
}
