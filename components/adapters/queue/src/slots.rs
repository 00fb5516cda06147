//! Slots for the messages of an instance.

use std::sync::Arc;

/// A slot for one message, free again when dropped. None: all of them are taken.
pub fn take(slots: &Arc<()>, at_most: usize) -> Option<Arc<()>> {
    let slot = Arc::clone(slots);
    // All that share the value are counted, `slots` among them.
    (Arc::strong_count(&slot) <= at_most + 1).then_some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_and_no_more() {
        let slots = Arc::default();
        let taken = || take(&slots, 2);
        let (first, second) = (taken(), taken());
        assert!(first.is_some() && second.is_some());
        assert!(taken().is_none());
        drop(first);
        let third = taken();
        assert!(third.is_some(), "a place was not given back");
        assert!(taken().is_none());
        drop((second, third));
        let all: Vec<_> = std::iter::from_fn(taken).collect();
        assert_eq!(all.len(), 2, "places were lost or made");
    }
}
