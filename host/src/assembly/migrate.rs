//! Brings the tables of a task store to the newest version, as a start does, for
//! operators who want it done before.

use std::sync::Arc;

use crate::assembly::capabilities;
use crate::capability::clock::{Clock, SystemClock};
use crate::config::Config;

/// What was done, in a sentence; with `is_dry_run` what would be.
///
/// # Errors
///
/// The store cannot be used, or is not there.
pub async fn migrate(config: &Config, is_dry_run: bool) -> anyhow::Result<String> {
    if let Some(told) = capabilities::migrate_server(config, is_dry_run).await? {
        return Ok(told);
    }
    let outdated = capabilities::at_rest(config).await?;
    let outdated = outdated.is_some_and(|stores| stores.iter().any(|store| store.is_outdated));
    match (outdated, is_dry_run) {
        (false, _) => Ok("Nothing is to be migrated.".to_owned()),
        (true, true) => Ok("It would be migrated to the newest version.".to_owned()),
        (true, false) => {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let tasks = capabilities::tasks(config, &clock, &Arc::default())?;
            tasks.open().await?;
            Ok("It was migrated to the newest version.".to_owned())
        }
    }
}
