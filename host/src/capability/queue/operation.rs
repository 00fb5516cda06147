//! The operations of the queue as values, and the one place that forwards them.

use super::{Delivery, TaskQueue};
use crate::capability::Answer;
use crate::capability::intercept::{Intercepted, Operations, replies};

/// An operation of the queue with its arguments.
#[derive(Clone, Debug)]
pub enum QueueOperation {
    Publish { message: Vec<u8> },
    Receive,
    Check,
}

replies! {
    /// What an operation of the queue answers.
    QueueReply {
        Delivery(Delivery),
        Done(()),
    }
}

impl QueueOperation {
    /// Its name among those of the queue.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Publish { .. } => "publish",
            Self::Receive => "receive",
            Self::Check => "check",
        }
    }
}

impl Operations for dyn TaskQueue {
    type Operation<'a> = QueueOperation;
    type Reply = QueueReply;

    fn run(&self, operation: QueueOperation) -> Answer<'_, QueueReply> {
        Box::pin(async move {
            Ok(match operation {
                QueueOperation::Publish { message } => self.publish(message).await?.into(),
                QueueOperation::Receive => self.receive().await?.into(),
                QueueOperation::Check => self.check().await?.into(),
            })
        })
    }
}

impl TaskQueue for Intercepted<dyn TaskQueue> {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        self.pass(QueueOperation::Publish { message })
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        self.pass(QueueOperation::Receive)
    }

    fn check(&self) -> Answer<'_, ()> {
        self.pass(QueueOperation::Check)
    }
}
