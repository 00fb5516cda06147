//! The bytes of an answer, which hold the call that makes them.

use bytes::Bytes;
use concept_refinement_capability::model::RetryLater;
use concept_refinement_capability::stream_guard::guarded;
use futures::future::pending;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};

/// Dropping them ends the call. After a retry was requested they never end, since a reader
/// would take what has arrived for the whole.
pub fn contents<C: Send + 'static>(
    contents: BoxStream<'static, Bytes>,
    retry_later: RetryLater,
    call: C,
) -> BoxStream<'static, Bytes> {
    let end = async move {
        if retry_later.is_set() {
            pending::<()>().await;
        }
    };
    let end = stream::once(end.boxed()).filter_map(async |()| None);
    guarded(contents.chain(end), call).boxed()
}
