//! The wasmtime engine: pooled instances, yielding guests, code that is kept.
//!
//! Guests are never trusted to end or to yield by themselves: an epoch makes
//! them yield, and whoever waits for one drops its store when its time is over.

mod compiled;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use wasmtime::component::Component;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use compiled::CompiledCode;

/// How long a guest runs before it lets others run on its thread.
const EPOCH: Duration = Duration::from_millis(10);

/// What a slot of the pool keeps in memory between two instances, so that a new
/// one need not fault it in again.
const MEMORIES_KEPT: Kept = Kept {
    each: 512 << 10,
    in_all: 64 << 20,
};
const TABLES_KEPT: Kept = Kept {
    each: 64 << 10,
    in_all: 16 << 20,
};

/// How much the pool may hold at once.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    pub instances: u32,
    /// Calls at once beyond one or two for each instance.
    pub calls: u32,
    /// The largest memory that any instance may have, in bytes. Each store caps
    /// its own further.
    pub max_memory: usize,
}

/// In bytes. A slot that was used once stays as large as this, whether an
/// instance needed so much or not; a pool of thousands has to be frugal.
struct Kept {
    each: usize,
    in_all: usize,
}

impl Kept {
    fn of(&self, slots: u32) -> usize {
        let slots = usize::try_from(slots).unwrap_or(usize::MAX).max(1);
        self.each.min(self.in_all / slots)
    }
}

/// An engine and the thread that advances its epoch.
pub struct Engine {
    engine: wasmtime::Engine,
    compiled: Option<CompiledCode>,
    ticking: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Engine {
    /// `cache`: a directory for compiled code, which is gone without where it
    /// cannot be used. It has to be as trusted as the executable, since what is
    /// in it is run.
    pub fn new(pool: Pool, cache: Option<&Path>) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.epoch_interruption(true);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(pool)));
        let engine = wasmtime::Engine::new(&config).map_err(anyhow::Error::from)?;
        let ticking = Arc::new(AtomicBool::new(true));
        let ticker = std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn({
                let (engine, ticking) = (engine.weak(), Arc::clone(&ticking));
                move || {
                    while ticking.load(Ordering::Relaxed) {
                        std::thread::sleep(EPOCH);
                        let Some(engine) = engine.upgrade() else {
                            return;
                        };
                        engine.increment_epoch();
                    }
                }
            })
            .context("starting the epoch thread")?;
        Ok(Self {
            engine,
            compiled: cache.map(CompiledCode::open),
            ticking,
            ticker: Some(ticker),
        })
    }

    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Compiles a component, unless the directory has it compiled.
    pub fn component(&self, bytes: &[u8]) -> anyhow::Result<Component> {
        match &self.compiled {
            Some(compiled) => compiled.component(&self.engine, bytes),
            None => Component::new(&self.engine, bytes).map_err(anyhow::Error::from),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.ticking.store(false, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            // It only sleeps and counts: it has nothing to report.
            let _ = ticker.join();
        }
    }
}

fn pooling(pool: Pool) -> PoolingAllocationConfig {
    // A component is its own module and the shims that the linker adds.
    let modules = pool.instances.saturating_mul(4);
    let tables = pool.instances.saturating_mul(2);
    let mut config = PoolingAllocationConfig::new();
    config
        .total_component_instances(pool.instances)
        .total_core_instances(modules)
        .total_memories(pool.instances)
        .total_tables(tables)
        .total_stacks(tables.saturating_add(pool.calls))
        .max_memory_size(pool.max_memory)
        .max_unused_warm_slots(8)
        .linear_memory_keep_resident(MEMORIES_KEPT.of(pool.instances))
        .table_keep_resident(TABLES_KEPT.of(tables));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_pool_keeps_no_more_than_a_small_one() {
        for (slots, expected) in [(0, 512 << 10), (100, 512 << 10), (2048, 32 << 10)] {
            assert_eq!(MEMORIES_KEPT.of(slots), expected, "{slots} slots");
        }
    }
}
