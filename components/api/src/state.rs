//! What the routes of one instance share: its configuration, its ports and the
//! little that it remembers between requests.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use concept_refinement_domain::capability::CapabilityState;
use concept_refinement_domain::timestamp::Timestamp;

use crate::auth::Authenticator;
use crate::config::Config;
use crate::ports::Ports;
use crate::recent::Recent;
use crate::republish::Republisher;

pub struct State<P> {
    pub config: Config,
    pub ports: P,
    pub auth: Authenticator<P>,
    /// Bytes of the uploads that are buffered in memory.
    pub collecting: Cell<u64>,
    /// The model's description, once it was read.
    pub model: OnceCell<String>,
    /// What the last check of the capabilities found, and when.
    pub readiness: RefCell<Option<(Timestamp, Rc<[CapabilityState]>)>>,
    pub republisher: Republisher<P>,
    /// The sessions that this instance renewed, by their users.
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
            collecting: Cell::new(0),
            model: OnceCell::new(),
            readiness: RefCell::default(),
            renewed: Recent::default(),
        }
    }
}
