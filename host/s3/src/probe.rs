//! Tries what images need of a bucket, with an object of its own.
//!
//! The object is stored below `check/`, where no image is, so that it is never listed as
//! one. At most one of a process may be left behind.

use bytes::Bytes;
use futures::StreamExt as _;
use object_store::Attributes;

use super::bucket::Bucket;
use super::fault::Fault;

/// Not empty, since a store that is full may accept an object without contents.
const CONTENTS: &[u8] = b"This may be deleted.";

/// What a bucket allowed.
pub(super) struct Outcome {
    /// Listing, and storing and reading an object.
    pub access: Result<(), Fault>,
    /// Deleting it.
    pub deletion: Result<(), Fault>,
}

/// Tries the bucket.
pub(super) async fn probe(bucket: &Bucket) -> Outcome {
    let key = bucket.probe_key.lock().await;
    if let Err(fault) = bucket.page("", 1, None).await {
        return Outcome {
            access: Err(fault),
            deletion: Ok(()),
        };
    }
    let access = write_and_read(bucket, &key).await;
    // In any case: a request that failed may have been executed.
    let deletion = bucket.delete(&key).await;
    let deletion = deletion.map_err(lacks(
        "it can be written to, but not deleted from: s3:DeleteObject is not permitted below the \
         prefix",
    ));
    Outcome { access, deletion }
}

async fn write_and_read(bucket: &Bucket, key: &str) -> Result<(), Fault> {
    let pieces = vec![Bytes::from_static(CONTENTS)];
    let stored = bucket.put(key, pieces, Attributes::new()).await;
    stored.map_err(lacks(
        "it can be listed, but not written to: s3:PutObject is not permitted below the prefix",
    ))?;
    let found = bucket.get(key, None).await.map_err(lacks(
        "it can be written to, but not read: s3:GetObject is not permitted below the prefix",
    ))?;
    // It has just been stored.
    let (_, mut body) = found.ok_or(Fault::Broken)?;
    while let Some(piece) = body.next().await {
        piece?;
    }
    Ok(())
}

/// If the key does not permit a request, names the right that it lacks.
fn lacks(sentence: &'static str) -> impl Fn(Fault) -> Fault {
    move |fault| match fault {
        Fault::Forbidden(_) => Fault::Forbidden(sentence),
        other => other,
    }
}
