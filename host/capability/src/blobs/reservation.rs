//! Reserved space for blobs, and the queue for it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Purpose;
use super::accounting::{Age, Refused, SpaceAccounting};

/// The space for all blobs.
pub struct Reservations(Mutex<SpaceAccounting<oneshot::Sender<Reservation>>>);

/// A part of the space. Dropping it gives the space back.
pub struct Reservation {
    reservations: Arc<Reservations>,
    purpose: Purpose,
    room: u64,
}

/// A queued request. Dropping it leaves the queue.
struct Waiter {
    reservations: Arc<Reservations>,
    age: Age,
}

impl Reservations {
    /// `total`: all the space, in bytes.
    pub fn new(total: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(SpaceAccounting::new(total))))
    }

    /// Reserves space. For an answer this waits.
    ///
    /// # Errors
    ///
    /// For an original: there is none at the moment. For both: it exceeds the total.
    pub async fn reserve(
        self: &Arc<Self>,
        purpose: Purpose,
        room: u64,
    ) -> Result<Reservation, Refused> {
        if purpose == Purpose::Original {
            self.0.lock().original(room)?;
            return Ok(self.reservation(purpose, room));
        }
        let (sender, admitted) = oneshot::channel();
        let age = self.0.lock().wait(room, sender)?;
        let waiter = Waiter {
            reservations: Arc::clone(self),
            age,
        };
        self.advance();
        let admitted = admitted.await;
        drop(waiter);
        // Only `advance` drops or uses the sender.
        admitted.map_err(|_| Refused::Now)
    }

    fn reservation(self: &Arc<Self>, purpose: Purpose, room: u64) -> Reservation {
        Reservation {
            reservations: Arc::clone(self),
            purpose,
            room,
        }
    }

    fn advance(self: &Arc<Self>) {
        let admitted = self.0.lock().advance();
        for (sender, room) in admitted {
            // If the receiver is gone, dropping the reservation gives the space back.
            let _ = sender.send(self.reservation(Purpose::Answer, room));
        }
    }

    fn give_back(self: &Arc<Self>, purpose: Purpose, room: u64) {
        self.0.lock().give_back(purpose, room);
        self.advance();
    }

    #[cfg(test)]
    pub fn free(&self) -> u64 {
        self.0.lock().free()
    }
}

impl Reservation {
    /// How much it holds, in bytes.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// Reserves this much more.
    ///
    /// # Errors
    ///
    /// There is none at the moment, or it exceeds the limit; or this is for an answer,
    /// which would have to wait while it holds space.
    pub fn grow(&mut self, more: u64) -> Result<(), Refused> {
        match self.purpose {
            Purpose::Original => self.reservations.0.lock().original(more)?,
            Purpose::Answer => return Err(Refused::Ever),
        }
        self.room += more;
        Ok(())
    }

    /// Moves a part of it to another one. None: it is smaller.
    pub fn split(&mut self, room: u64) -> Option<Self> {
        self.room = self.room.checked_sub(room)?;
        Some(self.reservations.reservation(self.purpose, room))
    }

    /// Gives back everything beyond `room` bytes.
    pub fn shrink(&mut self, room: u64) {
        let back = self.room.saturating_sub(room);
        self.room -= back;
        if back > 0 {
            self.reservations.give_back(self.purpose, back);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let has_left = self.reservations.0.lock().leave(self.age);
        if has_left {
            self.reservations.advance();
        }
    }
}
