//! `webhook-store`, as linked into a component.

use std::time::Instant;

use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::webhook::Redelivery;

use super::{Answer, forward, granted};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::bindings::capabilities::concept::refinement::webhook_store::{
    Host, HostWithStore,
};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    forward! { |host|
        get(user_id: String, task_id: String) -> Option<types::WebhookDelivery> =
            host.webhooks().webhook(&user_id, &task_id);
    }

    async fn redeliver(
        caller: &Caller,
        user_id: String,
        task_id: String,
    ) -> Answer<types::Redelivery> {
        let host = granted(caller)?;
        let Some(place) = host.redeliveries.admit(&user_id, Instant::now()) else {
            return Ok(Ok(types::Redelivery::TooOften));
        };
        let redelivery = host.webhooks().redeliver(&user_id, &task_id).await;
        match redelivery {
            Ok(Redelivery::Requested) => host.redeliveries.hold(place, Instant::now()),
            Ok(Redelivery::None | Redelivery::Pending | Redelivery::TooOften) => {
                host.redeliveries.give_back(&user_id);
            }
            // After an error the attempt may have been requested all the same.
            Err(_) => {}
        }
        Ok(redelivery.convert())
    }
}
