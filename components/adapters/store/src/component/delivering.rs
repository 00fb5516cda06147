//! Delivers webhooks. There are no timers, so an attempt is made when a task ends, and
//! when a task is read while one is due. It runs concurrently with the caller.

use std::time::Duration;

use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::task_response::image_path;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryOutcome, DueDelivery, ServiceSecrets,
};
use concept_refinement_guest::{Clock as _, Imports};

use super::generated::concept::refinement::notifier::{self, Delivery};
use crate::log;
use crate::ports::{Fault, Platform};
use crate::store::Store;

/// Makes an attempt for a task, if one is due.
pub fn deliver<P: Platform + 'static>(task_id: String) {
    wit_bindgen::spawn(async move {
        let store = Store::<P, Imports>::default();
        if let Err(fault) = attempt(&store, &task_id).await {
            log::warn(format_args!("a webhook is not delivered: {fault}"));
        }
    });
}

async fn attempt<P: Platform>(store: &Store<P, Imports>, task_id: &str) -> Result<(), Fault> {
    let Some(due) = store.begin_delivery(task_id).await? else {
        return Ok(());
    };
    let DueDelivery {
        lease,
        webhook,
        retry_of,
        task,
        // A platform traces by itself.
        trace: _,
    } = due;
    let at = store.machine.now();
    let image_url = match image_path(&task) {
        Some(path) => store.sign(path, &webhook.origin).await.ok(),
        None => None,
    };
    let secret = store.get_setting("webhook-secret").await;
    let secrets = ServiceSecrets::parse(&secret.unwrap_or_default())
        .map_err(|_| Fault::Invalid("The setting webhook-secret is unusable."))?;
    let keys = secrets.keys_of(&task.user_id);
    let delivery = Delivery {
        url: webhook.url,
        task: task.convert(),
        retry_of,
        image_url,
        keys: keys.into_iter().map(|key| key.0.to_vec()).collect(),
    };
    let answer = match notifier::deliver(delivery).await {
        Ok(response) => DeliveryAnswer::Status {
            code: response.status,
            retry_after: response.retry_after.map(Duration::from_millis),
        },
        Err(reason) => DeliveryAnswer::None(reason),
    };
    let outcome = DeliveryOutcome { at, answer };
    store.record_attempt(&lease, outcome).await.map(drop)
}
