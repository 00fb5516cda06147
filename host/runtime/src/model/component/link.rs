//! A link of a model chain: a component, its grants, and the links behind it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_capability::model::cores;
use concept_refinement_capability::payments::Payments;
use concept_refinement_capability::traces::{Kind, MODEL, Span};
use concept_refinement_domain::original::AllowedSources;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use url::Url;
use wasmtime::component::Component;

use super::exported::Exporting;
use super::next::Next;
use crate::egress::Origin;
use crate::metrics::timed::Work;
use crate::model::convert::shortened;
use crate::model::output::{Listener, Output, first_line};
use crate::model::state::ModelState;
use crate::model::threads::Threads;
use crate::wasm::linker::{middleware_linker, model_linker};
use crate::wasm::sandbox::{Grants, Sandbox};

/// How long a model may take to describe itself.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// State shared by all calls of a link.
pub struct Link {
    pub(super) engine: wasmtime::Engine,
    pub(super) pre: Exporting,
    pub(super) parts: Parts,
    /// Only for a middleware.
    pub(super) state: Option<Arc<ModelState>>,
    /// Permits for calls behind a middleware that compute: one per core.
    pub(super) cores: Arc<Semaphore>,
    can_wait: bool,
    description: String,
}

/// The parts of a link besides its component.
pub struct Parts {
    /// Its grants.
    pub grants: Grants,
    /// Time limit of one call once it runs, excluding the links behind it.
    pub limit: Duration,
    /// The threads that it computes on.
    pub threads: Arc<Threads>,
    /// The links behind a middleware. None: it is a model.
    pub behind: Option<Vec<Arc<Link>>>,
    /// Measures the calls of a middleware to this link. None: they are not measured.
    pub calls: Option<Work>,
    /// Receives what it prints.
    pub listener: Arc<dyn Listener>,
    /// Origins of providers of other links only.
    pub foreign: Vec<Origin>,
    /// Sources that the operator allows for everybody.
    pub allowed: AllowedSources,
    /// The name in its settings, metrics and receipts.
    pub name: String,
    /// As written in the setting.
    pub text: String,
    /// Changes with the component, its settings and the links behind it.
    pub identity: String,
}

impl Link {
    /// Creates a link, and asks the component for its description.
    pub async fn new(component: &Component, parts: Parts) -> anyhow::Result<Arc<Self>> {
        match (parts.behind.is_some(), asks_models(component)) {
            (false, true) => anyhow::bail!(
                "the component is a middleware: the setting has to name models behind it, as in \
                 PATH(local)"
            ),
            (true, false) => {
                let link = parts.name.as_str();
                tracing::warn!(link, "the component never asks the models behind it");
            }
            _ => {}
        }
        let engine = component.engine();
        let linker = match parts.behind {
            Some(_) => middleware_linker(engine),
            None => model_linker(engine),
        };
        let pre = linker
            .and_then(|linker| linker.instantiate_pre(component))
            .and_then(|pre| Exporting::new(component, pre))
            .map_err(anyhow::Error::from)
            .context(
                "the model component does not fit the interface image-model (0.1.0 or 0.2.0, with \
                 WASI 0.2 and 0.3.0)",
            )?;
        let mut link = Self {
            engine: engine.clone(),
            pre,
            state: parts.behind.is_some().then(Arc::default),
            cores: Arc::new(Semaphore::new(cores()?)),
            can_wait: parts.behind.is_some() || can_wait(component),
            parts,
            description: String::new(),
        };
        link.description = link.described().await?;
        Ok(Arc::new(link))
    }

    /// Whether it is a middleware.
    pub fn is_middleware(&self) -> bool {
        self.parts.behind.is_some()
    }

    /// Whether it may wait for something other than the links behind it.
    pub fn can_wait(&self) -> bool {
        self.can_wait
    }

    /// Whether it can only compute; for a middleware, whether all models behind it can.
    pub fn computes_only(&self) -> bool {
        match &self.parts.behind {
            Some(behind) => behind.iter().all(|link| link.computes_only()),
            None => !self.can_wait,
        }
    }

    /// The links behind it; empty for a model.
    pub fn behind(&self) -> &[Arc<Self>] {
        self.parts.behind.as_deref().unwrap_or_default()
    }

    /// Whether this link must not return this URL: the operator allows its origin only to
    /// another link.
    pub fn is_foreign(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let origin = Origin::of_url(&url);
        origin.is_some_and(|origin| self.parts.foreign.contains(&origin))
            && !self.parts.allowed.allows_url(&url)
    }

    /// Whether it, or a link behind it, has a receipt for the task.
    pub fn has_receipt(&self, payments: &Payments) -> bool {
        let mut behind = self.behind().iter();
        payments.receipt(self.name()).is_some() || behind.any(|link| link.has_receipt(payments))
    }

    /// The name in its settings, metrics and receipts.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Changes with the component, its settings and the links behind it.
    pub fn identity(&self) -> &str {
        &self.parts.identity
    }

    /// The description that it gave of itself.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Begins the span of a call, if its task is traced.
    pub fn start_span(&self, payments: &Payments) -> Span {
        let kind = match self.can_wait && !self.is_middleware() {
            true => Kind::Client,
            false => Kind::Internal,
        };
        let mut span = payments.start_span("model", kind);
        span.set_text(MODEL, self.name());
        span
    }

    /// Runs a call on the threads where it may wait or compute.
    pub fn spawn(&self, call: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
        let call = Box::pin(call.instrument(tracing::Span::current()));
        match self.can_wait {
            true => self.parts.threads.spawn_once_busy(call),
            false => self.parts.threads.spawn(call),
        }
    }

    /// Collects what one call prints.
    pub fn output(&self) -> Arc<Output> {
        let (redaction, listener) = (&self.parts.grants.redaction, &self.parts.listener);
        let output = Output::new(self.name(), Arc::clone(redaction), Arc::clone(listener));
        Arc::new(output)
    }

    async fn described(&self) -> anyhow::Result<String> {
        let output = self.output();
        let printer = Arc::<Output>::clone(&output);
        let mut store = Sandbox::of_model(&self.engine, &self.parts.grants, None, printer);
        if self.is_middleware() {
            store.data_mut().set_next(Next::describing(self));
        }
        let pre = self.pre.clone();
        let described = self.parts.threads.spawn(async move {
            let model = pre.instantiate(&mut store).await?;
            store
                .run_concurrent(async |accessor| model.describe(accessor).await)
                .await?
        });
        let described = tokio::time::timeout(DESCRIBE_TIMEOUT, described).await;
        output.end();
        let description = described
            .context("the model component did not describe itself in time")?
            .context("the model component could not be started")?
            .map_err(|error| {
                tracing::debug!(error = format!("{error:#}"), "the model trapped");
                anyhow::Error::msg(first_line(&error))
            })
            .context("the model component could not be started")?;
        Ok(shortened(description))
    }
}

/// Whether it can ask models behind it, as a middleware does.
fn asks_models(component: &Component) -> bool {
    imports(component, "concept:refinement/next-models@")
}

/// Whether it awaits timers. Rust's standard library imports the timer of WASI 0.2 into
/// every component, used or not, but only a component that awaits one imports that of
/// 0.3.
fn can_wait(component: &Component) -> bool {
    imports(component, "wasi:http/client@0.3")
        || imports(component, "wasi:clocks/monotonic-clock@0.3")
}

/// Whether it imports an interface whose name begins so.
fn imports(component: &Component, interface: &str) -> bool {
    let typed = component.component_type();
    typed
        .imports(component.engine())
        .any(|(name, _)| name.starts_with(interface))
}
