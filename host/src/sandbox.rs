//! What a component instance gets: an empty WASI, its own settings, its grant
//! of outbound HTTP, a cap on its memory, and nothing else unless it is linked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use concept_refinement_domain::capability::Lease;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::capabilities::concept::refinement::{
    concept_store, health, image_model, image_store, progress, settings, task_queue, task_store,
};
use crate::capability::Capabilities;
use crate::egress::Egress;

/// How much of what a guest prints is kept for the log, in bytes.
const PRINTED: usize = 4096;

/// The settings that one component may see, by name.
pub type GrantedSettings = BTreeMap<&'static str, String>;

/// What all instances of one component have in common.
#[derive(Clone)]
pub struct Grants {
    pub settings: Arc<GrantedSettings>,
    pub egress: Egress,
    /// In bytes.
    pub max_memory: usize,
    /// None for a model: it sees nothing but its request.
    pub capabilities: Option<Arc<Capabilities>>,
}

/// The data of one store.
pub struct Sandbox {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    egress: Egress,
    limits: StoreLimits,
    printed: MemoryOutputPipe,
    settings: Arc<GrantedSettings>,
    capabilities: Option<Arc<Capabilities>>,
    claimed: ClaimedLease,
}

/// The lease that an instance claimed last, for whoever has to release it when
/// the instance is stopped from outside.
#[derive(Clone, Default)]
pub struct ClaimedLease(Arc<Mutex<Option<Lease>>>);

/// Marks the sandbox as the data behind the linked capabilities.
pub struct Linked;

impl HasData for Linked {
    type Data<'a> = &'a mut Sandbox;
}

impl Sandbox {
    /// A store with these grants that yields at each epoch.
    pub fn store(engine: &wasmtime::Engine, grants: &Grants) -> Store<Self> {
        let printed = MemoryOutputPipe::new(PRINTED);
        let sandbox = Self {
            table: ResourceTable::new(),
            wasi: WasiCtxBuilder::new().stderr(printed.clone()).build(),
            http: WasiHttpCtx::new(),
            egress: grants.egress.clone(),
            limits: StoreLimitsBuilder::new()
                .memory_size(grants.max_memory)
                .build(),
            printed,
            settings: Arc::clone(&grants.settings),
            capabilities: grants.capabilities.clone(),
            claimed: ClaimedLease::default(),
        };
        let mut store = Store::new(engine, sandbox);
        store.limiter(|sandbox| &mut sandbox.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    pub fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    /// The capabilities of the host; an error means that an interface was
    /// linked for a component that was granted none.
    pub fn capabilities(&self) -> wasmtime::Result<Arc<Capabilities>> {
        self.capabilities
            .clone()
            .ok_or_else(|| wasmtime::format_err!("this component was granted no capabilities"))
    }

    pub fn claimed(&self) -> ClaimedLease {
        self.claimed.clone()
    }

    /// What the guest printed, as a panic does before it traps.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.contents()).into_owned()
    }
}

impl ClaimedLease {
    pub fn set(&self, lease: Option<Lease>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }

    pub fn take(&self) -> Option<Lease> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What every component needs: an empty WASI, wasi:http (guarded by its grant)
/// and its settings.
fn base_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    // Rust's standard library brings WASI 0.2 imports into every component.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    settings::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// For the API: no model, no progress.
pub fn api_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    health::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    task_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    task_queue::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    image_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    concept_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// For the pipeline: no queue, no health.
pub fn processor_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    task_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    image_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    concept_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    progress::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    image_model::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// For a model: no capability at all.
pub fn model_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    base_linker(engine)
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Sandbox {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.egress,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
