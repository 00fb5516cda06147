//! How far the memories of one store may grow.

use wasmtime::ResourceLimiter;

/// Limits all memories of a store together, since a component may have many
/// modules with a memory each.
pub struct MemoryCap {
    taken: usize,
    most: usize,
}

impl MemoryCap {
    pub fn new(most: usize) -> Self {
        Self { taken: 0, most }
    }
}

impl ResourceLimiter for MemoryCap {
    /// A growth that fails later still counts: wasmtime does not say how much
    /// failed, and undoing it could undo real growth.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let taken = self.taken.saturating_add(desired.saturating_sub(current));
        let fits = taken <= self.most;
        if fits {
            self.taken = taken;
        }
        Ok(fits)
    }

    /// Tables are limited by the pool.
    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_grows_as_far_as_the_cap() {
        let mut cap = MemoryCap::new(100);
        for (current, desired, expected) in [
            (0, 60, true),
            (0, 50, false),
            (60, 70, true),
            (0, 30, true),
            (70, 71, false),
            (71, usize::MAX, false),
            (70, 70, true),
        ] {
            let fits = cap.memory_growing(current, desired, None).unwrap();
            assert_eq!(fits, expected, "{current} to {desired}");
        }
    }
}
