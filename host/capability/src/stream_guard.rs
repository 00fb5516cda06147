//! Ties a value to a stream.

use futures::{Stream, StreamExt as _};

/// The same stream, which drops `guard` when it is dropped itself.
pub fn guarded<S: Stream, G>(stream: S, guard: G) -> impl Stream<Item = S::Item> {
    stream.inspect(move |_| {
        let _guard = &guard;
    })
}
