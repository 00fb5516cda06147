//! The promises of `image-store`.

pub mod addresses;
pub mod counting;
pub mod files;
pub mod listing;
pub mod memory;
pub mod reading;
pub mod s3;
pub mod sharing;
pub mod storing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::{Contents, ImageStore, Signing};
use concept_refinement_capability::upload_reservations::UploadReservations;
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, ImageLength, ImageLimits, NewImage, Stored,
    StoredOrNot,
};
use concept_refinement_domain::timestamp::Timestamp;
use futures::{StreamExt, TryStreamExt, stream};

pub const START: Timestamp = Timestamp(1_795_176_000_123_456);
pub const TTL: Duration = Duration::from_secs(3600);
pub const ORIGIN: &str = "http://127.0.0.1:8080";

/// A backend that takes part in the suite.
pub trait ImageBackend: Sized {
    /// What URLs start with where nothing else is configured. None: the origin
    /// of each request.
    const PUBLIC_URL: Option<&'static str> = None;

    /// An empty store.
    fn start(signing: Signing, clock: Arc<ManualClock>) -> Self;

    fn images(&self) -> Arc<dyn ImageStore>;

    /// How many things the engine keeps, whole images or not.
    fn stored_count(&self) -> usize;
}

/// One whose images outlive the process, and what is half written besides.
pub trait DurableImageBackend: ImageBackend {
    /// Another store with what there would be if the process were killed now.
    fn crash(&self, signing: Signing, clock: Arc<ManualClock>) -> Self;
}

/// A backend that belongs to one process at a time.
pub trait OwnedImageBackend: DurableImageBackend {
    /// Tries to open the same data a second time.
    fn open_again(&self, signing: Signing, clock: Arc<ManualClock>) -> Result<(), String>;
}

/// A backend that many hosts share.
pub trait SharedImageBackend: DurableImageBackend {
    /// Another host on what this one has, with room for so many bytes of images
    /// in all.
    fn another(&self, max_store: Option<u64>) -> Self;

    /// Another host, whose images are counted by this.
    fn counting_by(&self, reservations: Arc<dyn UploadReservations>) -> Self;

    /// What counts the images of this host.
    fn reservations(&self) -> Arc<dyn UploadReservations>;
}

/// A store under test, with a clock that stands still.
pub struct Store<B> {
    pub backend: B,
    pub images: Arc<dyn ImageStore>,
    pub clock: Arc<ManualClock>,
}

impl<B: ImageBackend> Store<B> {
    pub fn start() -> Self {
        Self::start_with(signing(None))
    }

    pub fn start_with(signing: Signing) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        Self::of(B::start(signing, clock.clone()), clock)
    }

    pub fn of(backend: B, clock: Arc<ManualClock>) -> Self {
        Self {
            images: backend.images(),
            backend,
            clock,
        }
    }

    /// Stores an image whole.
    pub async fn stored(&self, image: NewImage, bytes: &[u8]) -> Stored {
        match self.images.put(image, contents(bytes)).await.unwrap() {
            StoredOrNot::Stored(stored) => stored,
            other => panic!("not stored: {other:?}"),
        }
    }

    pub async fn stat(&self, path: &str) -> Option<ImageInfo> {
        self.images.stat(path).await.unwrap()
    }

    /// What is read of an image. None: there is none.
    pub async fn read(&self, path: &str, range: Option<ByteRange>) -> Option<Vec<u8>> {
        let (_, contents) = self.images.get(path, range).await.unwrap()?;
        Some(whole(contents).await.unwrap())
    }
}

pub fn signing(public_url: Option<&str>) -> Signing {
    Signing {
        key: b"a key for tests".to_vec(),
        ttl: TTL,
        public_url: public_url.map(str::to_owned),
    }
}

pub fn image(owner: &str, name: &str, bytes: &[u8]) -> NewImage {
    NewImage {
        kind: ImageKind::Upload,
        name: name.into(),
        owner: owner.into(),
        media_type: "image/png".into(),
        length: ImageLength::Exactly(bytes.len() as u64),
        metadata: vec![("task_id".into(), "1".into())],
        limits: None,
    }
}

/// So many images, and nothing else that matters.
pub fn at_most(images: u32) -> Option<ImageLimits> {
    within(images, u64::MAX, u32::MAX)
}

pub fn within(images: u32, bytes: u64, under_way: u32) -> Option<ImageLimits> {
    Some(ImageLimits {
        images,
        bytes,
        under_way,
    })
}

/// Bytes that do not repeat soon.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The bytes in uneven pieces, empty ones among them.
pub fn contents(bytes: &[u8]) -> Contents {
    let mut rest = Bytes::copy_from_slice(bytes);
    let mut size = 0;
    let chunks = std::iter::from_fn(move || {
        size = (size * 7 + 1) % 100_003;
        let length = if size % 5 == 0 {
            0
        } else {
            size.min(rest.len())
        };
        (!rest.is_empty()).then(|| Ok(rest.split_to(length)))
    });
    stream::iter(chunks).boxed()
}

pub async fn whole(contents: Contents) -> Result<Vec<u8>, CapabilityError> {
    contents
        .try_fold(Vec::new(), async |mut whole, chunk| {
            whole.extend_from_slice(&chunk);
            Ok(whole)
        })
        .await
}
