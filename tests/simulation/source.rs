//! The address that originals come from.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_processor::ports::{Failure, Response};
use concept_refinement_tests::native::Body;
use futures::StreamExt as _;
use futures::stream;

use crate::images::picture;
use crate::scheduler::Scheduler;

pub const FINE: &str = "https://images.example.com/fine.gif";
pub const MISSING: &str = "https://images.example.com/missing.gif";
pub const SLOW: &str = "https://images.example.com/slow.gif";
pub const CUT: &str = "https://images.example.com/cut.gif";
pub const SILENT: &str = "https://images.example.com/silent.gif";

/// Bytes that come in a few pieces, with a pause before each.
fn chunks(scheduler: &Rc<Scheduler>, bytes: &[u8], pause: Duration) -> Body {
    let scheduler = Rc::clone(scheduler);
    let chunks: Vec<Bytes> = bytes.chunks(24).map(Bytes::copy_from_slice).collect();
    let chunks = stream::iter(chunks).then(move |chunk| {
        let scheduler = Rc::clone(&scheduler);
        async move {
            if !pause.is_zero() {
                scheduler.sleep(pause).await;
            }
            chunk
        }
    });
    chunks.boxed_local()
}

pub async fn answer(scheduler: &Rc<Scheduler>, url: &str) -> Result<Response<Body>, Failure> {
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
        body: chunks(scheduler, bytes, pause),
    })
}
