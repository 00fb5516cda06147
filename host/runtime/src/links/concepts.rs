//! `concept-store`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;
use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::concept_store::{
    Host, HostWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<types::Concept>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let concept = host.concepts().get(&user_id, &id).await;
        Ok(concept.convert())
    }

    async fn list(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<types::ConceptPage> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let page = host.concepts().list(&user_id, limit, after.convert()).await;
        Ok(page.convert())
    }

    async fn delete(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<String>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let path = host.concepts().delete(&user_id, &id).await;
        Ok(path.convert())
    }
}
