//! Bytes in chunks that waste little memory.
//!
//! An instance's memory is limited, and a reader's buffer may be much larger
//! than what was read into it. Keeping buffers as they are, many short reads
//! would cost a whole buffer each.

use std::collections::VecDeque;

/// Size of the first chunk, in bytes.
const LEAST: usize = 4 * 1024;

/// Largest chunk, in bytes; larger ones are not faster.
const MOST: usize = 64 * 1024;

/// Size of the next chunk after this many, in bytes. Each end of a stream holds
/// a buffer of this size, and each chunk costs some microseconds: so small
/// images need little memory, and large ones little time.
pub fn size_after(pieces: usize) -> usize {
    LEAST.saturating_mul(1 + pieces / 2).min(MOST)
}

/// Fills the last chunk before it starts another.
pub fn append(pieces: &mut VecDeque<Vec<u8>>, bytes: Vec<u8>) {
    let has_room = |piece: &Vec<u8>| piece.len() < piece.capacity();
    if bytes.len() >= LEAST && !has_room(&bytes) && !pieces.back().is_some_and(has_room) {
        pieces.push_back(bytes);
        return;
    }
    let mut bytes = bytes.as_slice();
    while !bytes.is_empty() {
        let mut last = match pieces.pop_back() {
            Some(last) if has_room(&last) => last,
            full => {
                pieces.extend(full);
                Vec::with_capacity(size_after(pieces.len()))
            }
        };
        let room = last.capacity() - last.len();
        let (fitting, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        last.extend_from_slice(fitting);
        pieces.push_back(last);
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

    fn room(pieces: &VecDeque<Vec<u8>>) -> usize {
        pieces.iter().map(Vec::capacity).sum()
    }

    #[test]
    fn little_memory_is_left_unused_however_long_the_chunks() {
        let bytes = bytes();
        for size in [1, 1460, LEAST / 2 + 1, LEAST, 3 * LEAST + 1, MOST, LENGTH] {
            let mut pieces = VecDeque::new();
            for chunk in bytes.chunks(size) {
                let mut buffer = Vec::with_capacity(2 * MOST);
                buffer.extend_from_slice(chunk);
                append(&mut pieces, buffer);
                append(&mut pieces, Vec::new());
            }
            let room = room(&pieces);
            assert!(room <= LENGTH + MOST, "{room} for chunks of {size}");
            assert!(pieces.iter().all(|piece| !piece.is_empty()), "{size}");
            assert!(pieces.len() <= 2 + LENGTH / MOST * 3, "{}", pieces.len());
            assert!(Vec::from(pieces).concat() == bytes, "{size}: other bytes");
        }
    }

    #[test]
    fn full_buffers_are_kept_as_they_came() {
        let bytes = bytes();
        let mut pieces = VecDeque::new();
        let mut read = 0;
        while read < LENGTH {
            let size = size_after(pieces.len()).min(LENGTH - read);
            let mut piece = Vec::with_capacity(size);
            piece.extend_from_slice(&bytes[read..read + size]);
            let place = piece.as_ptr();
            append(&mut pieces, piece);
            assert_eq!(pieces.back().unwrap().as_ptr(), place);
            read += size;
        }
        assert_eq!(room(&pieces), LENGTH);
        assert!(Vec::from(pieces).concat() == bytes);
    }

    #[test]
    fn pieces_grow_with_what_is_held() {
        let mut held = 0;
        for pieces in 0..100 {
            let size = size_after(pieces);
            assert!((LEAST..=MOST).contains(&size), "{size}");
            assert!(size <= LEAST + held / 2, "{size} after {held}");
            held += size;
        }
        assert_eq!(size_after(usize::MAX), MOST);
    }
}
