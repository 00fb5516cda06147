//! The environment of a component instance: an empty WASI, its settings, its grant of
//! outbound HTTP, a memory limit, and the capabilities that are linked into it.

mod memory;
mod printed;
mod traced_requests;
mod wall_clock;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::blobs::Blobs;
use concept_refinement_capability::clock::Clock;
use concept_refinement_capability::health::Requester;
use concept_refinement_capability::model::RetryLater;
use concept_refinement_capability::payments::Payments;
use concept_refinement_capability::processor::LastStage;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::watchers::Watchers;
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::{CapabilityError, Claimed};
use concept_refinement_domain::redaction::Redaction;
use wasmtime::Store;
use wasmtime::component::{Accessor, HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::egress::Egress;
use crate::model::component::Next;
use crate::model::memory::Meter;
use crate::model::paid_call::PaidCall;
use crate::model::partial_edits::PartialEdits;
use crate::wasm::bounds::Bounds;
use memory::MemoryCap;
pub use memory::NoRoom;
use printed::{Pipe, Printed};
pub use printed::{Printer, Stream};
use traced_requests::TracedRequests;
pub use traced_requests::request_of;
use wall_clock::WallClock;

/// Most random bytes per call.
const RANDOM: u64 = 1 << 20;

/// The settings that one component may see, by name.
pub type GrantedSettings = BTreeMap<Cow<'static, str>, String>;

/// The grants that all instances of a component share.
#[derive(Clone)]
pub struct Grants {
    /// The settings that it may read.
    pub settings: Arc<GrantedSettings>,
    /// Its outbound HTTP.
    pub egress: Egress,
    /// Limit for all memories of an instance together, in bytes.
    pub max_memory: usize,
    /// Limits on other host memory for an instance.
    pub bounds: Bounds,
    /// The clock that it sees.
    pub clock: Arc<dyn Clock>,
    /// None for a model, which has no capabilities.
    pub capabilities: Option<Arc<Capabilities>>,
    /// Limits the watchers of its streams.
    pub watchers: Arc<Watchers>,
    /// None except for the processor and middleware.
    pub blobs: Option<Arc<Blobs>>,
    /// None except for the processor.
    pub partial_edits: Option<Arc<PartialEdits>>,
    /// Secrets to be removed from what a model prints or tells, and from what is logged of it.
    pub redaction: Arc<Redaction>,
}

impl Grants {
    /// These, and nothing else.
    pub fn only(egress: Egress, max_memory: usize, bounds: Bounds, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings: Arc::default(),
            egress,
            max_memory,
            bounds,
            clock,
            capabilities: None,
            watchers: Arc::default(),
            blobs: None,
            partial_edits: None,
            redaction: Arc::default(),
        }
    }
}

/// The data of one store.
pub struct Sandbox {
    /// The host objects that its instance has handles to.
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    /// Its outbound HTTP is its own.
    pub(crate) grants: Grants,
    memory: MemoryCap,
    printed: Arc<Printed>,
    /// How many more bytes it may write into blobs.
    blob_bytes: usize,
    /// The models behind it. None except for middleware.
    next: Option<Arc<Next>>,
    pub(crate) claimed_at: Option<Instant>,
    /// The user and the picture of the task that it works on.
    pub(crate) requester: Requester,
    /// Counts the paid calls of that task.
    pub(crate) payments: Payments,
    /// Its attempt at that task.
    pub(crate) attempt: Attempt,
    /// The traced requests that its instance is answering.
    pub(crate) requests: TracedRequests,
    /// None except for models and middleware.
    paid_call: Option<Arc<PaidCall>>,
    pub(crate) stage: LastStage,
    pub(crate) retry_later: RetryLater,
}

/// Tells wasmtime that the capabilities' data is the sandbox.
pub struct Linked;

impl HasData for Linked {
    type Data<'a> = &'a mut Sandbox;
}

/// A running component, as seen by the functions linked into it.
pub type Caller = Accessor<Sandbox, Linked>;

impl Sandbox {
    /// A store with these grants, whose guest yields at each epoch.
    pub fn store(engine: &wasmtime::Engine, grants: &Grants) -> Store<Self> {
        let printed = Arc::<Printed>::default();
        let mut store = Self::of_model(engine, grants, None, Arc::clone(&printed) as _);
        store.data_mut().printed = printed;
        store
    }

    /// Whether the guest asked for more memory than it may have.
    pub fn lacked_memory(&self) -> bool {
        self.memory.was_exceeded()
    }

    /// The same for an instance of a model, whose memory is metered together with that of
    /// others, and whose output goes to `printer`.
    pub fn of_model(
        engine: &wasmtime::Engine,
        grants: &Grants,
        meter: Option<Arc<Meter>>,
        printer: Arc<dyn Printer>,
    ) -> Store<Self> {
        let bounds = grants.bounds;
        let mut grants = grants.clone();
        grants.egress = grants.egress.at_most(bounds.exchanges);
        let mut table = ResourceTable::new();
        table.set_max_capacity(bounds.resources);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(bounds.fields);
        let sandbox = Self {
            table,
            wasi: empty_wasi(&printer, &grants.clock),
            http,
            memory: MemoryCap::new(grants.max_memory, bounds, meter),
            grants,
            printed: Arc::default(),
            blob_bytes: bounds.blobs,
            next: None,
            claimed_at: None,
            payments: Payments::default(),
            attempt: Attempt::default(),
            requests: TracedRequests::default(),
            paid_call: None,
            requester: Requester::default(),
            stage: LastStage::default(),
            retry_later: RetryLater::default(),
        };
        let mut store = Store::new(engine, sandbox);
        store.limiter_async(|sandbox| &mut sandbox.memory);
        store.set_hostcall_fuel(bounds.transfer);
        store.set_max_component_handles(bounds.handles);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(bounds.concurrency);
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    /// The value of a granted setting.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.grants.settings.get(name).cloned()
    }

    /// The host's capabilities. Fails if an interface was linked for a
    /// component without capabilities.
    pub fn capabilities(&self) -> wasmtime::Result<Arc<Capabilities>> {
        let host = self.grants.capabilities.clone();
        host.ok_or_else(|| wasmtime::format_err!("this component was granted no capabilities"))
    }

    /// Fails if the interface was linked for a component without a grant.
    pub fn blobs(&self) -> wasmtime::Result<&Arc<Blobs>> {
        let blobs = self.grants.blobs.as_ref();
        blobs.ok_or_else(|| wasmtime::format_err!("this component was granted no blobs"))
    }

    /// Fails if the interface was linked for a component without a grant.
    pub fn partial_edits(&self) -> wasmtime::Result<Arc<PartialEdits>> {
        let edits = self.grants.partial_edits.clone();
        edits.ok_or_else(|| wasmtime::format_err!("this component was granted no edits"))
    }

    /// Deducts bytes from what its instance may write into blobs.
    pub fn take_blob_bytes(&mut self, bytes: usize) -> Result<(), CapabilityError> {
        let left = self.blob_bytes.checked_sub(bytes);
        let left = left.ok_or_else(|| CapabilityError::invalid("These are too many bytes."))?;
        self.blob_bytes = left;
        Ok(())
    }

    /// Makes the instance a middleware in front of these models.
    pub fn set_next(&mut self, next: Arc<Next>) {
        self.next = Some(next);
    }

    /// Fails if this component is not a middleware.
    pub fn next(&self) -> wasmtime::Result<Arc<Next>> {
        let next = self.next.clone();
        next.ok_or_else(|| wasmtime::format_err!("this component stands before no model"))
    }

    /// Sets the paid call that counts its requests and keeps its receipts.
    pub fn count(&mut self, call: Arc<PaidCall>) {
        self.grants.egress.count(Arc::clone(&call));
        self.paid_call = Some(call);
    }

    /// Fails if the interface was linked into a component that is not a model.
    pub fn paid_call(&self) -> wasmtime::Result<Arc<PaidCall>> {
        let call = self.paid_call.clone();
        call.ok_or_else(|| wasmtime::format_err!("this component keeps no receipts"))
    }

    /// Makes it work on this task.
    pub fn work_on(&mut self, claimed: &Claimed, attempt: Attempt) {
        if let Some(host) = &self.grants.capabilities {
            self.payments = host.payments(claimed, Arc::new(Tokio::default()), attempt.clone());
        }
        self.claimed_at = Some(Instant::now());
        self.requester = Requester::of(&claimed.task);
        self.attempt = attempt;
    }

    /// The output of one of our own components since the last call, such as a panic
    /// message before a trap.
    pub fn printed(&self) -> String {
        self.printed.take()
    }

    /// Whether something was printed since then.
    pub fn has_printed(&self) -> bool {
        !self.printed.is_empty()
    }
}

/// No files, no sockets, and a limited amount of randomness per call.
fn empty_wasi(printer: &Arc<dyn Printer>, clock: &Arc<dyn Clock>) -> WasiCtx {
    let pipe = |stream| Pipe {
        to: Arc::clone(printer),
        stream,
    };
    WasiCtxBuilder::new()
        .stdout(pipe(Stream::Output))
        .stderr(pipe(Stream::Error))
        .wall_clock(WallClock(Arc::clone(clock)))
        .allow_tcp(false)
        .allow_udp(false)
        .max_random_size(RANDOM)
        .build()
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
            hooks: &mut self.grants.egress,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_capability::clock::SystemClock;
    use concept_refinement_capability::tls::Trust;
    use wasmtime::{Instance, Module};

    use super::*;
    use crate::egress::{Grant, Network, resolver};
    use crate::wasm::engine::{Engine, Pool};

    const MIB: usize = 1 << 20;

    /// A module with a memory of 16 MiB and nothing else.
    const MEMORY: &[u8] = b"\0asm\x01\0\0\0\x05\x04\x01\x00\x80\x02";

    #[tokio::test]
    async fn many_memories_take_no_more_than_one() {
        let pool = Pool {
            instances: 4,
            calls: 1,
            max_memory: 64 * MIB,
        };
        let engine = Engine::new(pool, None, &[]).unwrap();
        let network = Network::new(resolver::system(), &Trust::default()).unwrap();
        let module = Module::new(engine.wasmtime(), MEMORY).unwrap();
        for (max_memory, expected) in [(15, 0), (16, 1), (47, 2), (48, 3)] {
            let egress = Egress::new(Grant::Nothing, &network);
            let clock = Arc::new(SystemClock);
            let grants = Grants::only(egress, max_memory * MIB, Bounds::SERVICE, clock);
            let mut store = Sandbox::store(engine.wasmtime(), &grants);
            let mut instances = 0;
            while Instance::new_async(&mut store, &module, &[]).await.is_ok() {
                instances += 1;
            }
            assert_eq!(instances, expected, "{max_memory} MiB");
        }
    }
}
