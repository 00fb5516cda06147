//! The operations of the queue as values, and the one place that forwards them.

use super::{Delivery, TaskQueue};
use crate::Answer;
use crate::intercept::operations;

operations! {
    /// An operation of the queue with its arguments.
    #[derive(Clone, Debug)]
    QueueOperation<'a> of TaskQueue;

    /// The reply to an operation of the queue.
    QueueReply {
        Delivery(Delivery),
        Done(()),
        Position(Option<u32>),
        Length(Option<u64>),
    }

    TaskQueue {
        "queue publish" Publish = publish(message: Vec<u8>) -> ();
        "queue receive" Receive = receive() -> Delivery;
        "queue position" Position = position(task_id: &'a str) -> Option<u32>;
        "queue check" Check = check() -> ();
        "queue length" Length = length() -> Option<u64>;
    }
}
