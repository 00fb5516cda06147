//! What the tests of this crate share.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// A file is there at once, or the thread waits for it.
pub fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
