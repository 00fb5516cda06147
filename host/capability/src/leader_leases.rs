//! Work that one host does at a time for all hosts of a store: the sweep, garbage
//! collection.

use std::future::ready;
use std::time::Duration;

use super::Answer;

/// Every host requests each lease; the host that gets it does the work until the lease
/// expires, or renews it before that.
pub trait LeaderLeases: Send + Sync {
    /// Takes or renews the lease of this name for this long from now on. True if it was
    /// free or already this host's.
    fn take<'a>(&'a self, name: &'a str, time: Duration) -> Answer<'a, bool>;

    /// Releases the lease before it expires, so that another host can take it at once.
    /// Does nothing if it is not this host's.
    fn release<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
}

/// For a store with only one host.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnlyHost;

impl LeaderLeases for OnlyHost {
    fn take<'a>(&'a self, _: &'a str, _: Duration) -> Answer<'a, bool> {
        Box::pin(ready(Ok(true)))
    }

    fn release<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}
