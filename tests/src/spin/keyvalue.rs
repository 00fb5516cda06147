//! `wasi:keyvalue`, as linked into a component: handles of stores and of swaps,
//! in tables of one instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmtime::component::{HasData, Resource};

use super::bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use super::bindings::wasi::keyvalue::batch;
use super::bindings::wasi::keyvalue::store::{self, Bucket, Error, KeyResponse};
use super::store::{Comparison, Database, Store, Swapped};

/// What one instance has of it.
pub struct KeyValue {
    database: Database,
    /// The stores that the manifest grants.
    granted: Arc<BTreeSet<String>>,
    buckets: Table<Store>,
    swaps: Table<Swap>,
}

struct Swap {
    comparison: Comparison,
    bucket: u32,
}

/// Marks the state as what is behind `wasi:keyvalue`.
pub struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = &'a mut KeyValue;
}

/// As many as there are numbers.
struct Table<T> {
    next: u32,
    entries: BTreeMap<u32, T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            next: 0,
            entries: BTreeMap::new(),
        }
    }
}

impl<T> Table<T> {
    fn push(&mut self, entry: T) -> u32 {
        while self.entries.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let key = self.next;
        self.next = self.next.wrapping_add(1);
        self.entries.insert(key, entry);
        key
    }
}

type Answer<T, E = Error> = wasmtime::Result<Result<T, E>>;

impl KeyValue {
    pub fn new(database: Database, granted: Arc<BTreeSet<String>>) -> Self {
        Self {
            database,
            granted,
            buckets: Table::default(),
            swaps: Table::default(),
        }
    }

    fn store(&self, bucket: u32) -> Result<&Store, Error> {
        let store = self.buckets.entries.get(&bucket);
        store.ok_or(Error::NoSuchStore)
    }

    fn swap_of(&mut self, swap: u32) -> Result<&mut Swap, Error> {
        let swap = self.swaps.entries.get_mut(&swap);
        swap.ok_or_else(|| Error::Other("invalid compare and swap".to_owned()))
    }

    fn new_swap(&mut self, bucket: u32, key: String) -> Result<u32, Error> {
        let comparison = self.store(bucket)?.comparison(key);
        Ok(self.swaps.push(Swap { comparison, bucket }))
    }

    /// A lost swap hands out the next one, which has read already. It has to
    /// find its bucket open for that.
    fn swapped(&mut self, swap: u32, value: &[u8]) -> Result<(), CasError> {
        let swap = self.swap_of(swap).map_err(CasError::StoreError)?;
        match swap.comparison.swap(value).map_err(CasError::StoreError)? {
            Swapped::Done => Ok(()),
            Swapped::Lost => {
                let (bucket, key) = (swap.bucket, swap.comparison.key().to_owned());
                let next = self.new_swap(bucket, key).map_err(CasError::StoreError)?;
                let read = self
                    .swap_of(next)
                    .and_then(|swap| swap.comparison.current());
                read.map_err(CasError::StoreError)?;
                Err(CasError::CasFailed(Resource::new_own(next)))
            }
        }
    }
}

impl store::Host for &mut KeyValue {
    fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        if !self.granted.contains(&identifier) {
            return Ok(Err(Error::AccessDenied));
        }
        let store = self.database.store(&identifier);
        Ok(Ok(Resource::new_own(self.buckets.push(store))))
    }
}

impl store::HostBucket for &mut KeyValue {
    fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.store(bucket.rep()).and_then(|store| store.get(&key)))
    }

    fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| store.set(&key, &value)))
    }

    fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| store.delete(&key)))
    }

    fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| store.exists(&key)))
    }

    fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Answer<KeyResponse> {
        if cursor.is_some() {
            let unsupported = "list_keys: cursor not supported".to_owned();
            return Ok(Err(Error::Other(unsupported)));
        }
        let keys = self.store(bucket.rep()).and_then(Store::keys);
        Ok(keys.map(|keys| KeyResponse { keys, cursor: None }))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.buckets.entries.remove(&bucket.rep());
        Ok(())
    }
}

impl batch::Host for &mut KeyValue {
    fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| match keys.is_empty() {
            true => Ok(Vec::new()),
            false => store.get_many(&keys),
        }))
    }

    fn set_many(&mut self, bucket: Resource<Bucket>, pairs: Vec<(String, Vec<u8>)>) -> Answer<()> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| match pairs.is_empty() {
            true => Ok(()),
            false => store.set_many(&pairs),
        }))
    }

    fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| match keys.is_empty() {
            true => Ok(()),
            false => store.delete_many(&keys),
        }))
    }
}

impl atomics::Host for &mut KeyValue {
    fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Answer<i64> {
        let store = self.store(bucket.rep());
        Ok(store.and_then(|store| store.increment(&key, delta)))
    }

    /// What was handed over stays in the table, as it does in Spin.
    fn swap(&mut self, swap: Resource<Cas>, value: Vec<u8>) -> Answer<(), CasError> {
        Ok(self.swapped(swap.rep(), &value))
    }
}

impl atomics::HostCas for &mut KeyValue {
    fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Resource<Cas>> {
        Ok(self.new_swap(bucket.rep(), key).map(Resource::new_own))
    }

    fn current(&mut self, swap: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        let swap = self.swap_of(swap.rep());
        Ok(swap.and_then(|swap| swap.comparison.current()))
    }

    fn drop(&mut self, swap: Resource<Cas>) -> wasmtime::Result<()> {
        self.swaps.entries.remove(&swap.rep());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_swap_whose_bucket_was_closed_fails_for_good() {
        let granted = Arc::new(BTreeSet::from(["default".to_owned()]));
        let mut keyvalue = KeyValue::new(Database::in_memory().unwrap(), granted);
        let bucket = store::Host::open(&mut &mut keyvalue, "default".to_owned());
        let bucket = bucket.unwrap().unwrap().rep();
        let store = keyvalue.store(bucket).unwrap().clone();
        store.set("key", b"one").unwrap();
        let swap = keyvalue.new_swap(bucket, "key".to_owned()).unwrap();
        keyvalue
            .swap_of(swap)
            .unwrap()
            .comparison
            .current()
            .unwrap();
        store::HostBucket::drop(&mut &mut keyvalue, Resource::new_own(bucket)).unwrap();
        store.set("key", b"two").unwrap();
        let lost = keyvalue.swapped(swap, b"mine");
        assert!(matches!(
            lost,
            Err(CasError::StoreError(Error::NoSuchStore))
        ));
    }
}
