//! Space for images: the limit `max-store`, and the disk.
//!
//! Uploads and new tasks are admitted while there is space for them and for the refined
//! images of the tasks accepted before. A refined image is never refused here, since its
//! space was promised when its task was accepted. So everything accepted fits, and new
//! work is refused before the disk is full. Uploads leave more of the disk free than
//! tasks do, so that tasks for stored images are still accepted when uploads are
//! refused.
//!
//! Nothing here may block, except for querying the free space of the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_domain::sentence::{DISK_AT_RESERVE, IMAGES_AT_LIMIT, TASK_STORE_FULL};
use parking_lot::{Mutex, MutexGuard};
use rustix::fs::statvfs;

/// The space that an accepted task reserves for its refined image, in bytes: 1024 × 1024
/// pixels of four bytes, as a PNG that does not compress. In a small store it is
/// 1/[`SHARE`] of the store instead, so that tasks are accepted there too.
const REFINED: u64 = 4 << 20;
const SHARE: u64 = 1024;

/// Disk space that uploads and new tasks always leave free: this many bytes, or a
/// twentieth of the disk, whichever is less. As much of `max-store` is left free by uploads.
const RESERVE: u64 = 1 << 30;
const RESERVE_SHARE: u64 = 20;

/// Uploads additionally leave free at least this many bytes, or an eighth of the disk,
/// whichever is less: on a small disk, the logs of the databases need the most.
const LOGS: u64 = 16 << 20;
const LOGS_SHARE: u64 = 8;

/// Space for the images of one store, shared with the task store.
#[derive(Debug, Default)]
pub struct Room {
    max_store: Option<u64>,
    /// The directory of the images. None: they are in memory.
    place: Option<PathBuf>,
    /// The images are not on a disk of this machine.
    is_elsewhere: AtomicBool,
    occupancy: Mutex<Occupancy>,
}

/// Used and reserved space, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Images that are stored.
    pub stored: u64,
    /// Upper bounds of the uploads in progress.
    pub reserved: u64,
    /// The part of `reserved` that is not written to the disk yet.
    pub unwritten: u64,
    /// How many uploads are in progress.
    pub uploads: u64,
    /// How many accepted tasks have not ended.
    pub tasks: u64,
}

/// Size and free space of a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its total size.
    pub total: u64,
    /// The bytes that this process may still write: by the blocks or the inodes that
    /// are left, whichever are fewer.
    pub available: u64,
}

/// What has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// `max-store`, the limit for all images.
    #[error("the images take as much as max-store allows")]
    Store,
    /// The disk.
    #[error("the disk has only left what must stay free")]
    Disk,
}

/// Space reserved for an upload in progress; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    room: Arc<Room>,
    longest: u64,
    unwritten: u64,
}

impl Room {
    /// `max_store`: limit for all images together, in bytes; `place`: a path on their
    /// disk.
    pub fn new(max_store: Option<u64>, place: PathBuf) -> Self {
        Self {
            max_store,
            place: Some(place),
            is_elsewhere: AtomicBool::new(false),
            occupancy: Mutex::default(),
        }
    }

    /// From now on the disk does not count, since the images are stored elsewhere.
    pub fn leave_disk(&self) {
        self.is_elsewhere.store(true, Ordering::Relaxed);
    }

    /// The current use.
    pub fn occupancy(&self) -> Occupancy {
        *self.occupancy.lock()
    }

    /// The limit for all images together, in bytes. None: only the disk limits them.
    pub fn max_store(&self) -> Option<u64> {
        self.max_store
    }

    /// The disk. None: the images are not on a disk, or it cannot be queried.
    pub fn disk(&self) -> Option<Disk> {
        match self.is_elsewhere.load(Ordering::Relaxed) {
            true => None,
            false => Disk::of(self.place.as_deref()?),
        }
    }

    /// Reserves space for an upload until the reservation is dropped.
    ///
    /// # Errors
    ///
    /// There is no room for it ([`io::ErrorKind::StorageFull`]).
    pub fn reserve(self: &Arc<Self>, longest: u64) -> io::Result<Reservation> {
        let (mut occupancy, disk) = self.look_locked();
        let store = self.max_store.map(|max| (max, reserve_of(max)));
        let kept = disk.map(Disk::kept_by_uploads);
        admit(*occupancy, store, disk.zip(kept), longest)?;
        occupancy.reserved = occupancy.reserved.saturating_add(longest);
        occupancy.unwritten = occupancy.unwritten.saturating_add(longest);
        occupancy.uploads += 1;
        Ok(Reservation {
            room: Arc::clone(self),
            longest,
            unwritten: longest,
        })
    }

    /// Reserves space for the refined image of one more task; [`Room::release_tasks`]
    /// gives it back.
    ///
    /// # Errors
    ///
    /// There is no room for it.
    pub fn reserve_task(&self) -> Result<(), NoRoom> {
        let (mut occupancy, disk) = self.look_locked();
        *occupancy = self.with_task(*occupancy, disk)?;
        Ok(())
    }

    /// Whether the disk has this many bytes beyond its reserve and what was promised.
    pub fn spares(&self, bytes: u64) -> bool {
        let (occupancy, disk) = self.look_locked();
        admit(*occupancy, None, of_tasks(disk), bytes).is_ok()
    }

    /// What has no room for the refined image of one more task, if anything.
    pub fn lacks_for_task(&self) -> Option<NoRoom> {
        let (occupancy, disk) = self.look_locked();
        self.with_task(*occupancy, disk).err()
    }

    /// The occupancy with one more task, which may use all that `max-store` allows.
    fn with_task(&self, occupancy: Occupancy, disk: Option<Disk>) -> Result<Occupancy, NoRoom> {
        let with_task = Occupancy {
            tasks: occupancy.tasks.saturating_add(1),
            ..occupancy
        };
        let store = self.max_store.map(|max| (max, 0));
        admit(with_task, store, of_tasks(disk), 0)?;
        Ok(with_task)
    }

    /// Gives back the space of tasks that ended or were deleted.
    pub fn release_tasks(&self, tasks: u64) {
        let mut occupancy = self.occupancy.lock();
        occupancy.tasks = occupancy.tasks.saturating_sub(tasks);
    }

    /// Counts tasks that were accepted by the previous process.
    pub fn take_over_tasks(&self, tasks: u64) {
        let mut occupancy = self.occupancy.lock();
        occupancy.tasks = occupancy.tasks.saturating_add(tasks);
    }

    /// Counts stored images, and those that they replaced; in bytes.
    pub fn replace(&self, removed: u64, stored: u64) {
        let mut occupancy = self.occupancy.lock();
        occupancy.stored = occupancy.stored.saturating_sub(removed);
        occupancy.stored = occupancy.stored.saturating_add(stored);
    }

    /// Sets the use of an image store elsewhere that is counted for it: bytes stored,
    /// bytes whose outcome is uncertain, and the number of uncertain images.
    pub fn replace_elsewhere(&self, stored: u64, in_doubt: u64, uploads: u64) {
        if self.is_elsewhere.load(Ordering::Relaxed) {
            let mut occupancy = self.occupancy.lock();
            occupancy.stored = stored;
            occupancy.reserved = in_doubt;
            occupancy.uploads = uploads;
        }
    }

    /// Whether all images may take this many bytes with an upload, given the limit for all
    /// of them and what was promised to accepted tasks.
    pub fn admits_upload(&self, max_store: u64, bytes: u64) -> bool {
        let of_tasks = Occupancy {
            tasks: self.occupancy.lock().tasks,
            ..Occupancy::default()
        };
        let store = Some((max_store, reserve_of(max_store)));
        admit(of_tasks, store, None, bytes).is_ok()
    }

    /// Queries the disk under the lock: bytes written but not yet reported then count
    /// twice. In the other order, they would count neither as unwritten nor as used.
    fn look_locked(&self) -> (MutexGuard<'_, Occupancy>, Option<Disk>) {
        let occupancy = self.occupancy.lock();
        let disk = self.disk();
        (occupancy, disk)
    }
}

impl Reservation {
    /// Reports that the first `written` bytes are on the disk now.
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
    /// The disk of this path. None: it cannot be queried, or does not report its size.
    pub fn of(place: &Path) -> Option<Self> {
        let found = statvfs(place).ok().filter(|found| found.f_blocks > 0)?;
        let total = found.f_blocks.saturating_mul(found.f_frsize);
        let available = found.f_bavail.saturating_mul(found.f_frsize);
        // Files take inodes too, small ones before they take all blocks.
        let inodes = share(total, found.f_favail, found.f_files);
        Some(Self {
            total,
            available: inodes.map_or(available, |inodes| inodes.min(available)),
        })
    }

    /// The space that uploads and new tasks must leave free, in bytes. The task store
    /// and the refined images of accepted tasks may use it.
    pub fn reserve(self) -> u64 {
        reserve_of(self.total)
    }

    /// The space that uploads must leave free, in bytes: as much again, for new
    /// tasks.
    fn kept_by_uploads(self) -> u64 {
        let reserve = self.reserve();
        reserve + reserve.max(LOGS.min(self.total / LOGS_SHARE))
    }
}

/// The disk, of which tasks may use everything but the reserve.
fn of_tasks(disk: Option<Disk>) -> Option<(Disk, u64)> {
    disk.map(|disk| (disk, disk.reserve()))
}

fn reserve_of(total: u64) -> u64 {
    RESERVE.min(total / RESERVE_SHARE)
}

/// Whether there is space for this many more bytes in addition to what accepted tasks may
/// need. `store`, which is the limit for all images, and `disk`: with what must stay free.
fn admit(
    occupancy: Occupancy,
    store: Option<(u64, u64)>,
    disk: Option<(Disk, u64)>,
    bytes: u64,
) -> Result<(), NoRoom> {
    let Occupancy {
        stored,
        reserved,
        unwritten,
        tasks,
        ..
    } = occupancy;
    let sum = |parts: &[u64]| parts.iter().copied().fold(0, u64::saturating_add);
    if let Some((max, kept)) = store
        && sum(&[stored, reserved, promised(tasks, max), bytes, kept]) > max
    {
        return Err(NoRoom::Store);
    }
    if let Some((disk, kept)) = disk
        && sum(&[unwritten, promised(tasks, disk.total), bytes, kept]) > disk.available
    {
        return Err(NoRoom::Disk);
    }
    Ok(())
}

/// The space promised to this many tasks for their refined images, given the size of
/// the resource.
fn promised(tasks: u64, of: u64) -> u64 {
    tasks.saturating_mul(REFINED.min(of / SHARE))
}

impl NoRoom {
    /// Why new tasks are refused, as the state of the task store.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Store => IMAGES_AT_LIMIT,
            Self::Disk => DISK_AT_RESERVE,
        }
    }

    /// The same for those whose task is refused.
    pub fn refusal(self) -> &'static str {
        match self {
            Self::Store => IMAGES_AT_LIMIT,
            Self::Disk => TASK_STORE_FULL,
        }
    }
}

impl From<NoRoom> for io::Error {
    fn from(no_room: NoRoom) -> Self {
        Self::new(io::ErrorKind::StorageFull, no_room)
    }
}

/// This fraction of a total, given as a part and a whole. None: the whole is zero.
fn share(total: u64, part: u64, of: u64) -> Option<u64> {
    let share = (u128::from(total) * u128::from(part)).checked_div(of.into())?;
    u64::try_from(share).ok()
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
        let most = 8 * GIB - 8 * MIB;
        for (name, occupancy, max_store, bytes, expected) in [
            ("no limit", stored(u64::MAX), None, u64::MAX, true),
            ("all of it", none, Some(100), 100, true),
            ("a byte more", none, Some(100), 101, false),
            ("what is left", stored(60), Some(100), 40, true),
            ("a byte more than that", stored(60), Some(100), 41, false),
            ("beside uploads", reserved(50), Some(100), 40, true),
            (
                "a byte more beside them",
                reserved(50),
                Some(100),
                41,
                false,
            ),
            ("uncountable", stored(1), Some(u64::MAX), u64::MAX, true),
            ("beside tasks", tasks(2), Some(8 * GIB), most, true),
            (
                "a byte more there",
                tasks(2),
                Some(8 * GIB),
                most + 1,
                false,
            ),
            ("tasks of a small store", tasks(2), Some(1024), 1022, true),
        ] {
            let store = max_store.map(|max| (max, 0));
            let admitted = admit(occupancy, store, None, bytes).is_ok();
            assert_eq!(admitted, expected, "{name}");
        }
        let (small, large) = ((20 * MIB, 20 * MIB), (900 * GIB, 3 * GIB));
        for (name, occupancy, (total, available), bytes, expected) in [
            ("all but its twentieth", none, small, 19 * MIB, true),
            ("a byte of it", none, small, 19 * MIB + 1, false),
            ("all but a gigabyte", none, large, 2 * GIB, true),
            ("a byte of that", none, large, 2 * GIB + 1, false),
            ("filled by others", none, (900 * GIB, 5), 0, false),
            ("not written yet", reserved(GIB), large, GIB + 1, false),
        ] {
            let disk = Disk { total, available };
            let admitted = admit(occupancy, None, Some((disk, disk.reserve())), bytes);
            assert_eq!(admitted.is_ok(), expected, "{name}");
        }
    }

    #[test]
    fn uploads_end_well_before_tasks_do() {
        for (name, total, tasks, uploads) in [
            ("a large disk", 900 * GIB, GIB, 2 * GIB),
            ("a disk of a machine", 10 * GIB, GIB / 2, GIB),
            ("a small disk", 160 * MIB, 8 * MIB, 24 * MIB),
            ("a tiny disk", 80 * MIB, 4 * MIB, 14 * MIB),
        ] {
            let disk = Disk {
                total,
                available: total,
            };
            let kept = (disk.reserve(), disk.kept_by_uploads());
            assert_eq!(kept, (tasks, uploads), "{name}");
        }
    }

    #[test]
    fn uploads_leave_a_part_of_the_store_to_tasks() {
        for (name, max_store, uploads) in [
            ("a large store", 100 * GIB, 99 * GIB),
            ("a small one", 1000, 950),
            ("a tiny one", 19, 19),
        ] {
            let room = Arc::new(Room {
                max_store: Some(max_store),
                ..Room::default()
            });
            assert!(room.admits_upload(max_store, uploads), "{name}");
            assert!(!room.admits_upload(max_store, uploads + 1), "{name}");
            room.replace(0, uploads);
            assert!(room.reserve(1).is_err(), "{name}: an upload");
            let admitted = (0..10).filter(|_| room.reserve_task().is_ok());
            assert_eq!(admitted.count(), 10, "{name}: tasks");
            room.replace(0, max_store - uploads + 1);
            assert!(room.reserve_task().is_err(), "{name}: it is full");
        }
    }

    #[test]
    fn what_is_reserved_is_given_back_to_the_byte() {
        let room = Arc::new(Room {
            max_store: Some(105),
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
        assert_eq!(room.reserve_task(), Ok(()));
        room.replace(100, 0);
        room.release_tasks(1);
        assert_eq!(room.occupancy(), Occupancy::default());
    }

    #[test]
    fn a_real_disk_is_looked_at() {
        let place = tempfile::tempdir().unwrap();
        let disk = Disk::of(place.path()).unwrap();
        assert!(disk.available <= disk.total && disk.total > 0, "{disk:?}");
        assert_eq!(Disk::of(&place.path().join("missing")), None);
    }
}
