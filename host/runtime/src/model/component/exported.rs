//! What a model component exports: `image-model` as it is now, or that of 0.1.0.

use concept_refinement_domain::note::NotTaken;
use wasmtime::Store;
use wasmtime::component::{Accessor, Component, InstancePre};

use super::version_0_1;
use crate::wasm::bindings::capabilities::concept::refinement::model_types as wit;
use crate::wasm::bindings::model::{ImageModelComponent, ImageModelComponentPre};
use crate::wasm::bindings::model_0_1::{Model, ModelPre};
use crate::wasm::sandbox::Sandbox;

const NAME_0_1: &str = "concept:refinement/image-model@0.1.0";

/// A component that can be instantiated.
#[derive(Clone)]
pub enum Exporting {
    Now(ImageModelComponentPre<Sandbox>),
    V0_1(ModelPre<Sandbox>),
}

/// An instance of it.
pub enum Exported {
    Now(ImageModelComponent),
    V0_1(Model),
}

impl Exporting {
    pub fn new(component: &Component, pre: InstancePre<Sandbox>) -> wasmtime::Result<Self> {
        Ok(match component.get_export_index(None, NAME_0_1) {
            None => Self::Now(ImageModelComponentPre::new(pre)?),
            Some(_) => Self::V0_1(ModelPre::new(pre)?),
        })
    }

    pub async fn instantiate(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<Exported> {
        Ok(match self {
            Self::Now(pre) => Exported::Now(pre.instantiate_async(store).await?),
            Self::V0_1(pre) => Exported::V0_1(pre.instantiate_async(store).await?),
        })
    }
}

impl Exported {
    pub async fn describe(&self, accessor: &Accessor<Sandbox>) -> wasmtime::Result<String> {
        match self {
            Self::Now(model) => {
                let model = model.concept_refinement_image_model();
                model.call_describe(accessor).await
            }
            Self::V0_1(model) => {
                let model = model.concept_refinement_image_model();
                model.call_describe(accessor).await
            }
        }
    }

    pub async fn refine(
        &self,
        accessor: &Accessor<Sandbox>,
        request: wit::Request,
    ) -> wasmtime::Result<Result<wit::Answer, wit::Error>> {
        match self {
            Self::Now(model) => {
                let model = model.concept_refinement_image_model();
                model.call_refine(accessor, request).await
            }
            Self::V0_1(model) => {
                let not_taken = NotTaken {
                    seed: request.seed.is_some(),
                    mask: request.mask.is_some(),
                    ..NotTaken::default()
                };
                let request = version_0_1::request(request, accessor)?;
                let model = model.concept_refinement_image_model();
                let answer = model.call_refine(accessor, request).await?;
                Ok(answer.map_err(Into::into).map(|answer| {
                    let mut answer = wit::Answer::from(answer);
                    answer.notes.extend(not_taken.notes());
                    answer
                }))
            }
        }
    }
}
