//! The adapter over wasi:keyvalue, with the store that Spin has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_tests::spin::bindings::spin::variables::variables;
use concept_refinement_tests::spin::bindings::wasi::keyvalue::{atomics, batch, store};
use concept_refinement_tests::spin::keyvalue::{self, HasKeyValue};
use concept_refinement_tests::spin::store::{Database, Store};
use wasmtime::component::{Accessor, HasData, Linker};
use wasmtime_wasi::WasiCtxBuilder;

use super::bindings::StoreAdapterPre;
use super::guest::Guest;
use super::{Adapted, Platform, Settings};

pub type KeyValue = Adapted<Bucket>;

const BUCKET: &str = "default";

/// The store of an application.
pub struct Bucket(pub Database);

/// What one instance has of Spin.
pub struct Spin {
    pub keyvalue: keyvalue::KeyValue,
    pub store: Store,
    /// The keys of swaps, for one who is careless with them.
    pub swaps: BTreeMap<u32, String>,
    variables: BTreeMap<String, String>,
}

impl Platform for Bucket {
    fn empty() -> Self {
        Self(Database::in_memory().unwrap())
    }

    fn copied(&self) -> Self {
        Self(self.0.copied().unwrap())
    }

    /// Calls of the store never wait, so that what ends an instance would never
    /// come between two of them.
    fn left(self: &Arc<Self>) -> Arc<Self> {
        Arc::new(self.copied())
    }

    fn adapter() -> &'static StoreAdapterPre<Guest> {
        static ADAPTER: LazyLock<StoreAdapterPre<Guest>> = LazyLock::new(|| {
            let mut linker = linker();
            atomics::add_to_linker::<_, HasKeyValue>(&mut linker, Guest::keyvalue).unwrap();
            adapter(linker)
        });
        &ADAPTER
    }

    fn guest(&self, settings: &Settings, clock: Arc<ManualClock>) -> Guest {
        let granted = Arc::new(BTreeSet::from([BUCKET.to_owned()]));
        let spin = Spin {
            keyvalue: keyvalue::KeyValue::new(self.0.clone(), granted),
            store: self.0.store(BUCKET),
            swaps: BTreeMap::new(),
            variables: settings
                .iter()
                .map(|(name, value)| (name.replace('-', "_"), value.clone()))
                .collect(),
        };
        Guest::new(&mut WasiCtxBuilder::new(), Some(spin), clock)
    }

    fn images(&self) -> usize {
        let bucket = self.0.store(BUCKET);
        let keys = bucket.keys().unwrap();
        super::images(&keys, |key| bucket.get(key).unwrap())
    }
}

pub fn adapter(linker: Linker<Guest>) -> StoreAdapterPre<Guest> {
    super::adapter("adapter-store-keyvalue", linker)
}

/// What the adapter needs, except what swaps.
pub fn linker() -> Linker<Guest> {
    let mut linker = super::wasi();
    store::add_to_linker::<_, HasKeyValue>(&mut linker, Guest::keyvalue).unwrap();
    batch::add_to_linker::<_, HasKeyValue>(&mut linker, Guest::keyvalue).unwrap();
    variables::add_to_linker::<_, HasVariables>(&mut linker, Guest::spin).unwrap();
    linker
}

/// Marks what is behind `spin:variables`.
struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = &'a mut Spin;
}

impl variables::Host for &mut Spin {}

impl<T: 'static> variables::HostWithStore<T> for HasVariables {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, variables::Error>> {
        let value = accessor.with(|mut access| access.get().variables.get(&name).cloned());
        Ok(value.ok_or_else(|| variables::Error::Undefined(format!("no variable for {name:?}"))))
    }
}
