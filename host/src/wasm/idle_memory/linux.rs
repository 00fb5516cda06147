//! What the kernel tells of pages, and what it is asked to do with them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;

use rustix::mm::{Advice, madvise};
use rustix::param::page_size;

/// Of an entry of `/proc/self/pagemap`.
const ENTRY: usize = size_of::<u64>();
const IS_PRESENT: u64 = 1 << 63;
/// Of a file. A page that was written to is not, in a private mapping.
const IS_OF_FILE: u64 = 1 << 61;

/// Unmaps the pages of private mappings of files that are wholly within these
/// addresses, where nobody writes meanwhile.
pub fn unmap_unwritten(addresses: &Range<usize>) -> io::Result<()> {
    let size = page_size();
    let pages = addresses.start.next_multiple_of(size)..addresses.end / size * size;
    let mut start = pages.start;
    for run in unwritten(&pages)?.chunk_by(|a, b| a == b) {
        let length = run.len() * page_size();
        if run.first() == Some(&true) {
            unmap(start, length)?;
        }
        start += length;
    }
    Ok(())
}

/// Which of these pages are mapped, and those of the file.
fn unwritten(pages: &Range<usize>) -> io::Result<Vec<bool>> {
    let mut entries = vec![0; pages.len() / page_size() * ENTRY];
    let offset = pages.start / page_size() * ENTRY;
    pagemap()?.read_exact_at(&mut entries, offset as u64)?;
    let (entries, _) = entries.as_chunks::<ENTRY>();
    let wanted = IS_PRESENT | IS_OF_FILE;
    let is_unwritten = |entry: &[u8; ENTRY]| u64::from_ne_bytes(*entry) & wanted == wanted;
    Ok(entries.iter().map(is_unwritten).collect())
}

#[allow(
    unsafe_code,
    reason = "the kernel is told what it need not keep mapped"
)]
fn unmap(start: usize, length: usize) -> io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: these are pages of a private mapping of a file that were not written
    // to. They are mapped again, with the same bytes, where they are used next.
    unsafe { madvise(start, length, Advice::LinuxDontNeed)? };
    Ok(())
}

fn pagemap() -> io::Result<&'static File> {
    static PAGEMAP: OnceLock<io::Result<File>> = OnceLock::new();
    let opened = PAGEMAP.get_or_init(|| File::open("/proc/self/pagemap"));
    opened.as_ref().map_err(|error| error.kind().into())
}

#[cfg(test)]
mod tests {
    use wasmtime::{Instance, Module, Store};

    use super::*;
    use crate::wasm::engine::{Engine, Pool};

    const MIB: usize = 1 << 20;

    /// Static data behind the stack: 64 pages.
    const DATA: Range<usize> = MIB..MIB + 64 * 4096;

    /// A module with a memory of 2 MiB, which it exports as `m`, and the data.
    fn module() -> Vec<u8> {
        let header = b"\0asm\x01\0\0\0\x05\x03\x01\0\x20\x07\x05\x01\x01m\x02\0";
        // At 1 MiB, and 256 KiB long.
        let data = b"\x01\0\x41\x80\x80\xc0\0\x0b\x80\x80\x10";
        let length = b"\x0b\x8b\x80\x10";
        [&header[..], length, data, &vec![7; DATA.len()]].concat()
    }

    #[tokio::test]
    async fn pages_that_were_not_written_to_are_unmapped() {
        let pool = Pool {
            instances: 1,
            calls: 1,
            max_memory: 2 * MIB,
        };
        let engine = Engine::new(pool, None).unwrap();
        let module = Module::new(engine.wasmtime(), module()).unwrap();
        let mut store = Store::new(engine.wasmtime(), ());
        let instance = Instance::new_async(&mut store, &module, &[]).await.unwrap();
        let memory = instance.get_memory(&mut store, "m").unwrap();
        let place = memory.data(&store).as_ptr_range();
        let place = place.start.addr()..place.end.addr();
        let mapped = || unwritten(&place).unwrap().iter().filter(|is| **is).count();

        memory.data_mut(&mut store)[DATA.start + 5 * 4096] = 8;
        let mut expected = vec![7; DATA.len()];
        expected[5 * 4096] = 8;
        for _ in 0..2 {
            assert!(memory.data(&store)[DATA] == expected, "other bytes");
            assert_eq!(mapped(), 63);
            unmap_unwritten(&place).unwrap();
            assert_eq!(mapped(), 0);
        }
    }
}
