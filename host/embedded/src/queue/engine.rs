//! The queue inside the task store as an engine for the configuration.

use std::future::ready;

use concept_refinement_capability::engine::{Engine, QueueEngine};

/// `store`: in whichever store the tasks are.
pub const ENGINE: QueueEngine = Engine {
    name: "store",
    check: |_| Ok(()),
    open: |_, tasks| Box::pin(ready(Ok(tasks.queue))),
    files: None,
    inspect: None,
};
