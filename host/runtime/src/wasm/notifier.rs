//! The notifier component, with one instance per attempt.

use std::time::Duration;

use concept_refinement_capability::notifier::{Notification, Notifier};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::webhook::{DeliveryAnswer, UserKey};
use futures::future::BoxFuture;

use crate::wasm::bindings::notifier::NotifierComponentPre;
use crate::wasm::bindings::notifier::exports::concept::refinement::notifier as wit;
use crate::wasm::sandbox::{Grants, Sandbox};

/// The notifier: an instance for each attempt.
pub struct NotifierComponent {
    pre: NotifierComponentPre<Sandbox>,
    grants: Grants,
}

impl NotifierComponent {
    /// Starts an instance once, since only that compares the types of the component's
    /// exports. A component of another release may have the same names with other types.
    ///
    /// # Errors
    ///
    /// The component has no such function.
    pub async fn new(pre: NotifierComponentPre<Sandbox>, grants: Grants) -> wasmtime::Result<Self> {
        let mut store = Sandbox::store(pre.engine(), &grants);
        pre.instantiate_async(&mut store).await?;
        Ok(Self { pre, grants })
    }
}

impl Notifier for NotifierComponent {
    fn deliver(
        &self,
        notification: Notification,
    ) -> BoxFuture<'static, anyhow::Result<DeliveryAnswer>> {
        let mut store = Sandbox::store(self.pre.engine(), &self.grants);
        store.data_mut().grants.egress.trace(notification.trace);
        let pre = self.pre.clone();
        Box::pin(async move {
            let run = async {
                let notifier = pre.instantiate_async(&mut store).await?;
                store
                    .run_concurrent(async |accessor| {
                        let notifier = notifier.concept_refinement_notifier();
                        notifier.call_deliver(accessor, notification.into()).await
                    })
                    .await?
            };
            let answer: wasmtime::Result<Result<wit::Response, String>> = run.await;
            answer.map(answered).map_err(|error| {
                let printed = store.data().printed();
                anyhow::Error::from(error).context(printed)
            })
        })
    }
}

impl From<Notification> for wit::Delivery {
    fn from(notification: Notification) -> Self {
        let Notification {
            url,
            task,
            retry_of,
            image_url,
            keys,
            // The host sends the trace context.
            trace: _,
        } = notification;
        Self {
            url,
            task: task.convert(),
            retry_of,
            image_url,
            keys: keys.into_iter().map(|UserKey(key)| key.to_vec()).collect(),
        }
    }
}

fn answered(answer: Result<wit::Response, String>) -> DeliveryAnswer {
    match answer {
        Ok(wit::Response {
            status,
            retry_after,
        }) => DeliveryAnswer::Status {
            code: status,
            retry_after: retry_after.map(Duration::from_millis),
        },
        Err(reason) => DeliveryAnswer::None(reason),
    }
}
