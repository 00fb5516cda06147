//! What the store of one instance holds.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::{Clock as _, ManualClock};
use concept_refinement_tests::spin::keyvalue::KeyValue;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::keyvalue::Spin;

/// As much as an instance may print.
const PRINTED: usize = 1 << 20;

pub struct Guest {
    wasi: WasiCtx,
    table: ResourceTable,
    printed: MemoryOutputPipe,
    spin: Option<Spin>,
}

impl Guest {
    /// `wasi` with what the platform grants. The time of day is that of the
    /// suite's clock, in WASI 0.2 and 0.3; the time that passes is real.
    pub fn new(wasi: &mut WasiCtxBuilder, spin: Option<Spin>, clock: Arc<ManualClock>) -> Self {
        let printed = MemoryOutputPipe::new(PRINTED);
        Self {
            wasi: wasi
                .wall_clock(TimeOfDay(clock))
                .stderr(printed.clone())
                .build(),
            table: ResourceTable::new(),
            printed,
            spin,
        }
    }

    /// What there is besides WASI on a platform that links it.
    pub fn spin(&mut self) -> &mut Spin {
        self.spin.as_mut().expect("it is linked for this platform")
    }

    pub fn keyvalue(&mut self) -> &mut KeyValue {
        &mut self.spin().keyvalue
    }

    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.contents()).into_owned()
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

struct TimeOfDay(Arc<ManualClock>);

impl HostWallClock for TimeOfDay {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.0.now().0)
    }
}
