//! Memory that is not used for long: of an instance that waits, and of what is
//! read at a start only.
//!
//! The static data of a component is one file that all of its instances have
//! mapped. The kernel maps sixteen pages wherever one is read, so that each of a
//! thousand waiting instances seems to need all of the data (Linux: it counts in
//! the resident set of the process). What was not written to can be unmapped
//! meanwhile: it is mapped again where it is read.

#[cfg(target_os = "linux")]
mod linux;

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::timeout;
use wasmtime::component::Accessor;

use super::sandbox::Sandbox;

/// How much of an instance's memory is looked at, in bytes: static data is at its
/// beginning, behind a stack of 1 MiB.
#[cfg(target_os = "linux")]
const SCAN_LIMIT: usize = 4 << 20;

/// How long a call takes that is not worth it. Each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(16);

/// Where an instance has its memory: known once a
/// [`Placed`](super::placed::Placed) value was lowered.
#[derive(Clone, Debug, Default)]
pub struct MemoryPlace(Arc<OnceLock<Range<usize>>>);

impl MemoryPlace {
    /// Waits for a call of the instance whose memory this is.
    pub async fn idle_during<T>(
        &self,
        accessor: &Accessor<Sandbox>,
        mut call: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        let mut wait = FIRST_WAIT;
        loop {
            if let Ok(answer) = timeout(wait, &mut call).await {
                return answer;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
            // No guest runs while its store is accessed.
            accessor.with(|_| self.unmap_unwritten());
        }
    }

    /// Tells it. The memory stays where it is: the pool has room for the largest.
    pub fn set(&self, memory: &[u8]) {
        let range = memory.as_ptr_range();
        let _ = self.0.set(range.start.addr()..range.end.addr());
    }

    fn unmap_unwritten(&self) {
        #[cfg(target_os = "linux")]
        if let Some(Range { start, end }) = self.0.get()
            && let Err(error) = linux::unmap_unwritten(&(*start..*end.min(&(start + SCAN_LIMIT))))
        {
            tracing::debug!(%error, "an idle instance keeps its pages");
        }
    }
}

/// Gives back what of the executable was mapped to read these bytes, which are not
/// needed again soon.
pub fn unmap_constant(bytes: &[u8]) {
    #[cfg(target_os = "linux")]
    {
        let Range { start, end } = bytes.as_ptr_range();
        if let Err(error) = linux::unmap_unwritten(&(start.addr()..end.addr())) {
            tracing::debug!(%error, "what was read at the start keeps its pages");
        }
    }
}
