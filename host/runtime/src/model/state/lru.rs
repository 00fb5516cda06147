//! A size-limited LRU cache.

use lru::LruCache;

/// Overhead of an entry besides its key and value, in bytes.
const ENTRY: usize = 64;

pub struct Lru<V> {
    entries: LruCache<String, Entry<V>>,
    /// In bytes.
    most: usize,
    /// In bytes.
    size: usize,
}

struct Entry<V> {
    value: V,
    size: usize,
}

impl<V> Lru<V> {
    /// `most` is in bytes.
    pub fn new(most: usize) -> Self {
        Self {
            entries: LruCache::unbounded(),
            most,
            size: 0,
        }
    }

    pub fn get(&mut self, key: &str) -> Option<&V> {
        let entry = self.entries.get(key)?;
        Some(&entry.value)
    }

    /// Stores a value of this size in place of the previous one. False: it exceeds the
    /// limit, and nothing has changed.
    pub fn put(&mut self, key: &str, value: V, size: usize) -> bool {
        let size = size.saturating_add(key.len()).saturating_add(ENTRY);
        if size > self.most {
            return false;
        }
        self.remove(key);
        while self.size.saturating_add(size) > self.most
            && let Some((_, oldest)) = self.entries.pop_lru()
        {
            self.size = self.size.saturating_sub(oldest.size);
        }
        self.size += size;
        self.entries.put(key.to_owned(), Entry { value, size });
        true
    }

    pub fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.pop(key) {
            self.size = self.size.saturating_sub(entry.size);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let mut cache = Lru::new(3 * (ENTRY + 11));
        for key in ["a", "b", "c"] {
            assert!(cache.put(key, key.to_owned(), 10));
        }
        assert!(cache.get("a").is_some());
        assert!(cache.put("d", "d".to_owned(), 10));
        assert!(cache.get("b").is_none());
        assert!(!cache.put("e", "e".to_owned(), 3 * (ENTRY + 11)));
        for key in ["a", "c", "d"] {
            assert_eq!(cache.get(key).map(String::as_str), Some(key));
        }
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(
            puts in proptest::collection::vec(("[a-f]", 0usize..300), 0..50),
        ) {
            let mut cache = Lru::new(500);
            for (key, size) in puts {
                let fits = cache.put(&key, size, size);
                prop_assert_eq!(fits, size + 1 + ENTRY <= 500);
                let sizes: usize = cache.entries.iter().map(|(_, entry)| entry.size).sum();
                prop_assert_eq!(sizes, cache.size);
                prop_assert!(sizes <= 500);
                prop_assert!(!fits || cache.get(&key) == Some(&size));
            }
        }
    }
}
