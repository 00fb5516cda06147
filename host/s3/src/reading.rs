//! Splits an object's bytes into chunks of one size. The stream is complete or ends with
//! an error.

use bytes::{Bytes, BytesMut};
use concept_refinement_capability::images::Contents;
use concept_refinement_domain::capability::CapabilityError;
use futures::{StreamExt as _, stream};

use super::bucket::Body;
use super::fault::Fault;

/// In bytes.
const CHUNK_SIZE: usize = 128 * 1024;

struct Reading {
    body: Body,
    gathered: BytesMut,
    /// Bytes still to be returned, including those buffered.
    missing: u64,
}

/// `length` bytes of a body, in chunks of one size and a shorter last one.
pub(super) fn contents(body: Body, length: u64) -> Contents {
    let reading = Reading {
        body,
        gathered: BytesMut::new(),
        missing: length,
    };
    stream::try_unfold(reading, next).boxed()
}

async fn next(mut reading: Reading) -> Result<Option<(Bytes, Reading)>, CapabilityError> {
    let wanted = usize::try_from(reading.missing).map_or(CHUNK_SIZE, |rest| rest.min(CHUNK_SIZE));
    if wanted == 0 {
        return Ok(None);
    }
    reading.gathered.reserve(wanted);
    while reading.gathered.len() < wanted {
        let piece = reading.body.next().await.unwrap_or(Err(Fault::Broken));
        let piece = piece.map_err(Fault::report)?;
        reading.gathered.extend_from_slice(&piece);
    }
    reading.missing -= wanted as u64;
    let chunk = reading.gathered.split_to(wanted).freeze();
    Ok(Some((chunk, reading)))
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, TryStreamExt as _};

    use super::*;

    fn read(pieces: &[usize], then: Option<Fault>, length: u64) -> Result<Vec<usize>, String> {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|length| Ok(Bytes::from(vec![7; *length])))
            .chain(then.map(Err))
            .collect();
        let chunks = contents(stream::iter(pieces).boxed(), length);
        let chunks = chunks.map_ok(|chunk| chunk.len()).try_collect();
        let chunks = chunks.now_or_never().unwrap();
        chunks.map_err(|error: CapabilityError| error.message)
    }

    #[test]
    fn pieces_of_any_size_become_chunks_of_one() {
        const K: usize = 1024;
        for (name, pieces, expected) in [
            ("nothing", vec![], vec![]),
            ("one", vec![5], vec![5]),
            ("just a chunk", vec![128 * K], vec![128 * K]),
            ("small ones", vec![K; 200], vec![128 * K, 72 * K]),
            ("a large one", vec![300 * K], vec![128 * K, 128 * K, 44 * K]),
            ("empty ones", vec![0, 100, 0, 100], vec![200]),
        ] {
            let length = pieces.iter().sum::<usize>() as u64;
            assert_eq!(read(&pieces, None, length), Ok(expected), "{name}");
        }
    }

    #[test]
    fn a_body_that_is_cut_off_is_no_image() {
        assert!(read(&[100], None, 101).is_err());
        assert!(read(&[100], Some(Fault::Broken), 101).is_err());
        assert!(read(&[], None, 1).is_err());
    }
}
