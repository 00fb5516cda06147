//! Stand-ins for stores that have not been reached yet: every call fails with
//! "unavailable".
//!
//! Nothing here may touch a store: before the first successful connection its data may
//! belong to another service, or be incomplete.

use std::future::ready;
use std::sync::Arc;

use concept_refinement_domain::capability::{Access, CapabilityError, Resolved};

use super::Answer;
use super::images::{ImageOperation, ImageReply, ImageStore};
use super::intercept::Interceptor;
use super::queue::{QueueOperation, QueueReply, TaskQueue};
use super::tasks::{TaskOperation, TaskReply, TaskStore};

/// Answers in place of the stores.
pub struct Unavailable;

fn unavailable<T>() -> Result<T, CapabilityError> {
    let sentence = "The task store cannot be reached.";
    Err(CapabilityError::unavailable(sentence))
}

impl Interceptor<dyn TaskStore> for Unavailable {
    fn intercept<'a>(
        &'a self,
        _: TaskOperation<'a>,
        _: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        Box::pin(ready(unavailable()))
    }
}

impl Interceptor<dyn TaskQueue> for Unavailable {
    fn intercept<'a>(
        &'a self,
        _: QueueOperation<'a>,
        _: &'a Arc<dyn TaskQueue>,
    ) -> Answer<'a, QueueReply> {
        Box::pin(ready(unavailable()))
    }
}

/// The form of image URLs is known without a store, but not the key that signs them.
impl Interceptor<dyn ImageStore> for Unavailable {
    fn intercept<'a>(
        &'a self,
        operation: ImageOperation<'a>,
        inner: &'a Arc<dyn ImageStore>,
    ) -> Answer<'a, ImageReply> {
        Box::pin(async move {
            let ImageOperation::Resolve { url, origin } = operation else {
                return unavailable();
            };
            match inner.resolve(url, origin).await? {
                Some(Resolved {
                    access: Access::Signed | Access::Refused,
                    ..
                }) => unavailable(),
                resolved => Ok(ImageReply::Resolved(resolved)),
            }
        })
    }
}
