//! The memory of an instance for uploads of undeclared length, which users share.
//!
//! An upload reserves what was read of it, and not the most that may come: a slow or small
//! one takes nobody's place. It never waits for memory, as it holds what others wait for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use concept_refinement_domain::share::{RESERVE, has_share};

/// The bytes of all uploads together. One that is alone may take more.
const LIMIT: usize = 64 * 1024 * 1024;

/// What one user leaves while no other is there, as a part of the limit: room for small ones.
const RESERVE_BESIDE_ONE: usize = 16;

/// Each upload counts as at least this many bytes, because of its buffers.
const MIN_RESERVATION: usize = 1024 * 1024;

#[derive(Default)]
pub struct UploadMemory(RefCell<Taken>);

#[derive(Default)]
struct Taken {
    total: usize,
    by_user: HashMap<String, usize>,
}

/// The memory of one upload, free again when this is dropped.
pub struct Reservation {
    memory: Rc<UploadMemory>,
    user: String,
    bytes: usize,
}

impl UploadMemory {
    /// None: the user has a share already, or nothing is left.
    pub fn take(self: &Rc<Self>, user: &str) -> Option<Reservation> {
        let mut reservation = self.nothing(user);
        reservation.cover(MIN_RESERVATION).then_some(reservation)
    }

    /// The same for an upload that passes through: its buffers count, and how many a user may
    /// have is decided elsewhere. None: nothing is left.
    pub fn take_buffers(self: &Rc<Self>, user: &str) -> Option<Reservation> {
        let mut reservation = self.nothing(user);
        let fits = self.0.borrow().fits(MIN_RESERVATION);
        fits.then(|| {
            reservation.add(MIN_RESERVATION);
            reservation
        })
    }

    fn nothing(self: &Rc<Self>, user: &str) -> Reservation {
        Reservation {
            memory: Rc::clone(self),
            user: user.to_owned(),
            bytes: 0,
        }
    }
}

impl Taken {
    fn fits(&self, more: usize) -> bool {
        more <= LIMIT.saturating_sub(self.total)
    }

    /// Whether a user may have more for an upload that has so many bytes. The only one of a user
    /// is not broken off while there is room.
    fn may_have(&self, user: &str, bytes: usize, more: usize) -> bool {
        let own = self.by_user.get(user).copied().unwrap_or_default();
        let reserve = match own == self.total {
            true => RESERVE_BESIDE_ONE,
            false => RESERVE,
        };
        let is_alone = self.total == bytes;
        let is_only = own == bytes;
        is_alone || self.fits(more) && (is_only || has_share(LIMIT, self.total, own, reserve))
    }
}

impl Reservation {
    /// Extends it to so many bytes. False: the user has a share already, or too little is left.
    pub fn cover(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let may_have = self
            .memory
            .0
            .borrow()
            .may_have(&self.user, self.bytes, more);
        if may_have {
            self.add(more);
        }
        may_have
    }

    fn add(&mut self, more: usize) {
        let mut taken = self.memory.0.borrow_mut();
        taken.total = taken.total.saturating_add(more);
        let own = taken.by_user.entry(self.user.clone()).or_default();
        *own = own.saturating_add(more);
        self.bytes = self.bytes.saturating_add(more);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.memory.0.borrow_mut();
        taken.total = taken.total.saturating_sub(self.bytes);
        if let Some(own) = taken.by_user.get_mut(&self.user) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                taken.by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn users_share_it() {
        type Case = (
            &'static str,
            &'static [(&'static str, usize)],
            &'static str,
            usize,
            bool,
        );
        const CASES: [Case; 14] = [
            ("nobody there", &[], "ann", 20, true),
            ("alone", &[], "ann", 100, true),
            (
                "over a quarter is free",
                &[("ann", 46), ("bob", 1)],
                "ann",
                1,
                true,
            ),
            (
                "as much as is free",
                &[("ann", 47), ("bob", 1)],
                "ann",
                1,
                false,
            ),
            ("another one", &[("ann", 47), ("bob", 1)], "cid", 1, true),
            (
                "less than is free",
                &[("ann", 47), ("bob", 1)],
                "bob",
                5,
                true,
            ),
            ("too little is left", &[("ann", 60)], "cid", 5, false),
            ("beside a large one", &[("ann", 100)], "cid", 1, false),
            ("full", &[("ann", 63), ("bob", 1)], "cid", 1, false),
            (
                "a third of one user",
                &[("ann", 20), ("ann", 20)],
                "ann",
                20,
                true,
            ),
            (
                "a fourth",
                &[("ann", 20), ("ann", 20), ("ann", 20)],
                "ann",
                1,
                false,
            ),
            (
                "beside it",
                &[("ann", 20), ("ann", 20), ("ann", 20)],
                "bob",
                4,
                true,
            ),
            ("one of each", &[("ann", 20), ("bob", 20)], "cid", 20, true),
            (
                "a second of one",
                &[("ann", 24), ("bob", 24)],
                "bob",
                2,
                false,
            ),
        ];
        for (name, held, user, bytes, expected) in CASES {
            let memory = Rc::<UploadMemory>::default();
            let held = held.iter().map(|(user, size)| {
                let mut held = memory.take(user).unwrap();
                assert!(held.cover(size * MIB), "{name}");
                held
            });
            let held: Vec<_> = held.collect();
            let upload = memory.take(user);
            let is_covered = upload.is_some_and(|mut upload| upload.cover(bytes * MIB));
            assert_eq!(is_covered, expected, "{name}");
            drop(held);
            assert!(memory.take(user).is_some(), "{name}: it is given back");
            let taken = memory.0.borrow();
            assert_eq!((taken.total, taken.by_user.len()), (0, 0), "{name}");
        }
    }

    #[test]
    fn small_uploads_count_by_their_buffers() {
        let memory = Rc::<UploadMemory>::default();
        let uploads = (0..100).map_while(|user| memory.take(&user.to_string()));
        let uploads: Vec<_> = uploads.collect();
        assert_eq!(uploads.len(), LIMIT / MIN_RESERVATION);
    }
}
