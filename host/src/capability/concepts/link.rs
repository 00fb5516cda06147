//! `concept-store`, as linked into a component.

use concept_refinement_domain::concept::{Concept, NewConcept};
use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::concept_store as wit;
use crate::wasm::bindings::capabilities::concept::refinement::concept_store::{
    Host, HostWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn put(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
        concept: wit::NewConcept,
    ) -> Answer<Option<String>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let id = host
            .leases()
            .put_concept(&lease.into(), concept.into())
            .await;
        Ok(id.map_err(Into::into))
    }

    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<wit::Concept>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let concept = host.concepts().get(&user_id, &id).await;
        Ok(concept
            .map(|concept| concept.map(Into::into))
            .map_err(Into::into))
    }

    async fn list(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<wit::Page> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let page = host
            .concepts()
            .list(&user_id, limit, after.map(Into::into))
            .await;
        Ok(page
            .map(|page| wit::Page {
                concepts: page.items.into_iter().map(Into::into).collect(),
                next: page.next.map(Into::into),
            })
            .map_err(Into::into))
    }

    async fn delete(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<String>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let path = host.concepts().delete(&user_id, &id).await;
        Ok(path.map_err(Into::into))
    }
}

impl From<wit::NewConcept> for NewConcept {
    fn from(concept: wit::NewConcept) -> Self {
        Self {
            task_id: concept.task_id,
            user_id: concept.user_id,
            is_anonymous: concept.is_anonymous,
            image_path: concept.image_path,
            image_url: concept.image_url,
            original_image_url: concept.original_image_url,
            refinement_prompt: concept.refinement_prompt,
            logo_description: concept.logo_description,
            theme_description: concept.theme_description,
            color_palettes: concept.color_palettes,
        }
    }
}

impl From<Concept> for wit::Concept {
    fn from(concept: Concept) -> Self {
        let content = concept.content;
        Self {
            id: concept.id,
            created_at: concept.created_at.0,
            content: wit::NewConcept {
                task_id: content.task_id,
                user_id: content.user_id,
                is_anonymous: content.is_anonymous,
                image_path: content.image_path,
                image_url: content.image_url,
                original_image_url: content.original_image_url,
                refinement_prompt: content.refinement_prompt,
                logo_description: content.logo_description,
                theme_description: content.theme_description,
                color_palettes: content.color_palettes,
            },
        }
    }
}
