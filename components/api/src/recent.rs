//! A memory of recent actions, so that an instance does not repeat them for each request.
//! Other instances do not share it, so it may only be used to save work.

use std::cell::RefCell;
use std::collections::BTreeMap;

use concept_refinement_domain::timestamp::Timestamp;

/// Limit of entries. Actions beyond it are repeated.
const CAPACITY: usize = 1024;

pub struct Recent<V>(RefCell<BTreeMap<String, Entry<V>>>);

struct Entry<V> {
    at: Timestamp,
    until: Timestamp,
    value: V,
}

impl<V: Clone> Recent<V> {
    /// An entry that is still valid. Entries from the future are ignored: the clock was
    /// set back.
    pub fn get(&self, key: &str, now: Timestamp) -> Option<V> {
        let entries = self.0.borrow();
        let entry = entries.get(key).filter(|entry| entry.holds(now))?;
        Some(entry.value.clone())
    }

    /// Adds an entry that is valid from now on. False: there are too many entries.
    pub fn put(&self, key: &str, value: V, now: Timestamp, until: Timestamp) -> bool {
        let mut entries = self.0.borrow_mut();
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.holds(now));
        }
        let has_room = entries.len() < CAPACITY || entries.contains_key(key);
        if has_room {
            let at = now;
            entries.insert(key.to_owned(), Entry { at, until, value });
        }
        has_room
    }
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<V> Entry<V> {
    fn holds(&self, now: Timestamp) -> bool {
        (self.at..self.until).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn it_is_remembered_for_a_while() {
        let recent = Recent::default();
        assert!(recent.put("a", 1, at(10), at(20)));
        for (now, expected) in [(9, None), (10, Some(1)), (19, Some(1)), (20, None)] {
            assert_eq!(recent.get("a", at(now)), expected, "at {now}");
        }
        assert_eq!(recent.get("b", at(10)), None);
    }

    #[test]
    fn it_has_a_bound() {
        let recent = Recent::default();
        for key in 0..CAPACITY {
            assert!(recent.put(&key.to_string(), (), at(10), at(20)));
        }
        assert!(!recent.put("one more", (), at(19), at(30)));
        assert!(recent.put("0", (), at(19), at(30)), "it is there already");
        assert!(recent.put("one more", (), at(20), at(30)));
        assert_eq!(recent.0.borrow().len(), 2);
    }
}
