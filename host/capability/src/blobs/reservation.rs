//! Room of blobs that is reserved, and who waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Purpose;
use super::ledger::{Age, Ledger, Refused};

/// The room for all blobs.
pub struct Reservations(Mutex<State>);

struct State {
    ledger: Ledger,
    waiters: BTreeMap<Age, oneshot::Sender<Reservation>>,
}

/// Some of the room. It is given back when dropped.
pub struct Reservation {
    reservations: Arc<Reservations>,
    purpose: Purpose,
    room: u64,
}

/// One who waits. Waits no longer when dropped.
struct Waiter {
    reservations: Arc<Reservations>,
    age: Age,
}

impl Reservations {
    /// With so much room, in bytes.
    pub fn new(total: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            ledger: Ledger::new(total),
            waiters: BTreeMap::new(),
        })))
    }

    /// Reserves room. For an answer this waits.
    ///
    /// # Errors
    ///
    /// There is none at the moment, for an original, or there never is as much.
    pub async fn reserve(
        self: &Arc<Self>,
        purpose: Purpose,
        room: u64,
    ) -> Result<Reservation, Refused> {
        let (waiter, admitted) = match purpose {
            Purpose::Original => {
                self.0.lock().ledger.original(room)?;
                return Ok(self.reservation(purpose, room));
            }
            Purpose::Answer => {
                let (sender, admitted) = oneshot::channel();
                let mut state = self.0.lock();
                let age = state.ledger.wait(room)?;
                state.waiters.insert(age, sender);
                let waiter = Waiter {
                    reservations: Arc::clone(self),
                    age,
                };
                (waiter, admitted)
            }
        };
        self.advance();
        let admitted = admitted.await;
        drop(waiter);
        // Nobody else ends it.
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
        let admitted: Vec<_> = {
            let mut state = self.0.lock();
            let admitted = state.ledger.advance();
            let senders = admitted
                .into_iter()
                .filter_map(|(age, room)| Some((state.waiters.remove(&age)?, room)));
            senders.collect()
        };
        for (sender, room) in admitted {
            // Whoever does not wait any more gives it back.
            let _ = sender.send(self.reservation(Purpose::Answer, room));
        }
    }

    fn give_back(self: &Arc<Self>, purpose: Purpose, room: u64) {
        self.0.lock().ledger.give_back(purpose, room);
        self.advance();
    }

    #[cfg(test)]
    pub fn free(&self) -> u64 {
        self.0.lock().ledger.free()
    }
}

impl Reservation {
    /// What it holds, in bytes.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// Takes so much more.
    ///
    /// # Errors
    ///
    /// There is none at the moment, or never as much, or it is for an answer: that would
    /// have to wait, with what it has.
    pub fn grow(&mut self, more: u64) -> Result<(), Refused> {
        match self.purpose {
            Purpose::Original => self.reservations.0.lock().ledger.original(more)?,
            Purpose::Answer => return Err(Refused::Ever),
        }
        self.room += more;
        Ok(())
    }

    /// Gives back what is more than this.
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
        let has_left = {
            let mut state = self.reservations.0.lock();
            state.waiters.remove(&self.age);
            state.ledger.leave(self.age)
        };
        if has_left {
            self.reservations.advance();
        }
    }
}
