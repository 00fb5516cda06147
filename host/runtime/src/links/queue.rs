//! `task-queue`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;

use super::{Answer, granted};
use crate::wasm::bindings::capabilities::concept::refinement::task_queue::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn publish(caller: &Caller, message: Vec<u8>) -> Answer<()> {
        let host = granted(caller)?;
        Ok(host.queue.publish(message).await.convert())
    }

    async fn position(caller: &Caller, task_id: String) -> Answer<Option<u32>> {
        let host = granted(caller)?;
        Ok(host.queue.position(&task_id).await.convert())
    }
}
