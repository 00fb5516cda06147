//! `webhook-store`, as linked into a component.

use std::time::Instant;

use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::webhook::Redelivery;
use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::bindings::capabilities::concept::refinement::webhook_store::{
    Host, HostWithStore,
};
use crate::wasm::sandbox::{Linked, Sandbox};

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        task_id: String,
    ) -> Answer<Option<types::WebhookDelivery>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let delivery = host.webhooks().webhook(&user_id, &task_id).await;
        Ok(delivery.convert())
    }

    async fn redeliver(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        task_id: String,
    ) -> Answer<types::Redelivery> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let Some(place) = host.redeliveries.admit(&user_id, Instant::now()) else {
            return Ok(Ok(types::Redelivery::TooOften));
        };
        let redelivery = host.webhooks().redeliver(&user_id, &task_id).await;
        match redelivery {
            Ok(Redelivery::Requested) => host.redeliveries.hold(place, Instant::now()),
            Ok(Redelivery::None | Redelivery::Pending | Redelivery::TooOften) => {
                host.redeliveries.give_back(&user_id);
            }
            // It may have been requested.
            Err(_) => {}
        }
        Ok(redelivery.convert())
    }
}
