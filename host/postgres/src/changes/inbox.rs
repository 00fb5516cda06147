//! What was heard of other hosts and not yet read, as much as is worth keeping.

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Payloads that are kept at most. Who is that far behind looks at everything that is
/// watched instead, which takes a query or two.
const CAPACITY: usize = 1_000;

#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    heard: Heard,
    is_closed: bool,
}

/// All that came since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) payloads: Vec<String>,
    /// There was more, which is lost.
    pub(super) is_incomplete: bool,
}

impl Inbox {
    pub(super) fn put(&self, payload: String) {
        let mut state = self.state.lock();
        let heard = &mut state.heard;
        if heard.payloads.len() >= CAPACITY {
            heard.payloads.clear();
            heard.is_incomplete = true;
        }
        heard.payloads.push(payload);
        self.arrived.notify_one();
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.arrived.notify_one();
    }

    /// Waits until there is something. None: nothing comes any more.
    pub(super) async fn take(&self) -> Option<Heard> {
        loop {
            {
                let mut state = self.state.lock();
                if !state.heard.payloads.is_empty() {
                    return Some(std::mem::take(&mut state.heard));
                }
                if state.is_closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn payload(number: usize) -> String {
        number.to_string()
    }

    #[tokio::test]
    async fn what_comes_is_taken_once_and_in_its_order() {
        let inbox = Inbox::default();
        assert_eq!(inbox.take().now_or_never(), None);
        for number in 0..CAPACITY {
            inbox.put(payload(number));
        }
        inbox.close();
        let expected = Heard {
            payloads: (0..CAPACITY).map(payload).collect(),
            is_incomplete: false,
        };
        assert_eq!(inbox.take().await, Some(expected));
        assert_eq!(inbox.take().await, None);
    }

    #[tokio::test]
    async fn whoever_reads_late_is_told_that_something_is_lost_and_costs_no_more() {
        let inbox = Inbox::default();
        for number in 0..10 * CAPACITY {
            inbox.put(payload(number));
            assert!(inbox.state.lock().heard.payloads.len() <= CAPACITY);
        }
        let heard = inbox.take().await.unwrap();
        assert!(heard.is_incomplete);
        assert_eq!(heard.payloads.last(), Some(&payload(10 * CAPACITY - 1)));
        inbox.put(payload(0));
        assert!(!inbox.take().await.unwrap().is_incomplete);
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let inbox = Inbox::default();
        let mut waiting = Box::pin(inbox.take());
        assert!((&mut waiting).now_or_never().is_none());
        inbox.put(payload(1));
        assert_eq!(waiting.await.unwrap().payloads, [payload(1)]);
        let mut waiting = Box::pin(inbox.take());
        assert!((&mut waiting).now_or_never().is_none());
        inbox.close();
        assert_eq!(waiting.await, None);
    }
}
