//! The address that originals come from.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_processor::ports::{ByteStream, Failure, Response};

use crate::images::picture;
use crate::scheduler::Scheduler;

pub const FINE: &str = "https://images.example.com/fine.gif";
pub const MISSING: &str = "https://images.example.com/missing.gif";
pub const SLOW: &str = "https://images.example.com/slow.gif";
pub const CUT: &str = "https://images.example.com/cut.gif";
pub const SILENT: &str = "https://images.example.com/silent.gif";

/// Bytes that come in a few pieces.
pub struct Chunks {
    scheduler: Rc<Scheduler>,
    chunks: VecDeque<Vec<u8>>,
    /// Before each.
    pause: Duration,
}

impl Chunks {
    pub fn new(scheduler: &Rc<Scheduler>, bytes: &[u8], pause: Duration) -> Self {
        Self {
            scheduler: Rc::clone(scheduler),
            chunks: bytes.chunks(24).map(<[u8]>::to_vec).collect(),
            pause,
        }
    }
}

impl ByteStream for Chunks {
    async fn next(&mut self) -> Option<Vec<u8>> {
        if !self.pause.is_zero() {
            self.scheduler.sleep(self.pause).await;
        }
        self.chunks.pop_front()
    }
}

pub async fn answer(scheduler: &Rc<Scheduler>, url: &str) -> Result<Response<Chunks>, Failure> {
    let original = picture(url);
    let (status, bytes, pause) = match url {
        MISSING => (404, &[][..], Duration::ZERO),
        CUT => (200, &original[..20], Duration::ZERO),
        SLOW => (200, &original[..], Duration::from_secs(8)),
        SILENT => {
            scheduler.sleep(Duration::from_secs(20)).await;
            return Err(Failure::TimedOut);
        }
        _ => (200, &original[..], Duration::ZERO),
    };
    Ok(Response {
        status,
        location: None,
        content_length: None,
        is_compressed: false,
        content_range: None,
        etag: None,
        retry_after: None,
        body: Chunks::new(scheduler, bytes, pause),
    })
}
