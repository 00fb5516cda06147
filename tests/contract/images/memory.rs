//! Images in memory.

use std::sync::Arc;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::{ImageStore, Signing};
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_embedded::memory::MemoryImages;
use futures::{FutureExt as _, StreamExt as _};

use super::ImageBackend;

pub struct Memory(Arc<MemoryImages>);

impl ImageBackend for Memory {
    fn start(signing: Signing, clock: Arc<ManualClock>) -> Self {
        Self(Arc::new(MemoryImages::new(signing, clock)))
    }

    fn images(&self) -> Arc<dyn ImageStore> {
        Arc::clone(&self.0) as _
    }

    fn stored_count(&self) -> usize {
        let listed = |kind| {
            let images = self.0.list(kind).now_or_never().unwrap().unwrap();
            images.count().now_or_never().unwrap()
        };
        listed(ImageKind::Upload) + listed(ImageKind::Refined)
    }
}
