//! The image store.

use std::sync::Arc;

use concept_refinement_capability::Answer;
use concept_refinement_capability::images::{ImageOperation, ImageReply, ImageStore};
use concept_refinement_capability::intercept::{Interceptor, Operations as _};
use concept_refinement_domain::capability::{ImageKind, StoredOrNot};
use concept_refinement_domain::refined::task_and_attempt;
use concept_refinement_tests::faults::Call;

use crate::amid;
use crate::faults::Faults;

pub struct FaultyImages(pub Arc<Faults>);

impl Interceptor<dyn ImageStore> for FaultyImages {
    fn intercept<'a>(
        &'a self,
        operation: ImageOperation<'a>,
        inner: &'a Arc<dyn ImageStore>,
    ) -> Answer<'a, ImageReply> {
        let Self(faults) = self;
        let (call, operation) = match operation {
            ImageOperation::Put { image, contents } => {
                let call = match image.kind {
                    ImageKind::Upload => Call::UploadPut,
                    ImageKind::Refined => Call::ImagePut,
                };
                let contents =
                    amid::with_point(Arc::clone(faults), call, image.length.longest(), contents);
                (call, ImageOperation::Put { image, contents })
            }
            other => {
                let call = match other {
                    ImageOperation::Stat { .. } => Call::ImageStat,
                    ImageOperation::Get { .. } => Call::ImageGet,
                    ImageOperation::Delete { .. } => Call::ImageDelete,
                    ImageOperation::DeleteUploads { .. } => Call::UploadsDelete,
                    ImageOperation::Sign { .. } => Call::ImageSign,
                    ImageOperation::Resolve { .. } => Call::ImageResolve,
                    ImageOperation::List { .. } | ImageOperation::Describe { .. } => {
                        Call::ImageList
                    }
                    ImageOperation::Put { .. }
                    | ImageOperation::HasUploads { .. }
                    | ImageOperation::Reconcile { .. }
                    | ImageOperation::Check { .. } => {
                        return inner.run(other);
                    }
                };
                (call, other)
            }
        };
        let observed = async move {
            let reply = inner.run(operation).await?;
            if call == Call::ImagePut
                && let ImageReply::Stored(StoredOrNot::Stored(stored)) = &reply
                && let Some((task_id, _)) = task_and_attempt(&stored.path)
            {
                faults.note(&format!("kept {task_id}"));
            }
            Ok(reply)
        };
        Box::pin(faults.around(call, observed))
    }
}
