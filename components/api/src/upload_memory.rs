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
        let mut reservation = Reservation {
            memory: Rc::clone(self),
            user: user.to_owned(),
            bytes: 0,
        };
        reservation.cover(MIN_RESERVATION).then_some(reservation)
    }
}

impl Reservation {
    /// Extends it to so many bytes. False: the user has a share already, or too little is left.
    pub fn cover(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let mut taken = self.memory.0.borrow_mut();
        let is_alone = taken.total == self.bytes;
        let fits = more <= LIMIT.saturating_sub(taken.total);
        let own = taken.by_user.get(&self.user).copied().unwrap_or_default();
        let may_have_more = fits && has_share(LIMIT, taken.total, own, RESERVE);
        if !is_alone && !may_have_more {
            return false;
        }
        taken.total = taken.total.saturating_add(more);
        let own = own.saturating_add(more);
        taken.by_user.insert(self.user.clone(), own);
        self.bytes = bytes;
        true
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
        const CASES: [Case; 9] = [
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
