//! Attempts to deliver webhooks.

use concept_refinement_capability::notifier::{Notification, Notifier};
use concept_refinement_domain::webhook::DeliveryAnswer;
use futures::future::BoxFuture;

use super::{Environment, local};
use crate::faults::Side;
use crate::receiver;

impl Notifier for Environment {
    fn deliver(
        &self,
        notification: Notification,
    ) -> BoxFuture<'static, anyhow::Result<DeliveryAnswer>> {
        let own = self.clone();
        local(async move { own.deliver(notification).await })
    }
}

impl Environment {
    async fn deliver(&self, notification: Notification) -> anyhow::Result<DeliveryAnswer> {
        let task = notification.task;
        let point = async |side| {
            let world = &self.world;
            let reached = world.point(&self.process, "deliver", &task.id, side).await;
            reached.map_err(|error| anyhow::anyhow!(error.message))
        };
        point(Side::Before).await?;
        self.world.oracle.borrow_mut().notified(&task);
        let (wait, answer) = match self.world.settings.wild {
            Some(_) => receiver::answer(&self.world.receivers),
            None => receiver::steady(),
        };
        self.world.scheduler.sleep(wait).await;
        self.world
            .note(format_args!("{} was told: {answer:?}", task.id));
        point(Side::After).await?;
        Ok(answer)
    }
}
