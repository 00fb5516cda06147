//! Work that one host does at a time for all hosts of a store: the sweep, garbage
//! collection.

use std::future::ready;
use std::time::Duration;

use super::Answer;

/// Which host does what. Every host asks; the one that gets a yes does it until the
/// time is over, or asks again before.
pub trait Duties: Send + Sync {
    /// Whether the duty of this name is this host's for so long from now on: no host had
    /// it, or this one already did.
    fn take<'a>(&'a self, name: &'a str, time: Duration) -> Answer<'a, bool>;

    /// Gives the duty up before its time is over, so that another host goes on at
    /// once. Nothing happens if it is not this host's.
    fn release<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
}

/// A host that shares its store with nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnlyHost;

impl Duties for OnlyHost {
    fn take<'a>(&'a self, _: &'a str, _: Duration) -> Answer<'a, bool> {
        Box::pin(ready(Ok(true)))
    }

    fn release<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}
