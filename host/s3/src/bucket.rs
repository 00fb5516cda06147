//! Requests to a bucket. Each has a timeout, and its errors contain no secret. Nothing
//! here knows about images.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_domain::timestamp::Timestamp;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;
use object_store::{
    Attributes, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutOptions, PutPayload,
};
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use super::fault::Fault;

/// Timeout for requests without a large body, in case the response trickles in. One that
/// gets no response at all ends earlier (see `client`).
const DEADLINE: Duration = Duration::from_secs(20);

/// A bucket, or the part of it below a prefix.
pub(super) struct Bucket {
    s3: AmazonS3,
    /// Empty, or with a trailing slash.
    prefix: String,
    /// Where it is probed, by one at a time: what cannot be deleted is replaced by the next.
    pub(super) probe_key: Mutex<String>,
    /// Whether the last object could not be stored.
    put_failed: AtomicBool,
    /// Whether an object could not be read since the last one that could.
    get_failed: AtomicBool,
}

/// The description of an object, without its bytes.
pub(super) struct Object {
    pub(super) attributes: Attributes,
    /// In bytes.
    pub(super) size: u64,
}

/// The bytes of an object. An error ends them.
pub(super) type Body = BoxStream<'static, Result<Bytes, Fault>>;

/// An object in a list.
pub(super) struct ListedObject {
    pub(super) key: String,
    pub(super) modified_at: Timestamp,
}

/// Some of the objects of a list.
pub(super) struct Page {
    pub(super) objects: Vec<ListedObject>,
    /// None: this is the last page.
    pub(super) next: Option<String>,
}

impl Bucket {
    pub(super) fn new(s3: AmazonS3, prefix: String) -> Self {
        Self {
            s3,
            prefix,
            probe_key: Mutex::new(format!("check/{}", Uuid::new_v4())),
            put_failed: AtomicBool::default(),
            get_failed: AtomicBool::default(),
        }
    }

    /// Whether there is reason to doubt that objects can be stored and read, which a list
    /// would not show. A request that is cancelled gives none.
    pub(super) fn has_failed(&self) -> bool {
        self.put_failed.load(Ordering::Relaxed) || self.get_failed.load(Ordering::Relaxed)
    }

    /// Stores an object atomically. After an error, the object may or may not have
    /// been stored.
    pub(super) async fn put(
        &self,
        key: &str,
        pieces: Vec<Bytes>,
        attributes: Attributes,
    ) -> Result<(), Fault> {
        let options = PutOptions {
            attributes,
            ..PutOptions::default()
        };
        let payload = PutPayload::from_iter(pieces);
        let stored = self.s3.put_opts(&self.path(key), payload, options).await;
        self.put_failed.store(stored.is_err(), Ordering::Relaxed);
        stored?;
        Ok(())
    }

    /// None: there is no such object.
    pub(super) async fn head(&self, key: &str) -> Result<Option<Object>, Fault> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        Ok(self.open(key, options).await?.map(|(object, _)| object))
    }

    /// An object, or the part of it within the range. None: there is no such object.
    pub(super) async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<(Object, Body)>, Fault> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let found = self.open(key, options).await?;
        self.get_failed.store(false, Ordering::Relaxed);
        Ok(found)
    }

    async fn open(&self, key: &str, options: GetOptions) -> Result<Option<(Object, Body)>, Fault> {
        let path = self.path(key);
        let is_ranged = options.range.is_some();
        match within(self.s3.get_opts(&path, options)).await {
            Ok(found) => {
                let object = Object {
                    attributes: found.attributes.clone(),
                    size: found.meta.size,
                };
                let body = found.into_stream().map_err(Fault::from).boxed();
                Ok(Some((object, body)))
            }
            Err(Fault::Missing) => Ok(None),
            Err(fault) => {
                // S3 refuses a range that begins after the end as if it had failed.
                if !is_ranged || fault != Fault::Broken {
                    self.get_failed.store(true, Ordering::Relaxed);
                }
                Err(fault)
            }
        }
    }

    /// A repeat has no effect.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Fault> {
        match within(self.s3.delete(&self.path(key))).await {
            Err(Fault::Missing) => Ok(()),
            deleted => deleted,
        }
    }

    /// Objects whose keys have this prefix, ordered by key.
    pub(super) async fn page(
        &self,
        beginning: &str,
        most: usize,
        from: Option<String>,
    ) -> Result<Page, Fault> {
        let options = PaginatedListOptions {
            max_keys: Some(most),
            page_token: from,
            ..PaginatedListOptions::default()
        };
        let beginning = format!("{}{beginning}", self.prefix);
        let listed = within(self.s3.list_paginated(Some(&beginning), options)).await?;
        let objects = listed.result.objects.into_iter().filter_map(|object| {
            let key = object.location.as_ref().strip_prefix(&self.prefix)?;
            let micros = object.last_modified.timestamp_micros();
            Some(ListedObject {
                key: key.to_owned(),
                modified_at: Timestamp(u64::try_from(micros).unwrap_or_default()),
            })
        });
        Ok(Page {
            objects: objects.collect(),
            next: listed.page_token,
        })
    }

    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}{key}", self.prefix))
    }
}

async fn within<T>(request: impl Future<Output = object_store::Result<T>>) -> Result<T, Fault> {
    match timeout(DEADLINE, request).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(Fault::Unreachable),
    }
}
