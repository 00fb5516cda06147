//! Places of images, as this host takes, holds and settles them.
//!
//! Nobody waits for what is in doubt: the host looks after it in the background,
//! and if it dies, another one does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, ImageKind, ImageLimit, NewImage};
use concept_refinement_domain::image_path::ImagePath;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::capability::upload_places::{
    Admission, DoubtfulPlace, NewPlace, PlacePath, RENEW_AFTER, UploadPlaces,
};

/// Between two looks at what is in doubt: the store may be away.
const RETRY: Duration = Duration::from_secs(1);

/// Before what a broken request left is looked at: it may still arrive.
const SETTLING: Duration = Duration::from_secs(3);

/// Places taken over at once.
const BATCH: u32 = 100;

pub(super) struct Counting {
    places: Arc<dyn UploadPlaces>,
    /// For all images together, in bytes. None: no limit, and refined images are
    /// not counted.
    max_store: Option<u64>,
    state: Mutex<State>,
    /// Something is in doubt.
    pub(super) doubt: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Of images under way.
    held: HashSet<String>,
    /// With the time from which on it is looked at.
    doubtful: Vec<(DoubtfulPlace, Instant)>,
    /// None: never yet.
    held_at: Option<Instant>,
}

/// A place that was taken, in doubt unless it is settled or freed.
pub(super) struct Taken {
    counting: Arc<Counting>,
    /// None: it is not counted, or not in doubt any more.
    place: Option<DoubtfulPlace>,
    is_sent: bool,
}

impl Counting {
    pub(super) fn new(places: Arc<dyn UploadPlaces>, max_store: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            places,
            max_store,
            state: Mutex::default(),
            doubt: Arc::default(),
        })
    }

    /// Only uploads are judged by the room of all images: a refined image has
    /// what its task was promised.
    pub(super) async fn take(
        self: &Arc<Self>,
        path: &ImagePath,
        image: &NewImage,
    ) -> Result<Result<Taken, ImageLimit>, CapabilityError> {
        let is_upload = image.kind == ImageKind::Upload;
        let mut taken = Taken {
            counting: Arc::clone(self),
            place: None,
            is_sent: false,
        };
        if !is_upload && image.limits.is_none() && self.max_store.is_none() {
            return Ok(Ok(taken));
        }
        let place = DoubtfulPlace {
            id: Uuid::new_v4().to_string(),
            path: path.into(),
        };
        let new = NewPlace {
            id: place.id.clone(),
            path: place.path.clone(),
            longest: image.length.longest(),
            limits: image.limits,
            max_store: self.max_store.filter(|_| is_upload),
        };
        let id = place.id.clone();
        // From here on it may be taken, whatever the answer is. It is held once it
        // is: what is not there yet cannot be.
        taken.place = Some(place);
        match self.places.take(new).await {
            Ok(Admission::Taken) => {
                self.state.lock().held.insert(id);
                Ok(Ok(taken))
            }
            Ok(Admission::LimitReached(limit)) => {
                taken.forget();
                match self.is_in_doubt(path) {
                    true => Err(unavailable()),
                    false => Ok(Err(limit)),
                }
            }
            Ok(Admission::StoreFull) => {
                taken.forget();
                Err(CapabilityError::full("The image store has no room left."))
            }
            Err(error) => Err(error),
        }
    }

    /// The place of an image that is to be deleted. None: it has none.
    pub(super) async fn doubt(self: &Arc<Self>, path: PlacePath) -> Result<Taken, CapabilityError> {
        let place = self.places.doubt(path).await?;
        if let Some(place) = &place {
            self.state.lock().held.insert(place.id.clone());
        }
        Ok(Taken {
            counting: Arc::clone(self),
            place,
            is_sent: true,
        })
    }

    /// Holds what is under way, and takes over what nobody holds.
    pub(super) async fn renew(&self) -> Result<(), CapabilityError> {
        let ids: Vec<_> = {
            let mut state = self.state.lock();
            let is_due = |at: Instant| at.elapsed() >= RENEW_AFTER;
            if !state.held_at.is_none_or(is_due) {
                return Ok(());
            }
            state.held_at = Some(Instant::now());
            let doubtful = state.doubtful.iter().map(|(place, _)| &place.id);
            state.held.iter().chain(doubtful).cloned().collect()
        };
        if !ids.is_empty() {
            for lost in self.places.hold(ids).await? {
                let mut state = self.state.lock();
                state.held.remove(&lost);
                state.doubtful.retain(|(place, _)| place.id != lost);
            }
        }
        let now = Instant::now();
        for place in self.places.abandoned(BATCH).await? {
            let mut state = self.state.lock();
            let is_ours = |(other, _): &(DoubtfulPlace, _)| other.id == place.id;
            // One that this host could not hold in time is its own again.
            if !state.held.contains(&place.id) && !state.doubtful.iter().any(is_ours) {
                state.doubtful.push((place, now));
            }
        }
        Ok(())
    }

    /// What is to be looked at now.
    pub(super) fn doubtful(&self) -> Vec<DoubtfulPlace> {
        let now = Instant::now();
        let state = self.state.lock();
        let ready = state.doubtful.iter().filter(|(_, from)| *from <= now);
        ready.map(|(place, _)| place.clone()).collect()
    }

    /// `bytes`: of the image, if it is there.
    pub(super) async fn resolve(
        &self,
        place: DoubtfulPlace,
        bytes: Option<u64>,
    ) -> Result<(), CapabilityError> {
        let id = place.id.clone();
        match bytes {
            Some(bytes) => self.places.settle(place, bytes).await?,
            None => self.places.free(place.id).await?,
        }
        self.state
            .lock()
            .doubtful
            .retain(|(place, _)| place.id != id);
        Ok(())
    }

    /// Whether what broken requests left is counted against the image's owner: it
    /// may be too much or not.
    fn is_in_doubt(&self, path: &ImagePath) -> bool {
        let state = self.state.lock();
        state.doubtful.iter().any(|(place, _)| {
            let PlacePath { kind, owner, .. } = &place.path;
            *kind == path.kind && *owner == path.tag
        })
    }

    /// How long there is nothing to do.
    pub(super) fn pause(&self) -> Duration {
        match self.state.lock().doubtful.is_empty() {
            true => RENEW_AFTER,
            false => RETRY,
        }
    }
}

fn unavailable() -> CapabilityError {
    CapabilityError::unavailable("The image store cannot be used at the moment.")
}

impl Taken {
    /// Says that the image is on its way from now on.
    ///
    /// # Errors
    ///
    /// The place was lost: this host could not hold it for too long.
    pub(super) fn sent(&mut self) -> Result<(), CapabilityError> {
        self.is_sent = true;
        let is_lost = |place: &DoubtfulPlace| !self.counting.state.lock().held.contains(&place.id);
        match self.place.as_ref().is_some_and(is_lost) {
            true => Err(unavailable()),
            false => Ok(()),
        }
    }

    /// The image is stored.
    pub(super) async fn settle(mut self, bytes: u64) -> Result<(), CapabilityError> {
        self.end(Some(bytes)).await
    }

    /// The image did not come, or is gone.
    pub(super) async fn free(mut self) -> Result<(), CapabilityError> {
        self.end(None).await
    }

    async fn end(&mut self, bytes: Option<u64>) -> Result<(), CapabilityError> {
        // In doubt until this is done, should nobody wait for it.
        let Some(place) = self.place.clone() else {
            return Ok(());
        };
        match bytes {
            Some(bytes) => self.counting.places.settle(place, bytes).await?,
            None => self.counting.places.free(place.id).await?,
        }
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        if let Some(place) = self.place.take() {
            self.counting.state.lock().held.remove(&place.id);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let from = match self.is_sent {
                true => Instant::now() + SETTLING,
                false => Instant::now(),
            };
            let mut state = self.counting.state.lock();
            state.held.remove(&place.id);
            state.doubtful.push((place, from));
            drop(state);
            self.counting.doubt.notify_one();
        }
    }
}
