//! Bytes in chunks that waste little memory.
//!
//! An instance's memory is limited, and a reader's buffer may be much larger than what
//! was read into it. If buffers were kept as they are, each short read would cost a whole
//! buffer.

use std::collections::VecDeque;

/// Size of the first chunks, in bytes.
const MIN_CHUNK: usize = 8 * 1024;

/// Largest chunk, in bytes; larger ones are not faster.
const MAX_CHUNK: usize = 64 * 1024;

/// Size of the next chunk after this many, in bytes. Each end of a stream holds a buffer
/// of this size, and each chunk costs some microseconds. With growing sizes, small images
/// need little memory, and large ones little time.
pub fn next_size(chunks: usize) -> usize {
    match chunks {
        0..16 => MIN_CHUNK,
        16..18 => 2 * MIN_CHUNK,
        18..20 => 4 * MIN_CHUNK,
        20.. => MAX_CHUNK,
    }
}

/// Fills the last chunk before it starts another.
pub fn append(chunks: &mut VecDeque<Vec<u8>>, bytes: Vec<u8>) {
    let has_room = |chunk: &Vec<u8>| chunk.len() < chunk.capacity();
    if bytes.len() >= MIN_CHUNK && !has_room(&bytes) && !chunks.back().is_some_and(has_room) {
        chunks.push_back(bytes);
        return;
    }
    let mut bytes = bytes.as_slice();
    while !bytes.is_empty() {
        let mut last = match chunks.pop_back() {
            Some(last) if has_room(&last) => last,
            full => {
                chunks.extend(full);
                Vec::with_capacity(next_size(chunks.len()))
            }
        };
        let room = last.capacity() - last.len();
        let (fitting, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        last.extend_from_slice(fitting);
        chunks.push_back(last);
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 1_000_000;

    fn bytes() -> Vec<u8> {
        (0..LENGTH).map(|at| (at % 251) as u8).collect()
    }

    fn room(chunks: &VecDeque<Vec<u8>>) -> usize {
        chunks.iter().map(Vec::capacity).sum()
    }

    #[test]
    fn little_memory_is_left_unused_however_long_the_chunks() {
        let bytes = bytes();
        for size in [
            1,
            1460,
            MIN_CHUNK / 2 + 1,
            MIN_CHUNK,
            3 * MIN_CHUNK + 1,
            MAX_CHUNK,
            LENGTH,
        ] {
            let mut chunks = VecDeque::new();
            for chunk in bytes.chunks(size) {
                let mut buffer = Vec::with_capacity(2 * MAX_CHUNK);
                buffer.extend_from_slice(chunk);
                append(&mut chunks, buffer);
                append(&mut chunks, Vec::new());
            }
            let room = room(&chunks);
            assert!(room <= LENGTH + MAX_CHUNK, "{room} for chunks of {size}");
            assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "{size}");
            assert!(
                chunks.len() <= 2 + LENGTH / MAX_CHUNK * 3,
                "{}",
                chunks.len()
            );
            assert!(Vec::from(chunks).concat() == bytes, "{size}: other bytes");
        }
    }

    #[test]
    fn full_buffers_are_kept_as_they_came() {
        let bytes = bytes();
        let mut chunks = VecDeque::new();
        let mut read = 0;
        while read < LENGTH {
            let size = next_size(chunks.len()).min(LENGTH - read);
            let mut chunk = Vec::with_capacity(size);
            chunk.extend_from_slice(&bytes[read..read + size]);
            let place = chunk.as_ptr();
            append(&mut chunks, chunk);
            assert_eq!(chunks.back().unwrap().as_ptr(), place);
            read += size;
        }
        assert_eq!(room(&chunks), LENGTH);
        assert!(Vec::from(chunks).concat() == bytes);
    }

    #[test]
    fn pieces_grow_with_what_is_held() {
        let mut held = 0;
        for chunks in 0..100 {
            let size = next_size(chunks);
            assert!((MIN_CHUNK..=MAX_CHUNK).contains(&size), "{size}");
            assert!(size <= MIN_CHUNK + held / 2, "{size} after {held}");
            held += size;
        }
        assert_eq!(next_size(usize::MAX), MAX_CHUNK);
    }
}
