//! Reads an image in chunks. An image that is replaced or deleted meanwhile is still read
//! to its end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use concept_refinement_capability::images::Contents;
use concept_refinement_domain::capability::{ByteRange, CapabilityError, within};
use futures::{StreamExt as _, stream};

use super::disk::on_disk;

/// In bytes.
const CHUNK_SIZE: u64 = 128 * 1024;

/// An image's bytes, where they were found.
pub(super) enum Found {
    Small(Bytes),
    File(File),
}

impl Found {
    /// The bytes of the range, or all of them.
    pub(super) fn contents(
        self,
        size: u64,
        range: Option<ByteRange>,
    ) -> Result<Contents, CapabilityError> {
        let range = within(range, size)?;
        Ok(match self {
            Self::Small(whole) => {
                let index = |at| usize::try_from(at).unwrap_or(usize::MAX);
                let part = whole.slice(index(range.start)..index(range.end));
                stream::iter((!part.is_empty()).then_some(Ok(part))).boxed()
            }
            Self::File(file) => chunks(file, range),
        })
    }
}

fn chunks(file: File, Range { start, end }: Range<u64>) -> Contents {
    stream::try_unfold((file, start), move |(file, at)| async move {
        if at >= end {
            return Ok(None);
        }
        on_disk(move || read_chunk(file, at, (end - at).min(CHUNK_SIZE)))
            .await
            .map(|(chunk, file)| Some((chunk, (file, at.saturating_add(CHUNK_SIZE)))))
    })
    .boxed()
}

fn read_chunk(mut file: File, at: u64, length: u64) -> io::Result<(Bytes, File)> {
    file.seek(SeekFrom::Start(at))?;
    let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut chunk)?;
    Ok((chunk.into(), file))
}
