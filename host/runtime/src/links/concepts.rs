//! `concept-store`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;

use super::forward;
use crate::wasm::bindings::capabilities::concept::refinement::concept_store::{
    Host, HostWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    forward! { |host|
        get(user_id: String, id: String) -> Option<types::Concept> =
            host.concepts().get(&user_id, &id);
        list(user_id: String, limit: u32, after: Option<types::Position>) -> types::ConceptPage =
            host.concepts().list(&user_id, limit, after.convert());
        children(user_id: String, id: String, limit: u32) -> Vec<types::Concept> =
            host.concepts().children(&user_id, &id, limit);
        find_image(sha256: String) -> Option<types::Timestamp> =
            host.concepts().find_image(&sha256);
        delete(user_id: String, id: String) -> Option<String> =
            host.concepts().delete(&user_id, &id);
    }
}
