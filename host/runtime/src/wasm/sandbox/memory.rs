//! Limits the growth of a store's memories and tables.

use std::sync::Arc;

use wasmtime::ResourceLimiterAsync;
use wasmtime_wasi::async_trait;

use crate::model::memory::Meter;
use crate::wasm::bounds::Bounds;

/// Other instances use the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory for another instance at the moment")]
pub struct NoRoom;

/// Limits all memories of a store together, since a component may have many modules with
/// a memory each.
pub struct MemoryCap {
    bytes: usize,
    most: usize,
    elements: usize,
    bounds: Bounds,
    /// None: the store is not counted with others.
    meter: Option<Arc<Meter>>,
    was_exceeded: bool,
}

impl MemoryCap {
    /// `most` is in bytes.
    pub fn new(most: usize, bounds: Bounds, meter: Option<Arc<Meter>>) -> Self {
        Self {
            bytes: 0,
            most,
            elements: 0,
            bounds,
            meter,
            was_exceeded: false,
        }
    }

    /// Whether the guest asked for more memory than it may have.
    pub fn was_exceeded(&self) -> bool {
        self.was_exceeded
    }
}

#[async_trait]
impl ResourceLimiterAsync for MemoryCap {
    /// A growth that fails afterwards still counts: wasmtime does not tell how much
    /// failed, and subtracting it could undo real growth.
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > self.most {
            self.was_exceeded = true;
            return Ok(false);
        }
        if let Some(meter) = &self.meter
            && !meter.grow(bytes as u64)?
        {
            return Ok(false);
        }
        self.bytes = bytes;
        Ok(true)
    }

    async fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current);
        let elements = self.elements.saturating_add(elements);
        let fits = elements <= self.bounds.elements;
        if fits {
            self.elements = elements;
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.bounds.modules
    }

    fn tables(&self) -> usize {
        self.bounds.tables
    }

    fn memories(&self) -> usize {
        self.bounds.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_memory_grows_as_far_as_the_cap() {
        let mut cap = MemoryCap::new(100, Bounds::MODEL, None);
        for (current, desired, expected) in [
            (0, 60, true),
            (0, 50, false),
            (60, 70, true),
            (0, 30, true),
            (70, 71, false),
            (71, usize::MAX, false),
            (70, 70, true),
        ] {
            let fits = cap.memory_growing(current, desired, None).await.unwrap();
            assert_eq!(fits, expected, "{current} to {desired}");
        }
    }

    #[tokio::test]
    async fn all_tables_together_grow_as_far_as_the_bound() {
        let mut cap = MemoryCap::new(0, Bounds::MODEL, None);
        let most = Bounds::MODEL.elements;
        for (current, desired, expected) in [
            (0, most - 10, true),
            (0, 11, false),
            (0, 10, true),
            (10, 11, false),
            (0, usize::MAX, false),
        ] {
            let fits = cap.table_growing(current, desired, None).await.unwrap();
            assert_eq!(fits, expected, "{current} to {desired}");
        }
    }
}
