//! Which calls of a model that computes may run: one a core, and together no
//! more than memory has room for.
//!
//! Such a model decodes the image that it is given, so what a call needs is
//! estimated from the image's pixels, which its first bytes tell. The interface
//! need not carry them for that, and whoever sends the image cannot make them
//! out smaller than they are. Calls wait in the order in which they came, also
//! small ones behind a large one.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::image::{Inspector, Limits};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ModelRequest;

/// The unit in which memory is given out, as a power of two.
const MIB: u32 = 20;

/// What an instance takes before it has seen an image, in MiB.
const INSTANCE: u64 = 24;

/// What decoding, editing and encoding take a pixel, in bytes: several copies
/// with four channels. The local model has been seen to take 18.
const PER_PIXEL: u64 = 24;

/// How much of an image may come before its size. One that hides it for longer
/// is taken for the largest.
const HEAD: u64 = 256 << 10;

pub struct Admission {
    /// One a call.
    slots: Arc<Semaphore>,
    room: Option<Room>,
}

/// Memory to be given out, in MiB.
pub struct Room {
    total: u32,
    /// The most that one instance can take.
    each: u32,
    free: Arc<Semaphore>,
}

/// A call that may run until this is dropped.
pub struct Admitted {
    _slot: OwnedSemaphorePermit,
    _room: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// Admits so many calls, whatever they need.
    pub fn of_calls(calls: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(calls)),
            room: None,
        }
    }

    /// Admits so many calls for which there is room.
    pub fn within(calls: usize, room: Room) -> Self {
        Self {
            room: Some(room),
            ..Self::of_calls(calls)
        }
    }

    /// How many more calls there are slots for.
    pub fn free(&self) -> usize {
        self.slots.available_permits()
    }

    /// Waits until the call may run. None: nothing runs any more.
    pub async fn admit(&self, request: &mut ModelRequest) -> Option<Admitted> {
        // Whoever waits holds no more of the image than its beginning.
        let need = match &self.room {
            Some(room) => Some((room, room.need(request).await)),
            None => None,
        };
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        let room = match need {
            Some((room, need)) => {
                let free = Arc::clone(&room.free);
                Some(free.acquire_many_owned(need).await.ok()?)
            }
            None => None,
        };
        Some(Admitted {
            _slot: slot,
            _room: room,
        })
    }
}

impl Room {
    /// `each`: what one instance may take at most, for which there is always
    /// room. In bytes, both.
    pub fn new(total: u64, each: u64) -> Self {
        let mib = |bytes: u64| u32::try_from(bytes >> MIB).unwrap_or(u32::MAX);
        let each = mib(each).max(1);
        let total = mib(total).max(each);
        Self {
            total,
            each,
            free: Arc::new(Semaphore::new(total as usize)),
        }
    }

    /// Half of what this machine has, or of what this process may use of it.
    /// Where that cannot be found out, so much that cores alone are the limit.
    pub fn of_machine(each: u64, cores: usize) -> Self {
        let all = machine::memory().map_or(each.saturating_mul(cores as u64), |all| all / 2);
        Self::new(all, each)
    }

    /// In MiB.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// What a call will take, in MiB.
    async fn need(&self, request: &mut ModelRequest) -> u32 {
        let Some(pixels) = pixels(&mut request.image).await else {
            return self.each;
        };
        let bytes = pixels
            .saturating_mul(PER_PIXEL)
            .saturating_add(request.length.saturating_mul(2));
        let need = u32::try_from((bytes >> MIB).saturating_add(INSTANCE));
        need.unwrap_or(u32::MAX).min(self.each)
    }
}

/// How many pixels an image has. What was read of it for that is put back.
async fn pixels(image: &mut BoxStream<'static, Bytes>) -> Option<u64> {
    let mut inspector = Inspector::new(Limits {
        max_bytes: HEAD,
        max_pixels: u64::MAX,
    });
    let mut head = Vec::new();
    while let Some(piece) = image.next().await {
        let verdict = inspector.push(&piece);
        head.push(piece);
        if verdict.is_err() || inspector.pixels().is_some() {
            break;
        }
    }
    let rest = std::mem::replace(image, stream::empty().boxed());
    *image = stream::iter(head).chain(rest).boxed();
    inspector.pixels()
}

mod machine {
    use std::fs;

    /// In bytes: of the machine, or of the control group that the process is in.
    pub fn memory() -> Option<u64> {
        let limits = [
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        let limits = limits.iter().filter_map(|path| {
            // Where there is no limit it says "max".
            fs::read_to_string(path).ok()?.trim().parse().ok()
        });
        limits.chain(total()).min()
    }

    fn total() -> Option<u64> {
        let all = fs::read_to_string("/proc/meminfo").ok()?;
        let line = all
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        kilobytes.checked_mul(1024)
    }
}

#[cfg(test)]
mod tests;
