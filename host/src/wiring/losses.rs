//! Warns of what a data directory lacks beside its other stores. It may have been lost, and
//! the start makes a new one.

use std::io;

use concept_refinement_capability::tasks::TaskStore;

use super::capabilities::ConfiguredStores;
use super::error::HostError;
use super::secret;
use crate::config::Config;

const TASKS: &str = "the data directory has a store of images but none of tasks: if that was lost, \
                     stop and restore a backup";

const IMAGES: &str = "the data directory has tasks but no store of images: if that was lost, stop \
                      and restore a backup";

const SECRET: &str = "the data directory has tasks but no secret, so a new one is made, and \
                      sessions, tokens and URLs of images that are signed with another one end: \
                      if that was lost, stop and put back the one of a backup";

/// What a data directory lacks before the start, where it would be in there.
pub struct Losses {
    tasks: bool,
    images: bool,
    secret: bool,
}

impl Losses {
    pub fn of(config: &Config) -> Result<Self, HostError> {
        let stores = ConfiguredStores::of(config);
        let (tasks, images) = (stores.tasks()?, stores.images()?);
        let look = || {
            let has_images = images.has_server() || images.exists()?;
            let has_secret = config.data_dir.join(secret::FILE).try_exists()?;
            Ok(Self {
                tasks: !images.has_server() && has_images && !tasks.exists()?,
                images: !tasks.has_server() && !has_images,
                secret: !tasks.has_server() && !has_secret,
            })
        };
        look().map_err(|error: io::Error| HostError::DataDirectory(error.into()))
    }

    /// `tasks`: a store that is no server, once all stores are open. A first start, which lacks
    /// everything, is no loss.
    pub async fn warn(&self, tasks: &dyn TaskStore) {
        if self.tasks {
            tracing::warn!("{TASKS}");
        }
        if !(self.images || self.secret) || !has_tasks(tasks).await {
            return;
        }
        if self.images {
            tracing::warn!("{IMAGES}");
        }
        if self.secret {
            tracing::warn!("{SECRET}");
        }
    }
}

async fn has_tasks(tasks: &dyn TaskStore) -> bool {
    let tally = tasks.tally().await;
    tally.is_ok_and(|tally| tally.pending + tally.processing + tally.completed + tally.failed > 0)
}
