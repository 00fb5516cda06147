//! Takes messages and gives each to the pipeline, as the host's worker does.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_processor::process::{Outcome, process, timeout};
use futures::future::{Either, select};

use crate::oracle::Write;
use crate::ports::Ports;
use crate::process::Process;
use crate::queue::Delivery;
use crate::world::World;

/// As in the host: what an instance may take beyond its task's own limit.
pub const SLACK: Duration = Duration::from_secs(10);

/// As in the host: when a message that could not be dealt with comes again.
const REDELIVERY: Duration = Duration::from_secs(1);

/// One task after the other, until the process stops.
pub async fn work(world: Rc<World>, process: Rc<Process>) {
    while !process.stopping.is_raised() {
        let delivery = {
            let next = pin!(world.queue.receive(process.group));
            match select(next, pin!(process.stopping.raised())).await {
                Either::Left((delivery, _)) => delivery,
                Either::Right(_) => return,
            }
        };
        process.in_flight.set(process.in_flight.get() + 1);
        one(&world, &process, delivery).await;
        process.in_flight.set(process.in_flight.get() - 1);
    }
}

async fn one(world: &Rc<World>, process: &Rc<Process>, delivery: Delivery) {
    let ports = Ports::new(world, process);
    let outcome = {
        let processed = self::process(&ports, &world.config, &delivery.message);
        let limited = timeout(&ports, world.config.task_timeout + SLACK, processed);
        match select(pin!(limited), pin!(process.giving_up.raised())).await {
            Either::Left((outcome, _)) => Some(outcome),
            Either::Right(_) => None,
        }
    };
    world.note(format_args!("{process} {outcome:?}"));
    match outcome {
        Some(Some(Outcome::Done | Outcome::Skipped | Outcome::Rejected(_))) => {
            world.queue.ack(delivery);
        }
        Some(Some(Outcome::RetryLater(_)) | None) => world.queue.nack(delivery, REDELIVERY),
        None => {
            if let Some(lease) = ports.claimed() {
                let release = || world.store.write(&Write::Release, &lease);
                let _ = world
                    .call(process, "give back", Some(&lease.task_id), release)
                    .await;
            }
            world.queue.nack(delivery, REDELIVERY);
        }
    }
}
