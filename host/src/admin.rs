//! The admin API, `/admin/v1`, and a page that uses it: operators inspect tasks, act
//! on them, and pause the queue.
//!
//! It is served on the socket in the data directory, where the system identifies the
//! requester, and on an address of its own, where a token does. It never shares a
//! listener with users.

mod access;
mod answer;
mod audit;
mod filter;
mod input;
mod jobs;
mod listener;
mod page;
mod queue;
mod router;
mod tasks;
mod usage;

use std::sync::Arc;

use concept_refinement_runtime::ingress::http::{Connections, HostNames};

use crate::config::AdminListener;
use crate::metrics::Scrape;
use crate::operator::Operator;

pub use access::{Caller, SUDO_USER};
pub use listener::{CONNECTIONS, serve, serve_connection};

/// The parts that the admin API uses.
pub struct AdminServer {
    /// The operations for operators.
    pub operator: Operator,
    /// The metrics.
    pub scrape: Arc<Scrape>,
    /// The base of signed URLs of images: the public URL, or this machine's.
    pub origin: String,
    /// The tokens that the listener accepts. None: there is only the socket.
    pub listener: Option<AdminListener>,
    /// The host names that the listener accepts. None: all.
    pub names: Option<HostNames>,
    /// Permits for connections of operators.
    pub places: Arc<Connections>,
}
