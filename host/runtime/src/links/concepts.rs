//! `concept-store`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;

use super::{Answer, granted};
use crate::wasm::bindings::capabilities::concept::refinement::concept_store::{
    Host, HostWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(caller: &Caller, user_id: String, id: String) -> Answer<Option<types::Concept>> {
        let host = granted(caller)?;
        Ok(host.concepts().get(&user_id, &id).await.convert())
    }

    async fn list(
        caller: &Caller,
        user_id: String,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<types::ConceptPage> {
        let host = granted(caller)?;
        let page = host.concepts().list(&user_id, limit, after.convert()).await;
        Ok(page.convert())
    }

    async fn children(
        caller: &Caller,
        user_id: String,
        id: String,
        limit: u32,
    ) -> Answer<Vec<types::Concept>> {
        let host = granted(caller)?;
        let children = host.concepts().children(&user_id, &id, limit).await;
        Ok(children.convert())
    }

    async fn find_image(caller: &Caller, sha256: String) -> Answer<Option<types::Timestamp>> {
        let host = granted(caller)?;
        Ok(host.concepts().find_image(&sha256).await.convert())
    }

    async fn delete(caller: &Caller, user_id: String, id: String) -> Answer<Option<String>> {
        let host = granted(caller)?;
        Ok(host.concepts().delete(&user_id, &id).await.convert())
    }
}
