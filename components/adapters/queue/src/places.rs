//! Slots for the messages of an instance.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A fixed number of slots.
pub struct Places {
    free: AtomicUsize,
}

/// A slot for one message, free again when dropped.
pub struct Place<'a>(&'a Places);

impl Places {
    pub const fn new(at_most: usize) -> Self {
        Self {
            free: AtomicUsize::new(at_most),
        }
    }

    /// None: no slot is free.
    pub fn take(&self) -> Option<Place<'_>> {
        self.free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| {
                free.checked_sub(1)
            })
            .ok()
            .map(|_| Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_no_more() {
        let places = Places::new(2);
        let (first, second) = (places.take(), places.take());
        assert!(first.is_some() && second.is_some());
        assert!(places.take().is_none());
        drop(first);
        let third = places.take();
        assert!(third.is_some(), "a place was not given back");
        assert!(places.take().is_none());
        drop((second, third));
        let all: Vec<_> = std::iter::from_fn(|| places.take()).collect();
        assert_eq!(all.len(), 2, "places were lost or made");
    }
}
