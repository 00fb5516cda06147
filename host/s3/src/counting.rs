//! Takes, holds and settles reservations of images on this host.
//!
//! The task that uploads an image holds its reservation. If it is cancelled, a background
//! job checks whether the image was stored; if this host dies, another host does.
//!
//! It must never write a reservation because of a request alone if the reservation was
//! lost meanwhile: the image may be deleted by then, or stored again.

use std::sync::{Arc, Weak};
use std::time::Duration;

use concept_refinement_capability::images::anonymous_owner;
use concept_refinement_capability::upload_reservations::{
    Admission, Change, ImageKey, NewReservation, Reservation, TERM,
};
use concept_refinement_domain::capability::{CapabilityError, ImageKind, ImageLimit, NewImage};
use concept_refinement_domain::image_path::ImagePath;
use futures::future::pending;
use tokio::time::{Instant, sleep};

use super::fault::Fault;
use super::{Inner, SECOND};

/// How often a reservation is extended: even if one attempt fails, another one is in
/// time.
const HOLD_AFTER: Duration = Duration::from_secs(TERM.as_secs() / 3);

/// Delay between checks of pending reservations, since the store may be unavailable.
const RETRY: Duration = Duration::from_secs(1);

/// Delay before the result of a broken request is checked: it may still arrive, for as
/// long as a server may take for the largest image.
const SETTLING: Duration = Duration::from_secs(6);

/// How many abandoned reservations are taken over at once.
const BATCH: u32 = 100;

/// A reservation held by this host, which is pending until it is settled or freed.
pub(super) struct Taken {
    inner: Arc<Inner>,
    /// None: the image is not counted, or no longer pending.
    reservation: Option<Reservation>,
    /// Whether a request to store or delete the image was sent.
    is_sent: bool,
}

/// Takes care of reservations left by dead hosts, as long as the store exists.
pub(super) async fn upkeep(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        let abandoned = inner.reservations.abandoned(BATCH).await;
        for reservation in abandoned.unwrap_or_default() {
            // If the bucket is unavailable, it is so for the other reservations too.
            // They are checked again later.
            if inner.look(reservation, true).await.is_err() {
                break;
            }
        }
        drop(inner);
        sleep(HOLD_AFTER).await;
    }
}

impl Inner {
    /// Only uploads count toward the limit for all images: space for a refined image was
    /// promised to its task.
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
        // If this fails, the reservation may have been taken all the same.
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

    /// Takes the reservation of an image that is about to be deleted.
    pub(super) async fn doubt(self: &Arc<Self>, path: ImageKey) -> Result<Taken, CapabilityError> {
        let reservation = Reservation::new(path);
        let claimed = self.reservations.change(reservation.clone(), Change::Claim);
        let is_stored = claimed.await?;
        Ok(Taken {
            inner: Arc::clone(self),
            reservation: is_stored.then_some(reservation),
            is_sent: true,
        })
    }

    /// Settles or frees a reservation, depending on what is in the bucket.
    ///
    /// `is_sent`: a request was sent to store or delete the image. It may have taken
    /// effect after the host that took the reservation over had checked, so it is taken
    /// again.
    async fn resolve(
        &self,
        mut reservation: Reservation,
        is_sent: bool,
    ) -> Result<(), CapabilityError> {
        while !self.look(reservation.clone(), is_sent).await? && is_sent {
            reservation.holder = Reservation::new(reservation.path.clone()).holder;
            let again = NewReservation {
                reservation: reservation.clone(),
                longest: 0,
                limits: None,
                max_store: None,
            };
            self.reservations.take(again).await?;
        }
        Ok(())
    }

    /// False: the reservation was lost.
    async fn look(&self, reservation: Reservation, is_sent: bool) -> Result<bool, CapabilityError> {
        // An upload never replaces another image, so there is none.
        if !is_sent && reservation.path.kind == ImageKind::Upload {
            return self.reservations.change(reservation, Change::Free).await;
        }
        let key = reservation.path.text();
        let object = self.bucket.head(&key).await.map_err(Fault::report)?;
        let end = match object {
            Some(object) => Change::Settle(object.size),
            None => {
                // Removes the second object of an upload that was not stored. Not for
                // refined images: another image of the same name may be on its way.
                if reservation.path.kind == ImageKind::Upload {
                    let _ = self.bucket.delete(&format!("{key}{SECOND}")).await;
                }
                Change::Free
            }
        };
        self.reservations.change(reservation, end).await
    }

    /// Checks an image that counts as stored but is missing in a list. It may have been
    /// stored or deleted meanwhile.
    pub(super) async fn look_for(&self, missing: ImageKey) -> Result<(), CapabilityError> {
        let reservation = Reservation::new(missing);
        let claimed = self.reservations.change(reservation.clone(), Change::Claim);
        if claimed.await? {
            self.look(reservation, true).await?;
        }
        Ok(())
    }

    /// Whether the owner has pending reservations, so that a limit may not really be
    /// reached.
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
    /// Extends the reservation while a future runs.
    ///
    /// # Errors
    ///
    /// The reservation was lost, since this host could not extend it for too long.
    pub(super) async fn during<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, CapabilityError> {
        let reservations = &self.inner.reservations;
        let lost = async {
            let Some(reservation) = &self.reservation else {
                return pending().await;
            };
            let mut held = Instant::now();
            loop {
                sleep(HOLD_AFTER).await;
                let begun = Instant::now();
                match reservations.change(reservation.clone(), Change::Hold).await {
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

    /// The request to store the image is sent from now on.
    pub(super) fn sent(&mut self) {
        self.is_sent = true;
    }

    /// The image was stored, or deleted.
    pub(super) async fn end(mut self, end: Change) -> Result<(), CapabilityError> {
        let reservations = &self.inner.reservations;
        // Pending until this is done, in case the future is dropped.
        if let Some(reservation) = &self.reservation
            && !reservations.change(reservation.clone(), end).await?
        {
            self.inner.resolve(reservation.clone(), true).await?;
        }
        self.reservation = None;
        Ok(())
    }

    /// The image was not stored, but one that it was to replace may exist. If that cannot
    /// be checked now, it is checked later.
    pub(super) async fn give_up(mut self) {
        if let Some(reservation) = self.reservation.clone()
            && self.inner.resolve(reservation, self.is_sent).await.is_ok()
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
                // One at a time, so that an unavailable bucket does not get requests from
                // all of them.
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
