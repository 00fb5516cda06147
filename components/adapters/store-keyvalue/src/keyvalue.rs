//! Records and documents in one bucket.
//!
//! A swap in `wasi:keyvalue` compares values, and is not atomic for an absent key: if two
//! writers swap an absent key, both succeed. So each record has a gate, `gate/KEY`: an
//! 8-byte number that an increment by 0 creates atomically. While it is 0 there is no
//! record. To create a record, a writer stores it under a random name and swaps the gate
//! from 0 to that name; only one writer wins, and a crash leaves at most a value that
//! nothing refers to. After that the gate never changes, and the record itself is
//! swapped.
//!
//! The gate always has 8 bytes: on some platforms, incrementing anything else makes the
//! bucket unusable until they are restarted.

use std::collections::HashMap;

use concept_refinement_adapter_store::ports::{Documents, Fault, Records};
use wasip3::random::random;

use crate::KeyValue;
use crate::generated::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::generated::wasi::keyvalue::batch;
use crate::generated::wasi::keyvalue::store::{self, Bucket, Error};

/// The default bucket of an application.
const BUCKET: &str = "default";

/// State that a swap needs. The bucket is kept open, since a platform may need it to
/// report a lost swap.
pub struct Held {
    seen: Seen,
    bucket: Bucket,
}

enum Seen {
    /// There was no record: its gate was 0.
    Absent { key: String, gate: Cas },
    /// The record that was read.
    Present(Cas),
}

impl Records for KeyValue {
    type Held = Held;

    async fn read(&self, key: &str) -> Result<(Option<Vec<u8>>, Held), Fault> {
        let bucket = bucket()?;
        let gate = gate_key(key);
        let mut seen = bucket.get(&gate).map_err(fault)?;
        let mut held = None;
        if name_in(seen.as_deref())?.is_none() {
            // Creates the gate if needed, at the cost of a write.
            atomics::increment(&bucket, &gate, 0).map_err(fault)?;
            let cas = Cas::new(&bucket, &gate).map_err(fault)?;
            seen = cas.current().map_err(fault)?;
            held = Some(cas);
        }
        let (value, seen) = match (name_in(seen.as_deref())?, held) {
            (Some(name), _) => {
                let record = Cas::new(&bucket, &record_key(key, name)).map_err(fault)?;
                let value = record.current().map_err(fault)?;
                let value = value.ok_or(Fault::Invalid("A record is gone."))?;
                (Some(value), Seen::Present(record))
            }
            (None, Some(gate)) => {
                let key = key.to_owned();
                (None, Seen::Absent { key, gate })
            }
            (None, None) => return Err(Fault::Invalid("The gate of a record is gone.")),
        };
        Ok((value, Held { seen, bucket }))
    }

    async fn peek(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        let bucket = bucket()?;
        let Some(name) = name_in(bucket.get(&gate_key(key)).map_err(fault)?.as_deref())? else {
            return Ok(None);
        };
        let value = bucket.get(&record_key(key, name)).map_err(fault)?;
        value.ok_or(Fault::Invalid("A record is gone.")).map(Some)
    }

    async fn swap(&self, held: Held, value: Vec<u8>) -> Result<bool, Fault> {
        let Held { seen, bucket } = held;
        match seen {
            Seen::Present(record) => swap(record, &value),
            Seen::Absent { key, gate } => {
                let name = random::get_random_u64().max(1);
                let record = record_key(&key, name);
                bucket.set(&record, &value).map_err(fault)?;
                let is_created = swap(gate, &name.to_le_bytes())?;
                if !is_created {
                    bucket.delete(&record).map_err(fault)?;
                }
                Ok(is_created)
            }
        }
    }
}

impl Documents for KeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        bucket()?.get(key).map_err(fault)
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // Missing keys may be omitted, and the order is arbitrary.
        let found = batch::get_many(&bucket()?, keys).map_err(fault)?;
        let mut found: HashMap<_, _> = found.into_iter().collect();
        Ok(keys.iter().map(|key| found.remove(key).flatten()).collect())
    }

    async fn set_many(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        batch::set_many(&bucket()?, &documents).map_err(fault)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Fault> {
        batch::delete_many(&bucket()?, keys).map_err(fault)
    }
}

fn bucket() -> Result<Bucket, Fault> {
    store::open(BUCKET).map_err(fault)
}

fn gate_key(key: &str) -> String {
    format!("gate/{key}")
}

fn record_key(key: &str, name: u64) -> String {
    format!("{key}/{name:016x}")
}

/// The name stored in a gate. None: there is no record.
fn name_in(gate: Option<&[u8]>) -> Result<Option<u64>, Fault> {
    let Some(gate) = gate else {
        return Ok(None);
    };
    let name: [u8; 8] = gate
        .try_into()
        .map_err(|_| Fault::Invalid("The gate of a record is damaged."))?;
    Ok(Some(u64::from_le_bytes(name)).filter(|name| *name != 0))
}

fn swap(held: Cas, value: &[u8]) -> Result<bool, Fault> {
    match atomics::swap(held, value) {
        Ok(()) => Ok(true),
        Err(CasError::CasFailed(_)) => Ok(false),
        Err(CasError::StoreError(error)) => Err(fault(error)),
    }
}

fn fault(error: Error) -> Fault {
    Fault::Unavailable(match error {
        Error::NoSuchStore => format!("there is no bucket {BUCKET}"),
        Error::AccessDenied => format!("the bucket {BUCKET} is not granted"),
        Error::Other(reason) => reason,
    })
}
