//! Model components and middleware: each call gets its own instance of every link.
//!
//! A model without network and timer can only compute, so at most as many of its calls
//! run as there are cores. A model that can wait runs on its caller's thread until it
//! computes (see [`Threads`](super::threads::Threads)). A deadline or a trap ends only
//! the instance. An instance that cannot get memory at the moment is ended too, and its
//! call is tried again when there is some.

mod answer;
mod exported;
pub mod link;
mod next;
mod own_time;
mod request;
mod run;
mod version_0_1;

use std::sync::Arc;

use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, MemoryUse, ModelAnswer, ModelError, ModelRequest, RetryLater,
};
use futures::future::BoxFuture;

use super::admission::Admission;
use super::held;
use super::memory::ModelMemory;
use super::replay::Replay;
use link::Link;
pub(crate) use next::Next;
use run::call;

/// A model component, or a chain of them, with the limits of its calls.
pub struct ModelComponent {
    link: Arc<Link>,
    admission: Admission,
    at_once: usize,
    description: String,
}

impl ModelComponent {
    /// `at_once`: limit of concurrent calls. They share `memory`.
    ///
    /// # Errors
    ///
    /// The system does not tell how many cores there are.
    pub fn new(link: Arc<Link>, at_once: usize, memory: Arc<ModelMemory>) -> anyhow::Result<Self> {
        let at_once = match link.computes_only() {
            true => concept_refinement_capability::model::cores()?.min(at_once),
            false => at_once,
        };
        let description = match link.is_middleware() {
            true => format!("{}: {}", link.parts.text, link.description()),
            false => link.description().to_owned(),
        };
        Ok(Self {
            admission: Admission::new(at_once, memory, !link.can_wait()),
            link,
            at_once,
            description,
        })
    }
}

impl ImageModel for ModelComponent {
    fn refine(&self, mut request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            let stopped = || ModelError::Broken("the model was stopped".to_owned());
            let permit = self.admission.enter(&mut request).await;
            let mut permit = permit.ok_or_else(stopped)?;
            let request = Replay::new(request);
            let answered = permit.ticket.answer(|admitted, sender| {
                let link = Arc::clone(&self.link);
                let call = call(link, request.clone(), sender, admitted, None);
                self.link.spawn(call)
            });
            let (answer, call) = answered.await.ok_or_else(stopped)?;
            answer.map(|answer| held(answer, request.retry_later(), (call, permit)))
        })
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn running(&self) -> usize {
        self.at_once.saturating_sub(self.admission.free())
    }

    fn memory(&self) -> Option<MemoryUse> {
        Some(self.admission.memory())
    }

    fn describe(&self) -> &str {
        &self.description
    }
}

/// An answer whose contents hold its call.
fn held<C: Send + 'static>(answer: ModelAnswer, retry_later: RetryLater, call: C) -> ModelAnswer {
    let image = match answer.image {
        ImageOrLocation::Image {
            media_type,
            length,
            contents,
        } => ImageOrLocation::Image {
            media_type,
            length,
            contents: held::contents(contents, retry_later, call),
        },
        location @ ImageOrLocation::Location(_) => location,
    };
    ModelAnswer { image, ..answer }
}
