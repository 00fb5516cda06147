//! The network, and chance.

use concept_refinement_processor::ports::{Failure, Purpose, Response};
use concept_refinement_tests::native::{Body, Outside};
use futures::future::LocalBoxFuture;

use super::Environment;
use crate::faults::Side;
use crate::source;

impl Outside for Environment {
    async fn get(&self, url: &str, _: Purpose) -> Result<Response<Body>, Failure> {
        let unreachable = |_| Failure::Unreachable;
        self.point("get", Side::Before).await.map_err(unreachable)?;
        let response = source::answer(&self.world.scheduler, url).await;
        self.point("get", Side::After).await.map_err(unreachable)?;
        response
    }

    fn spawn(&self, work: LocalBoxFuture<'static, ()>) {
        self.world.scheduler.spawn(self.process.group, work);
    }

    fn uuid(&self) -> String {
        format!("0190c0de-0000-7000-8000-{:012}", self.world.serial())
    }

    fn random(&self) -> u64 {
        (self.world.random.share() * u64::MAX as f64) as u64
    }
}
