//! Exports the interface `image-model`.

#![allow(
    unsafe_code,
    reason = "what exports a component talks to the canonical ABI"
)]

use std::time::Duration;

use concept_refinement_domain::circuit::Circuit;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_guest::{Clock as _, Imports};
use concept_refinement_model_middleware::component::image_model::{
    Answer, Error, Guest, Request, Unavailable,
};
use concept_refinement_model_middleware::component::next_models::LinkError;
use concept_refinement_model_middleware::component::{Asked, model_state, next_models};

use crate::{Failure, Ports};

struct Fallback;

concept_refinement_model_middleware::component::export!(Fallback);

impl Guest for Fallback {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let asked = Asked::new(request).await?;
        match crate::refine(&Models(asked)).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            }) => Err(Error::Unavailable(Unavailable {
                reason,
                retry_after: retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
                is_rate_limit,
            })),
            Err(Failure::Unknown(reason)) => Err(Error::Unknown(reason)),
            Err(Failure::Unauthorized(reason)) => Err(Error::Unauthorized(reason)),
            Err(Failure::Broken(reason)) => Err(Error::Broken(reason)),
            Err(Failure::Refused(reason)) => Err(Error::Refused(reason)),
        }
    }

    async fn describe() -> String {
        let mut models = Vec::new();
        for index in 0..next_models::count().await {
            models.push(next_models::describe(index).await);
        }
        crate::description(&models)
    }
}

/// The models behind it, as called for one request.
struct Models(Asked);

impl Ports for Models {
    type Answer = Answer;

    async fn count(&self) -> u32 {
        next_models::count().await
    }

    async fn has_receipt(&self, index: u32) -> bool {
        next_models::has_receipt(index).await
    }

    async fn ask(&self, index: u32) -> Result<Self::Answer, Failure> {
        let answer = next_models::refine(index, self.0.for_next().await).await;
        answer.map_err(|error| match error {
            LinkError::Unavailable(Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            }) => Failure::Unavailable {
                reason,
                retry_after: retry_after.map(Duration::from_millis),
                is_rate_limit,
            },
            LinkError::Unknown(reason) => Failure::Unknown(reason),
            LinkError::Unauthorized(reason) => Failure::Unauthorized(reason),
            LinkError::Broken(reason) => Failure::Broken(reason),
            LinkError::Refused(reason) => Failure::Refused(reason),
        })
    }

    fn now(&self) -> Timestamp {
        Imports.now()
    }

    async fn circuit(&self, index: u32) -> Circuit {
        let saved = model_state::get(key(index)).await;
        saved.map_or_else(Circuit::default, |bytes| Circuit::from_bytes(&bytes))
    }

    /// A circuit without history is deleted instead of saved.
    async fn save(&self, index: u32, before: Circuit, after: Circuit) -> bool {
        let bytes =
            |circuit: Circuit| (circuit != Circuit::default()).then(|| circuit.to_bytes().to_vec());
        model_state::swap(key(index), bytes(before), bytes(after)).await
    }
}

fn key(index: u32) -> String {
    format!("circuit {index}")
}
