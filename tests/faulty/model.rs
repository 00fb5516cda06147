//! The model, asked on the record.

use std::future::ready;
use std::sync::Arc;

use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, ModelAnswer, ModelError, ModelRequest,
};
use concept_refinement_tests::faults::Call;
use futures::StreamExt as _;
use futures::future::BoxFuture;

use crate::amid;
use crate::faults::Faults;

pub struct FaultyModel {
    pub faults: Arc<Faults>,
    pub model: Arc<dyn ImageModel>,
}

impl FaultyModel {
    async fn asked(&self, request: ModelRequest) -> Result<ModelAnswer, ModelError> {
        if self.faults.model_is_down() {
            return Err(ModelError::Unavailable {
                reason: "the model is down".to_owned(),
                retry_after: None,
                is_rate_limit: false,
            });
        }
        self.faults.note(&format!("asked {}", request.task_id));
        let answer = self.faults.around(Call::Model, self.model.refine(request));
        let answer = answer.await?;
        let image = match answer.image {
            ImageOrLocation::Image {
                media_type,
                length,
                contents,
            } => {
                let faults = Arc::clone(&self.faults);
                let contents = contents.map(Ok).boxed();
                let contents =
                    amid::with_point(faults, Call::Model, length.unwrap_or_default(), contents);
                ImageOrLocation::Image {
                    media_type,
                    length,
                    contents: contents.filter_map(|chunk| ready(chunk.ok())).boxed(),
                }
            }
            location @ ImageOrLocation::Location(_) => location,
        };
        Ok(ModelAnswer { image, ..answer })
    }
}

impl ImageModel for FaultyModel {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(self.asked(request))
    }

    fn at_once(&self) -> usize {
        self.model.at_once()
    }

    fn running(&self) -> usize {
        self.model.running()
    }

    fn describe(&self) -> &str {
        self.model.describe()
    }
}
