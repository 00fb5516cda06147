//! The parts that a host is built from.

use std::net::SocketAddr;
use std::sync::Arc;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::clock::{Clock, SystemClock};
use concept_refinement_capability::model::ImageModel;
use concept_refinement_capability::traces::Traces;
use concept_refinement_runtime::egress::resolver::{self, Resolver};
use concept_refinement_runtime::model::output::{self, Listener as OutputListener};
use concept_refinement_runtime::wasm::engine::Tell;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::setters::setters;
use crate::wiring::components::Components;

/// Where clients connect to.
pub(super) enum Listener {
    /// The configured address.
    Configured,
    Given(TcpListener),
    None,
}

/// Builds a host from its configuration. A model, a clock, a listener or capabilities of
/// your own can replace the configured ones.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use concept_refinement_host::capability::model::ImageModel;
/// # use concept_refinement_host::{Config, Host, HostBuilder, HostError};
/// # async fn start(config: Config, model: Arc<dyn ImageModel>) -> Result<Host, HostError> {
/// HostBuilder::new(config).model(model).start().await
/// # }
/// ```
#[must_use = "a host begins with `start`"]
pub struct HostBuilder {
    pub(super) config: Config,
    /// None: those that this library was built with.
    pub(super) components: Option<Components>,
    pub(super) listener: Listener,
    pub(super) model: Option<Arc<dyn ImageModel>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) map_capabilities: Box<dyn FnOnce(Capabilities) -> Capabilities + Send>,
    pub(super) traces: Traces,
    pub(super) on_waiting: Box<dyn FnOnce(SocketAddr) + Send>,
    pub(super) on_compiling: Option<Tell>,
    pub(super) on_output: Arc<dyn OutputListener>,
}

impl HostBuilder {
    /// A host with nothing but the configuration. It runs the components that this library
    /// was built with.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            components: None,
            listener: Listener::Configured,
            model: None,
            clock: Arc::new(SystemClock),
            resolver: resolver::system(),
            map_capabilities: Box::new(|configured| configured),
            traces: Traces::default(),
            on_waiting: Box::new(|_| {}),
            on_compiling: None,
            on_output: Arc::new(output::Log),
        }
    }

    /// Listens nowhere: all requests come from [`Host::service`](crate::Host::service) and
    /// [`Host::client`](crate::Host::client). The configured address still decides which
    /// `Host` a request may have, as if the service listened there: at a loopback address
    /// only local names and that of the public URL.
    pub fn without_listener(mut self) -> Self {
        self.listener = Listener::None;
        self
    }

    /// What models print, and why they crash, goes there instead of into the log.
    pub(crate) fn on_output(mut self, listener: Arc<dyn OutputListener>) -> Self {
        self.on_output = listener;
        self
    }
}

setters! {
    HostBuilder {
        /// Runs these components instead of the built-in ones.
        components(components: Components) = Some(components);

        /// Uses this listener instead of binding the configured address.
        listener(listener: TcpListener) = Listener::Given(listener);

        /// Uses this model instead of the model component, which is compiled all the same.
        model(model: Arc<dyn ImageModel>) = Some(model);

        /// Uses this clock for leases, quotas, sessions and signed URLs.
        clock(clock: Arc<dyn Clock>) = clock;

        /// Resolves names with this resolver instead of the machine's. Addresses
        /// are checked as usual.
        resolver(resolver: Arc<dyn Resolver>) = resolver;

        /// Sends spans of requests and tasks there. By default there are none: only the command
        /// `serve` reads the variables of OpenTelemetry.
        traces(traces: Traces) = traces;

        /// Sets a function that is called with the listener's address if startup has to wait
        /// for a store that several hosts share. Until the store can be reached, clients get
        /// errors for invalid requests, and otherwise the answer that the service is
        /// unavailable.
        on_waiting(tell: impl FnOnce(SocketAddr) + Send + 'static) = Box::new(tell);

        /// Sets a function that gets a sentence when the compilation of a large component
        /// begins, which takes seconds at the first start, and when it ends. By default these
        /// are logged.
        on_compiling(tell: impl Fn(&str) + Send + Sync + 'static) = Some(Arc::new(tell));

        /// Replaces or wraps the configured capabilities.
        map_capabilities(map: impl FnOnce(Capabilities) -> Capabilities + Send + 'static) =
            Box::new(map);
    }
}
