use std::path::Path;

use concept_refinement_domain::capability::ErrorKind;
use futures::{FutureExt as _, StreamExt as _};

use super::*;
use crate::room::Room;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// How many files nobody can name this process has open in a directory.
fn unnamed_files(directory: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| path.starts_with(directory))
        .inspect(|path| assert!(path.to_str().unwrap().ends_with("(deleted)")))
        .count()
}

/// None: it waits.
fn reserved(
    blobs: &Arc<Blobs>,
    purpose: Purpose,
    length: usize,
) -> Option<Result<Blob, ErrorKind>> {
    let reserved = blobs.reserve(purpose, length).now_or_never()?;
    Some(reserved.map_err(|error| error.kind))
}

fn original(blobs: &Arc<Blobs>, length: usize) -> Blob {
    let reserved = reserved(blobs, Purpose::Original, length);
    reserved.unwrap().unwrap_or_else(|kind| panic!("{kind:?}"))
}

fn append(blob: &Blob, bytes: Vec<u8>) -> Option<Result<(), ErrorKind>> {
    let appended = blob.append(&bytes).now_or_never()?;
    Some(appended.map_err(|error| error.kind))
}

fn held(blob: &Blob) -> Vec<Block> {
    let Contents::Held { held, .. } = &blob.0 else {
        panic!("it is shared");
    };
    held.lock().blocks.clone()
}

fn read(blob: &Blob) -> Vec<u8> {
    let chunks: Vec<Bytes> = blob.contents().collect().now_or_never().unwrap();
    chunks.concat()
}

#[test]
fn what_was_appended_is_read_and_more_than_once() {
    for (name, length, chunk) in [
        ("nothing", 0, 1),
        ("single bytes", 100_000, 1),
        ("packets", 1_000_000, 1460),
        ("whole blocks", 1_000_000, BLOCK),
        ("more than a block", 1_000_000, 100_000),
    ] {
        let bytes = bytes(length);
        let blobs = Blobs::new(1 << 22, None);
        let blob = original(&blobs, length);
        for chunk in bytes.chunks(chunk) {
            assert_eq!(append(&blob, chunk.to_vec()), Some(Ok(())), "{name}");
        }
        assert!(read(&blob) == bytes, "{name}");
        assert!(read(&blob) == bytes, "{name}, again");
        assert_eq!(held(&blob).len(), length.div_ceil(BLOCK), "{name}");
        assert_eq!(append(&blob, vec![1]), Some(Err(ErrorKind::Invalid)));
    }
}

#[test]
fn an_original_is_refused_and_an_answer_waits() {
    let blobs = Blobs::new(4 * BLOCK, None);
    let first = original(&blobs, 2 * BLOCK);
    assert_eq!(append(&first, bytes(2 * BLOCK)), Some(Ok(())));
    let refused = || Some(ErrorKind::Unavailable);
    let other = reserved(&blobs, Purpose::Original, 1).and_then(Result::err);
    assert_eq!(other, refused(), "half is for answers");

    let answer = |length| reserved(&blobs, Purpose::Answer, length);
    let never = answer(4 * BLOCK + 1).and_then(Result::err);
    assert_eq!(never, Some(ErrorKind::Invalid), "it does not wait for ever");
    let second = answer(2 * BLOCK).unwrap();
    assert!(answer(1).is_none(), "it waits");
    let reading = first.contents();
    drop(first);
    assert!(answer(1).is_none(), "it is being read");
    drop(reading);
    assert!(answer(1).is_some());
    drop(second);
    assert_eq!(blobs.room.free(), 4);
}

/// What does not wait may take more, and what waits takes no more than it waited for.
#[test]
fn an_original_may_become_longer_and_an_answer_may_not() {
    let blobs = Blobs::new(8 * BLOCK, None);
    let undeclared = original(&blobs, 0);
    assert_eq!(append(&undeclared, bytes(4 * BLOCK)), Some(Ok(())));
    let no_room = Some(Err(ErrorKind::Unavailable));
    assert_eq!(append(&undeclared, bytes(1)), no_room);
    let answer = reserved(&blobs, Purpose::Answer, BLOCK).unwrap().unwrap();
    assert_eq!(append(&answer, bytes(BLOCK)), Some(Ok(())));
    let too_long = Some(Err(ErrorKind::Invalid));
    assert_eq!(append(&answer, bytes(1)), too_long);
    assert_eq!(blobs.room.free(), 3);
}

#[test]
fn what_is_not_used_or_dropped_leaves_its_room() {
    let blobs = Blobs::new(8 * BLOCK, None);
    for purpose in [Purpose::Original, Purpose::Answer] {
        let blob = reserved(&blobs, purpose, 4 * BLOCK).unwrap().unwrap();
        assert_eq!(append(&blob, bytes(BLOCK + 1)), Some(Ok(())));
        assert_eq!(blobs.room.free(), 4, "{purpose:?}");
        assert!(read(&blob).len() == BLOCK + 1);
        assert_eq!(blobs.room.free(), 6, "{purpose:?}: its length is known");
        drop(blob);
        assert_eq!(blobs.room.free(), 8, "{purpose:?}");
    }
}

#[tokio::test]
async fn who_waits_has_its_turn_and_who_left_has_none() {
    let blobs = Blobs::new(8 * BLOCK, None);
    let first = blobs.reserve(Purpose::Answer, 6 * BLOCK).await.unwrap();
    let waits = |length: usize| {
        let blobs = Arc::clone(&blobs);
        tokio::spawn(async move { blobs.reserve(Purpose::Answer, length).await })
    };
    let (large, gone) = (waits(5 * BLOCK), waits(5 * BLOCK));
    tokio::task::yield_now().await;
    let small = blobs.reserve(Purpose::Answer, BLOCK).await.unwrap();
    gone.abort();
    assert!(gone.await.is_err_and(|error| error.is_cancelled()));
    drop(first);
    let large = large.await.unwrap().unwrap();
    drop((small, large));
    assert_eq!(blobs.room.free(), 8);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_memory_does_not_take_is_in_a_file_without_a_name() {
    let place = tempfile::tempdir().unwrap();
    // A container that shares the directory may have a process of the same number.
    let another = place.path().join(format!("images-{}", std::process::id()));
    std::fs::write(&another, b"another's").unwrap();
    let file = BlockFile::new(place.path().to_owned(), Arc::default());
    let blobs = Blobs::new(4 * IN_MEMORY, Some(file));
    let appended = async |length: usize| {
        let blob = blobs.reserve(Purpose::Answer, length).await.unwrap();
        for chunk in bytes(length).chunks(100_000) {
            blob.append(chunk).await.unwrap();
        }
        blob
    };
    let first = appended(IN_MEMORY).await;
    assert_eq!(unnamed_files(place.path()), 0, "there is room in memory");
    let length = 3 * BLOCK + 1;
    let (second, third) = (appended(length).await, appended(length).await);
    assert_eq!(unnamed_files(place.path()), 1, "one for all");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(another).unwrap(), b"another's");
    for blob in [&second, &third, &second] {
        let is_in_file = |block: &Block| matches!(block, Block::InFile(_));
        let read: Vec<Bytes> = blob.contents().collect().await;
        assert!(read.concat() == bytes(length), "other bytes");
        assert!(held(blob).iter().all(is_in_file), "the last one too");
    }

    drop(second);
    let fourth = appended(length).await;
    let read: Vec<Bytes> = third.contents().collect().await;
    assert!(read.concat() == bytes(length), "another's place was taken");
    drop((third, fourth));
    assert_eq!(unnamed_files(place.path()), 0, "nothing is left of it");
    drop(first);
    let memory = blobs.memory.available_permits();
    assert_eq!(memory, IN_MEMORY / BLOCK);
}

/// However late it is read.
#[tokio::test]
async fn a_whole_image_is_complete_and_in_the_file_beyond_its_share() {
    let place = tempfile::tempdir().unwrap();
    let file = BlockFile::new(place.path().to_owned(), Arc::default());
    let blobs = Blobs::new(4 * IN_MEMORY, Some(file));
    let mut image = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\0;".to_vec();
    image.resize(IN_MEMORY + 3 * BLOCK + 1, 0);
    let length = image.len();
    let blob = blobs.reserve(Purpose::Original, length).await.unwrap();
    blob.limit(Limits {
        max_bytes: length as u64,
        max_pixels: 1,
    });
    let (first, rest) = image.split_at(length - 1);
    for chunk in first.chunks(100_000) {
        blob.receive(chunk, Some(length as u64)).await.unwrap();
    }
    let received = blob.received(Some(length as u64)).await.unwrap();
    assert!(matches!(received, Received::Part(_)), "{received:?}");
    blob.receive(rest, Some(length as u64)).await.unwrap();
    let received = blob.received(Some(length as u64)).await.unwrap();
    assert!(matches!(received, Received::Whole(_)), "{received:?}");
    let is_in_file = |block: &Block| matches!(block, Block::InFile(_));
    let (in_file, in_memory): (Vec<_>, Vec<_>) = held(&blob).into_iter().partition(is_in_file);
    assert_eq!((in_file.len(), in_memory.len()), (4, IN_MEMORY / BLOCK));
    let appended = blob.append(b"more").await.map_err(|error| error.kind);
    assert_eq!(appended, Err(ErrorKind::Invalid));
    let read: Vec<Bytes> = blob.contents().collect().await;
    assert!(read.concat() == image, "other bytes");
}

#[tokio::test]
async fn what_no_file_takes_stays_in_memory() {
    let place = tempfile::tempdir().unwrap();
    let nowhere = BlockFile::new(place.path().join("nowhere"), Arc::default());
    let full = Room::new(None, place.path().to_owned());
    full.take_over_tasks(u64::MAX);
    let full = BlockFile::new(place.path().to_owned(), Arc::new(full));
    for (name, file) in [("no directory", nowhere), ("no room on the disk", full)] {
        let blobs = Blobs::new(4 * IN_MEMORY, Some(file));
        let whole = bytes(IN_MEMORY + 10 * BLOCK);
        let blob = blobs.reserve(Purpose::Answer, whole.len()).await.unwrap();
        blob.append(&whole).await.unwrap();
        let read: Vec<Bytes> = blob.contents().collect().await;
        assert!(read.concat() == whole, "{name}: other bytes");
        let is_in_file = |block: &Block| matches!(block, Block::InFile(_));
        assert!(!held(&blob).iter().any(is_in_file), "{name}");
    }
}
