//! `task-queue`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;

use super::forward;
use crate::wasm::bindings::capabilities::concept::refinement::task_queue::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    forward! { |host|
        publish(message: Vec<u8>) -> () = host.queue.publish(message);
        position(task_id: String) -> Option<u32> = host.queue.position(&task_id);
    }
}
