//! Slots for the messages of an instance.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A fixed number of slots.
pub struct Slots {
    free: AtomicUsize,
}

/// A slot for one message, free again when dropped.
pub struct Slot<'a>(&'a Slots);

impl Slots {
    pub const fn new(at_most: usize) -> Self {
        Self {
            free: AtomicUsize::new(at_most),
        }
    }

    /// None: no slot is free.
    pub fn take(&self) -> Option<Slot<'_>> {
        self.free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| {
                free.checked_sub(1)
            })
            .ok()
            .map(|_| Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_no_more() {
        let slots = Slots::new(2);
        let (first, second) = (slots.take(), slots.take());
        assert!(first.is_some() && second.is_some());
        assert!(slots.take().is_none());
        drop(first);
        let third = slots.take();
        assert!(third.is_some(), "a place was not given back");
        assert!(slots.take().is_none());
        drop((second, third));
        let all: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        assert_eq!(all.len(), 2, "places were lost or made");
    }
}
