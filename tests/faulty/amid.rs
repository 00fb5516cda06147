//! A point amid the contents of an image.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::images::Contents;
use concept_refinement_tests::faults::{Call, Moment};
use futures::{StreamExt as _, stream};

use crate::faults::Faults;

/// The same contents: the point is passed once whoever reads them has half of
/// them and asks for more.
pub fn with_point(faults: Arc<Faults>, call: Call, length: u64, contents: Contents) -> Contents {
    let chunks = stream::unfold(
        (contents, length / 2, None::<Bytes>),
        move |(mut contents, to_half, rest)| {
            let faults = Arc::clone(&faults);
            async move {
                if let Some(rest) = rest {
                    faults.at(Moment::Amid, call).await;
                    return Some((Ok(rest), (contents, u64::MAX, None)));
                }
                let mut chunk = match contents.next().await? {
                    Ok(chunk) => chunk,
                    Err(error) => return Some((Err(error), (contents, to_half, None))),
                };
                let here = usize::try_from(to_half).unwrap_or(usize::MAX);
                if here >= chunk.len() {
                    let to_half = to_half.saturating_sub(chunk.len() as u64);
                    return Some((Ok(chunk), (contents, to_half, None)));
                }
                let rest = chunk.split_off(here);
                Some((Ok(chunk), (contents, 0, Some(rest))))
            }
        },
    );
    chunks.boxed()
}
