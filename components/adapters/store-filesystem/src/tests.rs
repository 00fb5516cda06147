//! Shared by the tests of this crate.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future; file access blocks, so it never waits.
pub fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
