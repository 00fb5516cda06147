//! The same code without wasm: the API behind a native server, the pipeline on a
//! native worker, both over the host's own stores.

pub mod pipeline;
mod server;

use concept_refinement_processor::ports::{Failure, Purpose, Response};
use concept_refinement_tests::native::{Body, Outside};
use futures::future::LocalBoxFuture;
use send_wrapper::SendWrapper;
use uuid::Uuid;

pub use server::{TWIN, serve};

#[derive(Clone)]
pub struct Machine;

/// Originals are uploads here: nothing is fetched.
impl Outside for Machine {
    async fn get(&self, _: &str, _: Purpose) -> Result<Response<Body>, Failure> {
        Err(Failure::Forbidden)
    }

    fn spawn(&self, work: LocalBoxFuture<'static, ()>) {
        tokio::spawn(SendWrapper::new(work));
    }

    fn uuid(&self) -> String {
        Uuid::now_v7().to_string()
    }

    fn random(&self) -> u64 {
        1 << 63
    }
}
