//! Bytes held in pieces that leave no room unused.
//!
//! An instance's memory is capped, and a reader's buffer may be far larger than
//! what came in it: kept as they came, a trickle of short reads would cost a
//! whole buffer each.

use std::collections::VecDeque;

/// How large each piece is but the last, in bytes. A buffer of this size is on
/// its way at each end of a stream: with many tasks in flight that adds up.
pub const PIECE: usize = 4 * 1024;

/// Fills the last piece before it begins another.
pub fn append(pieces: &mut VecDeque<Vec<u8>>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let mut last = match pieces.pop_back() {
            Some(last) if last.len() < PIECE => last,
            full => {
                pieces.extend(full);
                Vec::with_capacity(PIECE)
            }
        };
        let room = PIECE - last.len();
        let (fitting, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        last.extend_from_slice(fitting);
        pieces.push_back(last);
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_memory_is_left_unused_however_long_the_chunks() {
        const LENGTH: usize = 1_000_000;
        let bytes: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
        for size in [1, 1460, PIECE / 2 + 1, PIECE, 3 * PIECE + 1, LENGTH] {
            let mut pieces = VecDeque::new();
            for chunk in bytes.chunks(size) {
                append(&mut pieces, chunk);
                append(&mut pieces, &[]);
            }
            let room: usize = pieces.iter().map(Vec::capacity).sum();
            assert!(room <= LENGTH + PIECE, "{room} for chunks of {size}");
            assert!(pieces.iter().all(|piece| !piece.is_empty()), "{size}");
            assert!(Vec::from(pieces).concat() == bytes, "{size}: other bytes");
        }
    }
}
