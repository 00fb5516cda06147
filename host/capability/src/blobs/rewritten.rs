//! Exchanges metadata while an image is read.

use bytes::Bytes;
use concept_refinement_domain::image::metadata::Rewrite;
use futures::{Stream, StreamExt as _, stream};

pub fn rewritten(
    contents: impl Stream<Item = Bytes> + Send + 'static,
    rewrite: &Rewrite,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let mut filter = rewrite.filter();
    let ends = contents.map(Some).chain(stream::iter([None]));
    ends.filter_map(move |chunk| {
        let mut out = Vec::new();
        match chunk {
            Some(chunk) => filter.push(&chunk, &mut out),
            None => filter.finish(&mut out),
        }
        std::future::ready((!out.is_empty()).then(|| Bytes::from(out)))
    })
}
