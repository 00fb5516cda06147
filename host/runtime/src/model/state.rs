//! State that a middleware keeps between calls: in memory, bounded, lost with the
//! process. `wit/model-state.wit` has the promises.

mod link;
mod lru;

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::image::{Format, Inspector, Limits};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::lru::Lru;

/// Limit for all values of a link and their keys, in bytes.
const VALUES: usize = 256 << 10;

/// Limit for all images of a link, in bytes. None is larger than a model's answer may be.
const IMAGES: usize = 64 << 20;

/// Limit for all images that are being read in order to be stored, in bytes.
const DRAFTS: usize = 64 << 20;

/// As large as a model's answer may be (`docs/limits.md`). The pipeline checks the number
/// of pixels.
const MAX_IMAGE: Limits = Limits {
    max_bytes: 50 << 20,
    max_pixels: u64::MAX,
};

/// Longest key, in bytes.
const MAX_KEY: usize = 256;

/// The state of one link.
pub struct ModelState {
    values: Mutex<Lru<Vec<u8>>>,
    images: Mutex<Lru<StateImage>>,
    /// Permits, in bytes.
    drafts: Arc<Semaphore>,
}

/// A stored image. Clones share its bytes.
#[derive(Clone)]
pub struct StateImage {
    format: Format,
    length: usize,
    chunks: Arc<[Bytes]>,
}

impl Default for ModelState {
    fn default() -> Self {
        Self {
            values: Mutex::new(Lru::new(VALUES)),
            images: Mutex::new(Lru::new(IMAGES)),
            drafts: Arc::new(Semaphore::new(DRAFTS)),
        }
    }
}

impl ModelState {
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.values.lock().get(key).cloned()
    }

    /// Compares and swaps: sets `new` if the current value is `expected`. Returns whether
    /// it did.
    pub fn swap(&self, key: &str, expected: Option<&[u8]>, new: Option<Vec<u8>>) -> bool {
        let mut values = self.values.lock();
        if values.get(key).map(Vec::as_slice) != expected || key.len() > MAX_KEY {
            return false;
        }
        match new {
            Some(new) => {
                let size = new.len();
                values.put(key, new, size)
            }
            None => {
                values.remove(key);
                true
            }
        }
    }

    pub fn image(&self, key: &str) -> Option<StateImage> {
        self.images.lock().get(key).cloned()
    }

    /// The same image, which is stored once it was read to its end, if it is valid. Until
    /// then, the bytes read are buffered as far as there is space.
    pub fn remembering(
        self: &Arc<Self>,
        key: String,
        contents: BoxStream<'static, Bytes>,
    ) -> BoxStream<'static, Bytes> {
        if key.len() > MAX_KEY {
            return contents;
        }
        let draft = Draft {
            state: Arc::clone(self),
            key,
            inspector: Inspector::new(MAX_IMAGE),
            chunks: Vec::new(),
            room: Vec::new(),
        };
        let mut draft = Some(draft);
        let ends = stream::once(ready(None));
        let contents = contents.map(Some).chain(ends);
        let contents = contents.map(move |chunk| match &chunk {
            Some(read) => {
                draft = draft.take().and_then(|draft| draft.with(read.clone()));
                chunk
            }
            None => {
                if let Some(draft) = draft.take() {
                    draft.put();
                }
                None
            }
        });
        contents.filter_map(ready).boxed()
    }
}

/// The part of an image read so far, which is to be stored.
struct Draft {
    state: Arc<ModelState>,
    key: String,
    inspector: Inspector,
    chunks: Vec<Bytes>,
    room: Vec<OwnedSemaphorePermit>,
}

impl Draft {
    /// Appends a chunk. None: the image will not be stored after all.
    fn with(mut self, chunk: Bytes) -> Option<Self> {
        let bytes = u32::try_from(chunk.len()).ok()?;
        let room = Arc::clone(&self.state.drafts).try_acquire_many_owned(bytes);
        self.inspector.push(&chunk).ok()?;
        self.room.push(room.ok()?);
        self.chunks.push(chunk);
        Some(self)
    }

    fn put(self) {
        if let Ok(inspected) = self.inspector.finish() {
            let length = self.chunks.iter().map(Bytes::len).sum();
            let image = StateImage {
                format: inspected.format,
                length,
                chunks: self.chunks.into(),
            };
            self.state.images.lock().put(&self.key, image, length);
        }
    }
}

impl StateImage {
    fn contents(&self) -> BoxStream<'static, Bytes> {
        let chunks = Arc::clone(&self.chunks);
        let chunks = (0..chunks.len()).filter_map(move |index| chunks.get(index).cloned());
        stream::iter(chunks).boxed()
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::image::Format;
    use futures::FutureExt as _;

    use super::*;

    /// The smallest GIF.
    const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

    #[test]
    fn a_value_is_swapped_if_it_is_what_is_expected() {
        let state = ModelState::default();
        assert!(!state.swap("a", Some(b"1"), Some(b"2".to_vec())));
        assert!(state.swap("a", None, Some(b"1".to_vec())));
        assert!(!state.swap("a", None, Some(b"2".to_vec())));
        assert_eq!(state.get("a"), Some(b"1".to_vec()));
        assert!(state.swap("a", Some(b"1"), Some(b"2".to_vec())));
        assert_eq!(state.get("a"), Some(b"2".to_vec()));
        assert!(state.swap("a", Some(b"2"), None));
        assert_eq!(state.get("a"), None);
        let long = "k".repeat(MAX_KEY + 1);
        assert!(!state.swap(&long, None, Some(Vec::new())));
        assert!(!state.swap("a", None, Some(vec![0; VALUES])));
    }

    #[test]
    fn an_image_is_remembered_if_it_is_whole() {
        let state = Arc::new(ModelState::default());
        let put = |key: &str, bytes: &[u8]| {
            let chunks: Vec<_> = bytes.chunks(7).map(Bytes::copy_from_slice).collect();
            let read = state.remembering(key.to_owned(), stream::iter(chunks).boxed());
            let read: Vec<_> = read.collect().now_or_never().unwrap();
            assert_eq!(read.concat(), bytes, "{key}");
        };
        for (name, bytes) in [
            ("nothing", &b""[..]),
            ("text", b"an image"),
            ("half of it", &GIF[..GIF.len() - 5]),
        ] {
            put(name, bytes);
            assert!(state.image(name).is_none(), "{name}");
        }
        put("whole", GIF);
        let image = state.image("whole").unwrap();
        assert_eq!((image.format, image.length), (Format::Gif, GIF.len()));
        for _ in 0..2 {
            let chunks: Vec<_> = image.contents().collect().now_or_never().unwrap();
            assert_eq!(chunks.concat(), GIF);
        }
        let started = state.remembering("left".to_owned(), stream::iter([GIF.into()]).boxed());
        drop(started.take(1).collect::<Vec<_>>().now_or_never());
        assert!(state.image("left").is_none(), "nobody read it to its end");
        assert_eq!(state.drafts.available_permits(), DRAFTS);
    }
}
