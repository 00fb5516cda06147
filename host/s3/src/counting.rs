//! Reservations of images, as this host takes, holds and settles them.
//!
//! Whose image is on its way holds its reservation. Nobody waits for what broke off: whether
//! the image is there is looked at in the background, and if this host dies, by another.

use std::sync::{Arc, Weak};
use std::time::Duration;

use concept_refinement_capability::images::anonymous_owner;
use concept_refinement_capability::upload_reservations::{
    Admission, ImageKey, NewReservation, Reservation, TERM,
};
use concept_refinement_domain::capability::{CapabilityError, ImageKind, ImageLimit, NewImage};
use concept_refinement_domain::image_path::ImagePath;
use futures::future::pending;
use tokio::time::{Instant, sleep};

use super::fault::Fault;
use super::{Inner, SECOND};

/// How often a reservation is held: once more before its time has passed, should one fail.
const HOLD_AFTER: Duration = Duration::from_secs(TERM.as_secs() / 3);

/// Between two looks at what is in doubt: the store may be away.
const RETRY: Duration = Duration::from_secs(1);

/// Before what a broken request left is looked at: it may still arrive, as long as a
/// server has for the largest image.
const SETTLING: Duration = Duration::from_secs(6);

/// Reservations taken over at once.
const BATCH: u32 = 100;

/// A reservation that was taken, in doubt unless it is settled or freed.
pub(super) struct Taken {
    inner: Arc<Inner>,
    /// None: it is not counted, or not in doubt any more.
    reservation: Option<Reservation>,
    /// Whether the image is on its way, or its deletion.
    is_sent: bool,
}

/// Looks after what dead hosts left, as long as there is a store.
pub(super) async fn upkeep(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        for reservation in inner
            .reservations
            .abandoned(BATCH)
            .await
            .unwrap_or_default()
        {
            // What is away now is so for the others too. Somebody tries it again.
            if inner.resolve(reservation, true).await.is_err() {
                break;
            }
        }
        drop(inner);
        sleep(HOLD_AFTER).await;
    }
}

impl Inner {
    /// Only uploads are judged by the room of all images: a refined image has
    /// what its task was promised.
    pub(super) async fn take(
        self: &Arc<Self>,
        path: &ImagePath,
        image: &NewImage,
    ) -> Result<Result<Taken, ImageLimit>, CapabilityError> {
        let is_upload = image.kind == ImageKind::Upload;
        let is_counted = is_upload || image.limits.is_some() || self.max_store.is_some();
        let reservation = is_counted.then(|| Reservation {
            anonymous_owner: anonymous_owner(image.owner.clone(), &image.metadata),
            ..Reservation::new(path.into())
        });
        let mut taken = Taken {
            inner: Arc::clone(self),
            reservation: reservation.clone(),
            is_sent: false,
        };
        let Some(reservation) = reservation else {
            return Ok(Ok(taken));
        };
        let new = NewReservation {
            reservation,
            longest: image.length.longest(),
            limits: image.limits,
            max_store: self.max_store.filter(|_| is_upload),
        };
        // If it fails, it may be taken all the same.
        let admission = self.reservations.take(new).await?;
        if admission != Admission::Taken {
            taken.reservation = None;
        }
        match admission {
            Admission::Taken => Ok(Ok(taken)),
            Admission::LimitReached(limit) => match self.is_in_doubt(path) {
                true => Err(unavailable()),
                false => Ok(Err(limit)),
            },
            Admission::StoreFull => Err(CapabilityError::full("The image store has no room left.")),
        }
    }

    /// The reservation of an image that is to be deleted.
    pub(super) async fn doubt(self: &Arc<Self>, path: ImageKey) -> Result<Taken, CapabilityError> {
        let reservation = Reservation::new(path);
        let is_stored = self.reservations.claim(reservation.clone()).await?;
        Ok(Taken {
            inner: Arc::clone(self),
            reservation: is_stored.then_some(reservation),
            is_sent: true,
        })
    }

    /// Confirms or frees a reservation, by what the bucket has.
    async fn resolve(
        &self,
        reservation: Reservation,
        is_sent: bool,
    ) -> Result<(), CapabilityError> {
        // An upload replaces none.
        if !is_sent && reservation.path.kind == ImageKind::Upload {
            return self.reservations.free(reservation).await;
        }
        let key = reservation.path.text();
        let object = self.bucket.head(&key).await.map_err(Fault::report)?;
        match object {
            Some(object) => self.reservations.confirm(reservation, object.size).await,
            None => {
                // Of an upload that did not come; another refined image may be on its way by
                // the same name.
                if reservation.path.kind == ImageKind::Upload {
                    let _ = self.bucket.delete(&format!("{key}{SECOND}")).await;
                }
                self.reservations.free(reservation).await
            }
        }
    }

    /// Whether what broken requests left is counted against the image's owner: it
    /// may be too much or not.
    fn is_in_doubt(&self, ImagePath { kind, tag, .. }: &ImagePath) -> bool {
        let is_of_owner =
            |Reservation { path, .. }: &Reservation| path.kind == *kind && path.owner == *tag;
        self.doubtful.lock().iter().any(is_of_owner)
    }
}

fn unavailable() -> CapabilityError {
    CapabilityError::unavailable("The image store cannot be used at the moment.")
}

impl Taken {
    /// Holds the reservation while something is done.
    ///
    /// # Errors
    ///
    /// The reservation was lost: this host could not hold it for too long.
    pub(super) async fn during<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, CapabilityError> {
        let lost = async {
            let Some(reservation) = &self.reservation else {
                return pending().await;
            };
            let mut held = Instant::now();
            loop {
                sleep(HOLD_AFTER).await;
                let begun = Instant::now();
                match self.inner.reservations.hold(reservation.clone()).await {
                    Ok(true) => held = begun,
                    Ok(false) => return,
                    Err(_) if held.elapsed() + HOLD_AFTER > TERM => return,
                    Err(_) => {}
                }
            }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = lost => Err(unavailable()),
        }
    }

    /// The image is on its way from now on.
    pub(super) fn sent(&mut self) {
        self.is_sent = true;
    }

    /// The image is stored.
    pub(super) async fn settle(mut self, bytes: u64) -> Result<(), CapabilityError> {
        // In doubt until this is done, should nobody wait for it.
        if let Some(reservation) = &self.reservation {
            self.inner
                .reservations
                .settle(reservation.clone(), bytes)
                .await?;
        }
        self.reservation = None;
        Ok(())
    }

    /// The image is gone.
    pub(super) async fn free(mut self) -> Result<(), CapabilityError> {
        if let Some(reservation) = &self.reservation {
            self.inner.reservations.free(reservation.clone()).await?;
        }
        self.reservation = None;
        Ok(())
    }

    /// The image did not come, but one that it was to replace may be there. If that
    /// cannot be learned now, it is later.
    pub(super) async fn give_up(mut self) {
        if let Some(reservation) = &self.reservation
            && self
                .inner
                .resolve(reservation.clone(), self.is_sent)
                .await
                .is_ok()
        {
            self.reservation = None;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let inner = Arc::clone(&self.inner);
        let is_sent = self.is_sent;
        let pause = match is_sent {
            true => SETTLING,
            false => Duration::ZERO,
        };
        self.inner.doubtful.lock().push(reservation.clone());
        self.inner.runtime.spawn(async move {
            sleep(pause).await;
            loop {
                // One after the other, so that what is away is not asked by all of them.
                let _turn = inner.looking.lock().await;
                if inner.resolve(reservation.clone(), is_sent).await.is_ok() {
                    break;
                }
                sleep(RETRY).await;
            }
            inner.doubtful.lock().retain(|other| *other != reservation);
        });
    }
}
