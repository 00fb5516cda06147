//! State shared by the routes of an instance: its configuration, its ports and a few
//! caches.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use concept_refinement_domain::capability::CapabilityState;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_mcp::Tool;

use crate::auth::Authenticator;
use crate::config::Config;
use crate::ports::Ports;
use crate::recent::Recent;
use crate::republish::Republisher;
use crate::upload_memory::UploadMemory;

pub struct State<P> {
    pub config: Config,
    pub ports: P,
    pub auth: Authenticator<P>,
    pub upload_memory: Rc<UploadMemory>,
    /// The model's description, once it was read.
    pub model: OnceCell<String>,
    /// What agents may call, once it was described.
    pub tools: OnceCell<Vec<Tool>>,
    /// The result of the last check of the capabilities, and its time.
    pub readiness: RefCell<Option<(Timestamp, Rc<[CapabilityState]>)>>,
    pub republisher: Republisher<P>,
    /// The end of the quota window in which the log has already named the quota's
    /// setting.
    pub quota_explained: Cell<Option<Timestamp>>,
    /// The same for a user's budget.
    pub budget_explained: Cell<Option<Timestamp>>,
    /// The plans without a definition that the log has named.
    pub undefined_plans: Recent<()>,
    /// The sessions that this instance has renewed, by user.
    pub renewed: Recent<Renewed>,
}

/// A session that was renewed.
#[derive(Clone)]
pub struct Renewed {
    pub token: String,
    pub until: Timestamp,
}

impl<P: Ports> State<P> {
    pub fn new(config: Config, ports: P) -> Self {
        Self {
            auth: Authenticator::new(&config, ports.clone()),
            republisher: Republisher::new(ports.clone(), config.is_swept),
            config,
            ports,
            upload_memory: Rc::default(),
            model: OnceCell::new(),
            tools: OnceCell::new(),
            readiness: RefCell::default(),
            quota_explained: Cell::new(None),
            budget_explained: Cell::new(None),
            undefined_plans: Recent::default(),
            renewed: Recent::default(),
        }
    }
}
