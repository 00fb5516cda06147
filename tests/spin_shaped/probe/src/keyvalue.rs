//! Commands for `wasi:keyvalue`, on the bucket `default` unless another is open:
//!
//! - `open NAME`, `get KEY`, `set KEY VALUE`, `delete KEY`, `exists KEY`,
//!   `list [CURSOR]`, `increment KEY NUMBER`
//! - `many KEY…`, `set-many KEY VALUE…`, `delete-many KEY…`
//! - `new HANDLE KEY`, `current HANDLE`, `swap HANDLE VALUE`: a compare-and-swap
//!   under a name, which lives as long as the request; a lost one stays under
//!   its name with what the store handed out in its place

use std::collections::BTreeMap;

use crate::component::bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::component::bindings::wasi::keyvalue::batch;
use crate::component::bindings::wasi::keyvalue::store::{self, Bucket, Error};

#[derive(Default)]
pub struct KeyValue {
    // Before their bucket: in this order they are dropped.
    handles: BTreeMap<String, Cas>,
    bucket: Option<Bucket>,
}

impl KeyValue {
    pub fn obeyed(&mut self, words: &[&str]) -> String {
        match self.tried(words) {
            Ok(answer) => answer,
            Err(error) => format!("error {error:?}"),
        }
    }

    fn tried(&mut self, words: &[&str]) -> Result<String, Error> {
        if let ["open", name] = words {
            self.bucket = Some(store::open(name)?);
            return Ok("open".to_owned());
        }
        let bucket = match &self.bucket {
            Some(bucket) => bucket,
            None => self.bucket.insert(store::open("default")?),
        };
        Ok(match words {
            ["get", key] => shown(bucket.get(key)?),
            ["set", key, value] => {
                bucket.set(key, value.as_bytes())?;
                "set".to_owned()
            }
            ["delete", key] => {
                bucket.delete(key)?;
                "deleted".to_owned()
            }
            ["exists", key] => bucket.exists(key)?.to_string(),
            ["list"] => bucket.list_keys(None)?.keys.join(" "),
            ["list", cursor] => bucket.list_keys(Some(cursor))?.keys.join(" "),
            ["increment", key, number] => {
                let number = number.parse().unwrap_or_default();
                atomics::increment(bucket, key, number)?.to_string()
            }
            ["many", keys @ ..] => {
                let found = batch::get_many(bucket, &owned(keys))?;
                let shown = found.into_iter();
                let shown = shown.map(|(key, value)| format!("{key}:{}", shown_value(value)));
                shown.collect::<Vec<_>>().join(" ")
            }
            ["set-many", pairs @ ..] => {
                let pairs = pairs.chunks_exact(2).filter_map(|pair| match pair {
                    [key, value] => Some(((*key).to_owned(), value.as_bytes().to_vec())),
                    _ => None,
                });
                batch::set_many(bucket, &pairs.collect::<Vec<_>>())?;
                "set".to_owned()
            }
            ["delete-many", keys @ ..] => {
                batch::delete_many(bucket, &owned(keys))?;
                "deleted".to_owned()
            }
            ["new", handle, key] => {
                let cas = Cas::new(bucket, key)?;
                self.handles.insert((*handle).to_owned(), cas);
                "new".to_owned()
            }
            ["current", handle] => match self.handles.get(*handle) {
                Some(cas) => shown(cas.current()?),
                None => "no such handle".to_owned(),
            },
            ["swap", handle, value] => match self.handles.remove(*handle) {
                Some(cas) => match atomics::swap(cas, value.as_bytes()) {
                    Ok(()) => "swapped".to_owned(),
                    Err(CasError::CasFailed(next)) => {
                        self.handles.insert((*handle).to_owned(), next);
                        "lost".to_owned()
                    }
                    Err(CasError::StoreError(error)) => return Err(error),
                },
                None => "no such handle".to_owned(),
            },
            _ => "no such command".to_owned(),
        })
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn shown(value: Option<Vec<u8>>) -> String {
    match value {
        Some(_) => format!("is {}", shown_value(value)),
        None => "none".to_owned(),
    }
}

/// As text, or byte by byte where it is none.
fn shown_value(value: Option<Vec<u8>>) -> String {
    let Some(value) = value else {
        return "none".to_owned();
    };
    match str::from_utf8(&value) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => format!("{value:?}"),
    }
}
