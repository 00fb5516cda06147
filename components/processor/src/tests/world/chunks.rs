//! Bytes that come as a script says, and the time that they take.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

/// The time, and when somebody waits for it.
#[derive(Clone)]
pub(super) struct Time {
    pub(super) now: Rc<Cell<Timestamp>>,
    pub(super) timers: Rc<RefCell<Vec<Timestamp>>>,
}

/// A stream of chunks.
pub struct Chunks {
    pub(super) chunks: VecDeque<Vec<u8>>,
    pub(super) then: Then,
}

/// What comes after the chunks.
pub(super) enum Then {
    End,
    Nothing,
    /// An end, and before them where it is not this time any more.
    EndBy(Timestamp, Time),
    /// An end; each chunk takes so long.
    EndSlowly(Duration, Time),
}

impl Chunks {
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let next = self.chunks.pop_front();
        match &self.then {
            Then::Nothing if next.is_none() => std::future::pending().await,
            Then::EndBy(end, time) if time.now.get() > *end => None,
            Then::EndSlowly(pace, time) => {
                time.sleep(*pace).await;
                next
            }
            _ => next,
        }
    }
}

pub(super) fn chunks(bytes: &[u8]) -> Chunks {
    Chunks {
        chunks: bytes.chunks(7).map(<[u8]>::to_vec).collect(),
        then: Then::End,
    }
}

impl Time {
    pub(super) async fn sleep(&self, duration: Duration) {
        let end = self.now.get().plus(duration);
        poll_fn(|_| {
            if self.now.get() >= end {
                return Poll::Ready(());
            }
            self.timers.borrow_mut().push(end);
            Poll::Pending
        })
        .await;
    }
}
