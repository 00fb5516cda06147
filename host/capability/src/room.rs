//! The room that images have: of `max-store`, and on the disk.
//!
//! Uploads and new tasks are admitted while there is room for them and for the
//! refined images of the tasks that were accepted before. A refined image is
//! never refused here: its task was promised room. So what is accepted fits, and
//! what is new is refused before the disk is full.
//!
//! It must never wait for anything but a look at the disk's free space.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};
use rustix::fs::statvfs;

/// What an accepted task reserves for its refined image, in bytes: 1024 × 1024
/// pixels of four bytes, as a PNG that cannot be compressed. In a small store a
/// [`SHARE`] of it instead, so that tasks are accepted there too.
const REFINED: u64 = 4 << 20;
const SHARE: u64 = 1024;

/// What is never taken of a disk by uploads and new tasks, in bytes, or a
/// twentieth of the disk, whichever is less.
const DISK_RESERVE: u64 = 1 << 30;
const DISK_SHARE: u64 = 20;

/// The room of one image store, shared with the task store.
#[derive(Debug, Default)]
pub struct Room {
    max_store: Option<u64>,
    /// Where the images are. None: in memory.
    place: Option<PathBuf>,
    /// The images are in a store that is not on this machine's disk.
    is_elsewhere: AtomicBool,
    occupancy: Mutex<Occupancy>,
}

/// What takes room, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Images that are stored.
    pub stored: u64,
    /// The longest that the uploads under way may become.
    pub reserved: u64,
    /// Of those, what is not written to the disk yet.
    pub unwritten: u64,
    /// How many uploads are under way.
    pub uploads: u64,
    /// How many tasks are accepted and not final.
    pub tasks: u64,
}

/// What there is of a resource, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// All of it.
    pub total: u64,
    /// What this process may still write.
    pub available: u64,
}

/// Room that an upload under way has; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    room: Arc<Room>,
    longest: u64,
    unwritten: u64,
}

impl Room {
    /// `max_store`: for all images together, in bytes; `place`: on the disk that
    /// they are on.
    pub fn new(max_store: Option<u64>, place: PathBuf) -> Self {
        Self {
            max_store,
            place: Some(place),
            is_elsewhere: AtomicBool::new(false),
            occupancy: Mutex::default(),
        }
    }

    /// From now on the disk does not count: the images are elsewhere.
    pub fn leave_disk(&self) {
        self.is_elsewhere.store(true, Ordering::Relaxed);
    }

    /// What takes room now.
    pub fn occupancy(&self) -> Occupancy {
        *self.occupancy.lock()
    }

    /// For all images together, in bytes. None: the disk alone is the limit.
    pub fn max_store(&self) -> Option<u64> {
        self.max_store
    }

    /// The disk. None: the images are on none, or it cannot be looked at.
    pub fn disk(&self) -> Option<Disk> {
        match self.is_elsewhere.load(Ordering::Relaxed) {
            true => None,
            false => look(self.place.as_deref()?),
        }
    }

    /// Reserves room for an upload until the reservation is dropped.
    ///
    /// # Errors
    ///
    /// There is no room for it ([`io::ErrorKind::StorageFull`]).
    pub fn reserve(self: &Arc<Self>, longest: u64) -> io::Result<Reservation> {
        let (mut occupancy, disk) = self.look_locked();
        admit(*occupancy, self.max_store, disk, longest)?;
        occupancy.reserved = occupancy.reserved.saturating_add(longest);
        occupancy.unwritten = occupancy.unwritten.saturating_add(longest);
        occupancy.uploads += 1;
        Ok(Reservation {
            room: Arc::clone(self),
            longest,
            unwritten: longest,
        })
    }

    /// Reserves room for the refined image of one task more, which
    /// [`Room::release_tasks`] gives back.
    ///
    /// # Errors
    ///
    /// There is no room for it ([`io::ErrorKind::StorageFull`]).
    pub fn reserve_task(&self) -> io::Result<()> {
        let (mut occupancy, disk) = self.look_locked();
        let with_task = Occupancy {
            tasks: occupancy.tasks.saturating_add(1),
            ..*occupancy
        };
        admit(with_task, self.max_store, disk, 0)?;
        *occupancy = with_task;
        Ok(())
    }

    /// Whether the disk has so many bytes that neither it nor what was accepted
    /// needs.
    pub fn spares(&self, bytes: u64) -> bool {
        let (occupancy, disk) = self.look_locked();
        admit(*occupancy, None, disk, bytes).is_ok()
    }

    /// The room of tasks that are final or gone.
    pub fn release_tasks(&self, tasks: u64) {
        let mut occupancy = self.occupancy.lock();
        occupancy.tasks = occupancy.tasks.saturating_sub(tasks);
    }

    /// Tasks that were accepted by the process before this one.
    pub fn take_over_tasks(&self, tasks: u64) {
        let mut occupancy = self.occupancy.lock();
        occupancy.tasks = occupancy.tasks.saturating_add(tasks);
    }

    /// Images that were stored, in place of others or none; in bytes.
    pub fn replace(&self, removed: u64, stored: u64) {
        let mut occupancy = self.occupancy.lock();
        occupancy.stored = occupancy.stored.saturating_sub(removed);
        occupancy.stored = occupancy.stored.saturating_add(stored);
    }

    /// What there is in a store elsewhere, where that is counted: how much is
    /// stored and how much in doubt, in bytes, and how many images are in doubt.
    pub fn replace_elsewhere(&self, stored: u64, in_doubt: u64, uploads: u64) {
        if self.is_elsewhere.load(Ordering::Relaxed) {
            let mut occupancy = self.occupancy.lock();
            occupancy.stored = stored;
            occupancy.reserved = in_doubt;
            occupancy.uploads = uploads;
        }
    }

    /// Whether images of so many bytes together, and what accepted tasks were
    /// promised, are within this limit.
    pub fn is_within(&self, max_store: u64, bytes: u64) -> bool {
        let tasks = self.occupancy.lock().tasks;
        promised(tasks, max_store).saturating_add(bytes) <= max_store
    }

    /// The disk is looked at under the lock: what uploads wrote before counts twice
    /// until they say so. The other way round it would count neither as unwritten
    /// nor as taken.
    fn look_locked(&self) -> (MutexGuard<'_, Occupancy>, Option<Disk>) {
        let occupancy = self.occupancy.lock();
        let disk = self.disk();
        (occupancy, disk)
    }
}

impl Reservation {
    /// So many bytes of it, from the beginning, are on the disk now.
    pub fn wrote_all(&mut self, written: u64) {
        let unwritten = self.longest.saturating_sub(written).min(self.unwritten);
        let newly = self.unwritten - unwritten;
        self.unwritten = unwritten;
        let mut occupancy = self.room.occupancy.lock();
        occupancy.unwritten = occupancy.unwritten.saturating_sub(newly);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut occupancy = self.room.occupancy.lock();
        occupancy.reserved = occupancy.reserved.saturating_sub(self.longest);
        occupancy.unwritten = occupancy.unwritten.saturating_sub(self.unwritten);
        occupancy.uploads = occupancy.uploads.saturating_sub(1);
    }
}

impl Disk {
    /// What uploads and new tasks leave free, in bytes: refined images of
    /// accepted tasks and the task store may take it.
    pub fn reserve(self) -> u64 {
        DISK_RESERVE.min(self.total / DISK_SHARE)
    }
}

/// Whether there is room for so many bytes more besides what accepted tasks may
/// need.
fn admit(
    occupancy: Occupancy,
    max_store: Option<u64>,
    disk: Option<Disk>,
    bytes: u64,
) -> io::Result<()> {
    let Occupancy {
        stored,
        reserved,
        unwritten,
        tasks,
        ..
    } = occupancy;
    let sum = |parts: [u64; 4]| parts.into_iter().fold(0_u64, u64::saturating_add);
    if let Some(max) = max_store
        && sum([stored, reserved, promised(tasks, max), bytes]) > max
    {
        return Err(full("the images take as much as max-store allows"));
    }
    if let Some(disk) = disk
        && sum([
            unwritten,
            promised(tasks, disk.total),
            bytes,
            disk.reserve(),
        ]) > disk.available
    {
        return Err(full("the disk has only its reserve left"));
    }
    Ok(())
}

/// For the refined images of so many tasks, of a resource of this size.
fn promised(tasks: u64, of: u64) -> u64 {
    tasks.saturating_mul(REFINED.min(of / SHARE))
}

fn full(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, reason)
}

/// None: it cannot be looked at, or does not say how large it is.
fn look(place: &Path) -> Option<Disk> {
    let found = statvfs(place).ok().filter(|found| found.f_blocks > 0)?;
    Some(Disk {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        available: found.f_bavail.saturating_mul(found.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    #[test]
    fn room_ends_exactly_where_it_is_set() {
        let none = Occupancy::default();
        let stored = |stored| Occupancy { stored, ..none };
        let reserved = |reserved| Occupancy {
            stored: 10,
            reserved,
            unwritten: reserved,
            ..none
        };
        let tasks = |tasks| Occupancy { tasks, ..none };
        let disk = |total, available| Some(Disk { total, available });
        for (name, occupancy, max_store, disk, bytes, expected) in [
            ("no limit", stored(u64::MAX), None, None, u64::MAX, true),
            ("all of it", none, Some(100), None, 100, true),
            ("a byte more", none, Some(100), None, 101, false),
            ("what is left", stored(60), Some(100), None, 40, true),
            (
                "a byte more than that",
                stored(60),
                Some(100),
                None,
                41,
                false,
            ),
            ("beside uploads", reserved(50), Some(100), None, 40, true),
            (
                "a byte more beside them",
                reserved(50),
                Some(100),
                None,
                41,
                false,
            ),
            (
                "more than can be counted",
                stored(1),
                Some(u64::MAX),
                None,
                u64::MAX,
                true,
            ),
            (
                "beside tasks",
                tasks(2),
                Some(8 * GIB),
                None,
                8 * GIB - 8 * MIB,
                true,
            ),
            (
                "too much beside them",
                tasks(2),
                Some(8 * GIB),
                None,
                8 * GIB - 8 * MIB + 1,
                false,
            ),
            (
                "tasks of a small store",
                tasks(2),
                Some(1024),
                None,
                1022,
                true,
            ),
            (
                "the disk but its twentieth",
                none,
                None,
                disk(20 * MIB, 20 * MIB),
                19 * MIB,
                true,
            ),
            (
                "a byte of it",
                none,
                None,
                disk(20 * MIB, 20 * MIB),
                19 * MIB + 1,
                false,
            ),
            (
                "a large disk but a gigabyte",
                none,
                None,
                disk(900 * GIB, 3 * GIB),
                2 * GIB,
                true,
            ),
            (
                "a byte of that",
                none,
                None,
                disk(900 * GIB, 3 * GIB),
                2 * GIB + 1,
                false,
            ),
            (
                "a disk that others filled",
                none,
                None,
                disk(900 * GIB, 5),
                0,
                false,
            ),
            (
                "what uploads did not write yet",
                reserved(GIB),
                None,
                disk(900 * GIB, 3 * GIB),
                GIB + 1,
                false,
            ),
        ] {
            let admitted = admit(occupancy, max_store, disk, bytes).is_ok();
            assert_eq!(admitted, expected, "{name}");
        }
    }

    #[test]
    fn what_is_reserved_is_given_back_to_the_byte() {
        let room = Arc::new(Room {
            max_store: Some(100),
            ..Room::default()
        });
        let mut first = room.reserve(60).unwrap();
        assert!(room.reserve(41).is_err());
        let second = room.reserve(40).unwrap();
        first.wrote_all(50);
        assert_eq!(room.occupancy().unwritten, 50);
        first.wrote_all(70);
        assert_eq!(room.occupancy().unwritten, 40);
        drop(first);
        room.replace(0, 30);
        assert!(room.reserve(31).is_err());
        drop(second);
        room.replace(30, 100);
        assert!(room.reserve(1).is_err());
        assert_eq!(room.reserve_task().map_err(|error| error.kind()), Ok(()));
        room.replace(100, 0);
        room.release_tasks(1);
        assert_eq!(room.occupancy(), Occupancy::default());
    }

    #[test]
    fn a_real_disk_is_looked_at() {
        let place = tempfile::tempdir().unwrap();
        let disk = look(place.path()).unwrap();
        assert!(disk.available <= disk.total && disk.total > 0, "{disk:?}");
        assert_eq!(look(&place.path().join("missing")), None);
    }
}
