//! The wasmtime engine: pooled instances, preempted guests, cached code.
//!
//! Guests are not trusted to end or to yield: epochs make them yield, and the caller
//! drops the store on a timeout.

pub mod ahead;
mod compiled;
pub mod constant;
mod in_place;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::wasm::bounds::Bounds;
use ahead::Ahead;
use compiled::CompiledCode;

/// How long a guest runs before it yields its thread.
const EPOCH: Duration = Duration::from_millis(10);

/// What a slot of the pool keeps resident between two instances, so that a new instance has
/// fewer page faults: at most the first number of bytes, and all slots the second.
const RESIDENT_MEMORY: [usize; 2] = [512 << 10, 64 << 20];
const RESIDENT_TABLE: [usize; 2] = [64 << 10, 16 << 20];

/// Capacity of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Most instances at a time, of all components together.
    pub instances: u32,
    /// Concurrent calls beyond one or two per instance.
    pub calls: u32,
    /// Largest memory of any instance, in bytes. Each store has a lower limit
    /// of its own.
    pub max_memory: usize,
}

/// Above this size, in bytes, a component takes seconds to compile.
const LARGE: usize = 4_000_000;

/// Receives a sentence about a component that takes long to compile.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// An engine whose epoch a thread advances.
pub struct Engine {
    engine: wasmtime::Engine,
    ahead: Ahead,
    compiled: Option<CompiledCode>,
    tell: Tell,
}

impl Engine {
    /// `cache`: a directory for compiled code; if it cannot be used, code is compiled
    /// each time. It must be as trusted as the executable, since its contents are
    /// executed. `ahead`: code embedded in this executable. Slow compilations of large
    /// components are logged.
    pub fn new(pool: Pool, cache: Option<&Path>, ahead: Ahead) -> anyhow::Result<Self> {
        let mut config = config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(pool)));
        let engine = wasmtime::Engine::new(&config).map_err(anyhow::Error::from);
        let engine = match getrlimit(Resource::As).current {
            Some(_) => engine.context(
                "if memory cannot be reserved: the pool takes much address space, which is not used, \
                 so this process must have no limit of it (`ulimit -v`)",
            )?,
            None => engine?,
        };
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || {
                // Until the last user of the engine is gone. Nobody waits for this thread, so
                // it may end a little later, and may be what frees the pool.
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(EPOCH);
                }
            })
            .context("starting the epoch thread")?;
        Ok(Self {
            engine,
            ahead,
            compiled: cache.map(CompiledCode::open),
            tell: Arc::new(|sentence| tracing::info!("{sentence}")),
        })
    }

    /// Reports slow compilations to this function instead of the log.
    pub fn telling(mut self, tell: Tell) -> Self {
        self.tell = tell;
        self
    }

    /// The underlying wasmtime engine.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Loads a component from the code compiled ahead or from the cache, or compiles it.
    pub fn component(&self, name: &str, bytes: &[u8]) -> anyhow::Result<Component> {
        let sum = Sha256::digest(bytes).into();
        if let Some(component) = ahead::component(&self.engine, self.ahead, &sum) {
            return Ok(component);
        }
        let compile = || self.compile(name, bytes);
        match &self.compiled {
            Some(compiled) => compiled.component(&self.engine, &sum, compile),
            None => compile(),
        }
    }

    fn compile(&self, name: &str, bytes: &[u8]) -> anyhow::Result<Component> {
        let is_large = bytes.len() >= LARGE;
        if is_large {
            let megabytes = bytes.len().div_ceil(1_000_000);
            let how_often = match &self.compiled {
                Some(compiled) => format!("once; it is cached in {}", compiled.directory()),
                None => "as at each start: there is no directory for a cache".to_owned(),
            };
            (self.tell)(&format!("compiling {name} ({megabytes} MB), {how_often}"));
        }
        let begin = Instant::now();
        let component = Component::new(&self.engine, bytes).map_err(anyhow::Error::from)?;
        if is_large {
            let seconds = begin.elapsed().as_secs_f32();
            (self.tell)(&format!("compiled {name} in {seconds:.1} s"));
        }
        Ok(component)
    }
}

/// The settings that compiled code depends on.
fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.epoch_interruption(true);
    // A tenth of the code in memory, for offsets in backtraces that nobody reads: they name
    // functions without it.
    config.generate_address_map(false);
    in_place::configure(&mut config);
    config
}

fn pooling(pool: Pool) -> PoolingAllocationConfig {
    // A component consists of its own module and the linker's shims; a model may be
    // composed of several components, as far as its limits allow.
    let each = |slots: usize| {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        pool.instances.saturating_mul(slots)
    };
    let tables = pool.instances.saturating_mul(2);
    let mut config = PoolingAllocationConfig::new();
    config
        .total_component_instances(pool.instances)
        .total_core_instances(each(Bounds::MODEL.modules))
        .total_memories(each(Bounds::MODEL.memories))
        .total_tables(each(Bounds::MODEL.tables))
        .total_stacks(tables.saturating_add(pool.calls))
        .max_memory_size(pool.max_memory)
        .max_unused_warm_slots(8)
        // If the kernel can tell which pages were written (Linux 6.7), only these are
        // cleared, and none has to be faulted in again.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(resident(RESIDENT_MEMORY, pool.instances))
        .table_keep_resident(resident(RESIDENT_TABLE, tables));
    config
}

/// What each slot keeps, in bytes. A used one keeps this much, so a pool of thousands must be
/// frugal.
fn resident([each, in_all]: [usize; 2], slots: u32) -> usize {
    let slots = usize::try_from(slots).unwrap_or(usize::MAX).max(1);
    each.min(in_all / slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_pool_keeps_no_more_than_a_small_one() {
        for (slots, expected) in [(0, 512 << 10), (100, 512 << 10), (2048, 32 << 10)] {
            let resident = resident(RESIDENT_MEMORY, slots);
            assert_eq!(resident, expected, "{slots} slots");
        }
    }
}
