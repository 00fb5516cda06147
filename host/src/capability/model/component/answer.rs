//! What a model component answers, as it comes from its instance: of each string
//! no more than the beginning, so that a long one costs nothing.

use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_domain::note::{self, MAX_NOTES};
use tokio::sync::oneshot;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentType, Instance, Lift, StreamReader, TypedFunc,
};

use super::request::Request;
use crate::capability::model::{ModelAnswer, ModelError};
use crate::wasm::shortened::{First, Shortened};
use crate::wasm::stream::consume;

const INTERFACE: &str = "concept:refinement/image-model@0.1.0";

/// What `refine` answers: as in `wit/model-types.wit`.
pub type Refined = Result<Answer, Error>;

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Answer {
    #[component(name = "image")]
    Image(Image),
    #[component(name = "location")]
    Location(Shortened),
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Image {
    #[component(name = "media-type")]
    media_type: Shortened,
    length: Option<u64>,
    contents: StreamReader<u8>,
    notes: First<MAX_NOTES>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Error {
    #[component(name = "unavailable")]
    Unavailable(Unavailable),
    #[component(name = "refused")]
    Refused(Shortened),
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Unavailable {
    reason: Shortened,
    #[component(name = "retry-after")]
    retry_after: Option<u64>,
}

/// Where a component has its functions.
#[derive(Clone, Copy)]
pub struct Functions {
    refine: ComponentExportIndex,
    describe: ComponentExportIndex,
}

impl Functions {
    /// # Errors
    ///
    /// The component has no such functions.
    pub fn of(component: &Component) -> anyhow::Result<Self> {
        let interface = component.get_export_index(None, INTERFACE);
        let function = |name| component.get_export_index(Some(interface.as_ref()?), name);
        let missing = || format!("the model component does not export {INTERFACE}");
        Ok(Self {
            refine: function("refine").with_context(missing)?,
            describe: function("describe").with_context(missing)?,
        })
    }

    pub fn refine(
        &self,
        model: &Instance,
        store: impl wasmtime::AsContextMut,
    ) -> wasmtime::Result<TypedFunc<(Request,), (Refined,)>> {
        model.get_typed_func(store, self.refine)
    }

    pub fn describe(
        &self,
        model: &Instance,
        store: impl wasmtime::AsContextMut,
    ) -> wasmtime::Result<TypedFunc<(), (Shortened,)>> {
        model.get_typed_func(store, self.describe)
    }
}

/// The answer, and what completes when its bytes are read.
type Converted = (
    Result<ModelAnswer, ModelError>,
    Option<oneshot::Receiver<()>>,
);

pub fn from_wit(
    answer: Refined,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<Converted> {
    Ok(match answer {
        Ok(Answer::Image(Image {
            media_type,
            length,
            contents,
            notes,
        })) => {
            let consumed = consume(contents, store)?;
            let answer = ModelAnswer::Image {
                media_type: media_type.text,
                length,
                contents: consumed.chunks,
                notes: note::bounded(notes.0.iter().map(|note| &note.text)),
            };
            (Ok(answer), Some(consumed.drained))
        }
        Ok(Answer::Location(url)) if url.is_cut => {
            let problem = "the model answered an address that is too long";
            (Err(ModelError::Broken(problem.to_owned())), None)
        }
        Ok(Answer::Location(url)) => (Ok(ModelAnswer::Location(url.text)), None),
        // Another try would cost again, and end like this.
        Err(Error::Unavailable(Unavailable { reason, .. })) if reason.is_cut => {
            (Err(ModelError::Broken(reason.text)), None)
        }
        Err(Error::Unavailable(Unavailable {
            reason,
            retry_after,
        })) => {
            let error = ModelError::Unavailable {
                reason: reason.text,
                retry_after: retry_after.map(Duration::from_millis),
            };
            (Err(error), None)
        }
        Err(Error::Refused(reason)) => (Err(ModelError::Refused(reason.text)), None),
    })
}
