//! The pipeline's code on the host's stores and any model.

use std::sync::Arc;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::processor::Outcome;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_processor::config::Config;
use concept_refinement_tests::native::Native;
use tokio::runtime;
use tokio::task::JoinSet;

use super::Machine;

/// Takes messages and processes them, as a worker does; for ever, on a thread of
/// its own, which keeps what it is given alive.
pub fn start(capabilities: Arc<Capabilities>) {
    std::thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let config = Arc::new(Config::from_settings(|_| None).unwrap());
            let tokio = Arc::new(Tokio::default());
            let native = Native::new(Arc::clone(&capabilities), tokio, Machine);
            let mut in_flight = JoinSet::new();
            loop {
                let delivery = capabilities.queue.receive().await.unwrap();
                let (native, config) = (native.clone(), Arc::clone(&config));
                while in_flight.try_join_next().is_some() {}
                in_flight.spawn(async move {
                    let id = delivery.work().task_id().unwrap();
                    let claimed = native.host.leases().claim(id, None).await.unwrap();
                    let run = native.run(config, claimed.unwrap());
                    assert_eq!(run.outcome.await.unwrap(), Outcome::Done);
                    delivery.ack().await;
                });
            }
        })
    });
}
