//! A model that answers as it is in the mood to.

use std::future::pending;

use bytes::Bytes;
use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, ModelAnswer, ModelError, ModelRequest, Source,
};
use concept_refinement_capability::payments::Payments;
use concept_refinement_domain::capability::{CapabilityError, Lease};
use futures::future::BoxFuture;
use futures::stream;

use super::{Environment, local};
use crate::faults::Side;
use crate::flaws::Flaw;
use crate::images::picture;
use crate::model::{LINK, Mood};

impl ImageModel for Environment {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        local(self.refine(request.payments))
    }

    fn describe(&self) -> &str {
        "a simulated model"
    }
}

impl Environment {
    async fn refine(&self, payments: Payments) -> Result<ModelAnswer, ModelError> {
        let receipt = payments.receipt(LINK);
        let call = payments.begin(LINK, receipt.is_some()).await;
        let call = call.map_err(|error| ModelError::Refused(error.to_string()))?;
        let asked = self.point("ask the model", Side::Before).await;
        asked.map_err(lost)?;
        let Some(lease) = self.held.clone() else {
            return Err(ModelError::Refused("Nobody asks.".to_owned()));
        };
        let world = &self.world;
        world.mark(&world.asked_at);
        world.oracle.borrow_mut().asked(&lease);
        if world.settings.flaw == Some(Flaw::ModelAskedTwice) {
            world.oracle.borrow_mut().asked(&lease);
        }
        let mood = match world.settings.wild {
            Some(wild) => Mood::drawn(&world.random, wild.is_model_moody && !world.is_calm()),
            None => Mood::STEADY,
        };
        let wait = match mood {
            Mood::Answers(wait) => wait,
            Mood::Unavailable(retry_after) => {
                if let Some(call) = call {
                    call.not_accepted().await;
                }
                world.oracle.borrow_mut().put_off(&lease.task_id);
                return Err(ModelError::Unavailable {
                    reason: "the provider is overloaded".to_owned(),
                    retry_after,
                    is_rate_limit: false,
                });
            }
            Mood::Breaks => {
                self.made(&receipt, &lease);
                world.oracle.borrow_mut().put_off(&lease.task_id);
                let reason = "the provider answered 502".to_owned();
                return Err(ModelError::Unknown(reason));
            }
            Mood::Refuses => return Err(ModelError::Refused("not this one".to_owned())),
            Mood::Hangs => {
                self.made(&receipt, &lease);
                pending().await
            }
        };
        let work = self.made(&receipt, &lease);
        if receipt.is_none() {
            // Without it the work would have to be paid for again.
            let _ = payments.keep(LINK, work.as_bytes(), false).await;
        }
        world.scheduler.sleep(wait).await;
        if let Err(error) = self.point("ask the model", Side::After).await {
            world.oracle.borrow_mut().put_off(&lease.task_id);
            return Err(lost(error));
        }
        let bytes = Bytes::from(picture(&work));
        Ok(ModelAnswer {
            image: ImageOrLocation::Image {
                media_type: "image/gif".to_owned(),
                length: Some(bytes.len() as u64),
                contents: Box::pin(stream::iter([bytes])),
            },
            notes: Vec::new(),
            source: Source::Generative,
        })
    }
}

impl Environment {
    /// Which task's work it is: of a receipt, or new.
    fn made(&self, receipt: &Option<Vec<u8>>, lease: &Lease) -> String {
        match receipt {
            Some(work) => String::from_utf8_lossy(work).into_owned(),
            None => {
                let mut oracle = self.world.oracle.borrow_mut();
                oracle.made(lease);
                lease.task_id.clone()
            }
        }
    }
}

fn lost(error: CapabilityError) -> ModelError {
    ModelError::Unavailable {
        reason: error.message,
        retry_after: None,
        is_rate_limit: false,
    }
}
