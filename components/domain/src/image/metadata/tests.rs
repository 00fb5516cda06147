//! Files that are read, stripped and marked: whole, in pieces, made up and hostile.

mod files;
mod hostile;
mod mark;
mod orientation;
mod pieces;
mod strip;
mod xmp;

use super::super::{Inspector, Limits};
use super::*;

/// Must never be in what a model sees.
const SECRET: &[u8] = b"a secret place";

/// The chunks of a file that is cut at these places, in any order and of any size.
fn chunks<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    starts
        .zip(ends)
        .map(|(from, to)| &bytes[from..to])
        .collect()
}

/// How many bytes the picture takes, as the inspector says; all of them where it refuses.
fn picture_end(bytes: &[u8]) -> u64 {
    let mut inspector = Inspector::new(Limits {
        max_bytes: u64::MAX,
        max_pixels: u64::MAX,
    });
    match inspector.push(bytes).is_ok() && inspector.finish().is_ok() {
        true => inspector.picture_end(),
        false => bytes.len() as u64,
    }
}

fn read_in(chunks: &[&[u8]], picture_end: u64) -> Metadata {
    let mut reader = Reader::new();
    chunks.iter().for_each(|chunk| reader.push(chunk));
    reader.finish(picture_end)
}

fn read(bytes: &[u8]) -> Metadata {
    read_in(&[bytes], picture_end(bytes))
}

/// The result, which must be as long as promised.
fn rewritten_in(rewrite: &Rewrite, chunks: &[&[u8]]) -> Vec<u8> {
    let (mut filter, mut out) = (rewrite.filter(), Vec::new());
    chunks.iter().for_each(|chunk| filter.push(chunk, &mut out));
    filter.finish(&mut out);
    assert_eq!(out.len() as u64, rewrite.length());
    out
}

/// What is left; the same where there is nothing to strip.
fn stripped(bytes: &[u8]) -> Vec<u8> {
    match read(bytes).stripped() {
        Some(rewrite) => {
            let result = rewritten_in(&rewrite, &[bytes]);
            assert_ne!(result, bytes);
            assert_eq!(read(&result).stripped(), None, "not all was stripped");
            result
        }
        None => bytes.to_vec(),
    }
}

fn marked(bytes: &[u8], source: SourceType) -> Vec<u8> {
    let result = rewritten_in(&read(bytes).marked(source), &[bytes]);
    assert_eq!(read(&result).source_type(), Some(source.as_str()));
    result
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
