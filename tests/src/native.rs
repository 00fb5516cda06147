//! The code of the components without wasm, over a host's capabilities.

mod api;
mod processor;

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_api::Settings;
use concept_refinement_capability::Capabilities;
use concept_refinement_capability::payments::Payments;
use concept_refinement_capability::processor::LastStage;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_processor::ports::{Failure, Purpose, Response};
use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;

/// What an instance of a component is given.
#[derive(Clone)]
pub struct Native<O> {
    pub host: Arc<Capabilities>,
    pub runtime: Arc<dyn Runtime>,
    pub outside: O,
    stage: LastStage,
    payments: RefCell<Payments>,
}

/// The bytes of an image, as they come.
pub type Body = LocalBoxStream<'static, Bytes>;

/// What is no capability of a host: the network, chance, and the thread.
#[expect(async_fn_in_trait, reason = "an instance runs on one thread")]
pub trait Outside: Clone + 'static {
    async fn get(&self, url: &str, purpose: Purpose) -> Result<Response<Body>, Failure>;

    /// Goes on with some work, on this thread.
    fn spawn(&self, work: LocalBoxFuture<'static, ()>);

    /// In the order of time.
    fn uuid(&self) -> String;

    fn random(&self) -> u64;
}

impl<O> Native<O> {
    pub fn new(host: Arc<Capabilities>, runtime: Arc<dyn Runtime>, outside: O) -> Self {
        Self {
            host,
            runtime,
            outside,
            stage: LastStage::default(),
            payments: RefCell::default(),
        }
    }
}

/// What the API is configured with.
pub struct Granted<'a>(pub &'a [(&'a str, &'a str)]);

impl Settings for Granted<'_> {
    async fn get(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    }
}
