//! The simulation's time and tasks, as the loops see tokio's.

use std::rc::Rc;
use std::time::Duration;

use concept_refinement_capability::runtime::Runtime;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{Environment, local};

impl Runtime for Environment {
    fn elapsed(&self) -> Duration {
        self.world.scheduler.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let scheduler = Rc::clone(&self.world.scheduler);
        local(async move { scheduler.sleep(duration).await })
    }

    fn random(&self) -> f64 {
        self.world.random.share()
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let (work, handle) = work.remote_handle();
        self.world.scheduler.spawn(self.process.group, work);
        handle.boxed()
    }
}
