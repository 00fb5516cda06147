//! Reads an image in chunks. An image that is replaced or deleted meanwhile is
//! still read to its end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use concept_refinement_domain::capability::{ByteRange, CapabilityError, within};
use futures::stream;

use super::disk::on_disk;
use crate::capability::images::Contents;

/// In bytes.
const CHUNK_SIZE: u64 = 128 * 1024;

/// The bytes of the range, or all of them.
pub(super) fn contents(
    file: File,
    size: u64,
    range: Option<ByteRange>,
) -> Result<Contents, CapabilityError> {
    let Range { start, end } = within(range, size)?;
    Ok(Box::pin(stream::try_unfold(
        (file, start),
        move |(file, at)| async move {
            if at >= end {
                return Ok(None);
            }
            on_disk(move || read_chunk(file, at, (end - at).min(CHUNK_SIZE)))
                .await
                .map(|(chunk, file)| Some((chunk, (file, at.saturating_add(CHUNK_SIZE)))))
        },
    )))
}

fn read_chunk(mut file: File, at: u64, length: u64) -> io::Result<(Bytes, File)> {
    file.seek(SeekFrom::Start(at))?;
    let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut chunk)?;
    Ok((chunk.into(), file))
}
