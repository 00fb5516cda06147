use std::collections::VecDeque;

use concept_refinement_domain::image::Limits;
use futures::FutureExt as _;

use super::world::GIF;
use crate::contents::Contents;
use crate::ports::ByteStream;

const BUFFER: usize = 64 * 1024;

/// An image of any length: what follows its end belongs to the file.
fn image(length: usize) -> Vec<u8> {
    let noise = (0..length).map(|at| (at % 251) as u8);
    GIF.iter().copied().chain(noise).take(length).collect()
}

/// Short chunks in large buffers.
struct Buffers(VecDeque<Vec<u8>>);

impl ByteStream for Buffers {
    async fn next(&mut self) -> Option<Vec<u8>> {
        let bytes = self.0.pop_front()?;
        let mut buffer = Vec::with_capacity(BUFFER.max(bytes.len()));
        buffer.extend(bytes);
        Some(buffer)
    }
}

#[test]
fn no_memory_is_left_unused_however_small_the_pieces() {
    let limits = Limits {
        max_bytes: 1 << 20,
        max_pixels: 1,
    };
    for (name, length, chunk) in [
        ("the smallest", GIF.len(), 1),
        ("single bytes", 100_000, 1),
        ("packets", 1_000_000, 1460),
        ("just over half a buffer", 1_000_000, BUFFER / 2 + 1),
        ("whole buffers", 4 * BUFFER, BUFFER),
        ("more than a buffer", 1_000_000, 3 * BUFFER + 1),
        ("all at once", 1_000_000, 1_000_000),
    ] {
        let image = image(length);
        let mut stream = Buffers(image.chunks(chunk).map(<[u8]>::to_vec).collect());
        let contents = Contents::collect(&mut stream, None, limits)
            .now_or_never()
            .unwrap()
            .unwrap();
        let chunks = contents.chunks();
        assert!(chunks.concat() == image, "{name}: other bytes");
        assert_eq!(contents.length(), length as u64, "{name}");
        let held: usize = chunks.iter().map(Vec::capacity).sum();
        assert!(held <= length + BUFFER, "{name}: {held} for {length}");
        assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "{name}");
    }
}
