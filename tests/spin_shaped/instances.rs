//! Instances of a component: reused, shared by requests that come at once, and
//! dropped soon after the last of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::keyvalue::KeyValue;
use crate::outbound::Outbound;
use crate::state::State;
use crate::store::Database;
use crate::variables::Granted;

/// Requests that one instance serves, at once and in all.
const AT_ONCE: usize = 16;
const REUSES: usize = 128;

/// How long an instance waits for the next.
const IDLE: Duration = Duration::from_secs(1);

/// What the instances of one component have in common.
pub struct Instances {
    pub component: Arc<str>,
    pub engine: wasmtime::Engine,
    pub pre: ServicePre<State>,
    pub database: Database,
    pub key_value_stores: Arc<std::collections::BTreeSet<String>>,
    pub variables: Arc<Granted>,
    pub outbound: Outbound,
    /// None: a request may take as long as it likes, and so may what goes on
    /// after its answer.
    pub request_timeout: Option<Duration>,
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Reuse>> {
        let state = State::new(
            Arc::clone(&self.component),
            self.outbound.clone(),
            KeyValue::new(self.database.clone(), Arc::clone(&self.key_value_stores)),
            Arc::clone(&self.variables),
        );
        let mut store = Store::new(&self.engine, state);
        // An instance that computes keeps its thread.
        store.set_epoch_deadline(u64::MAX / 2);
        let service = self.pre.instantiate_async(&mut store).await?;
        let request_timeout = self.request_timeout.unwrap_or(Duration::MAX);
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: State::inbound,
            expiration: Expiration {
                request_timeout,
                timer: Box::pin(sleep(Duration::MAX)),
            },
            state: Reuse {
                component: Arc::clone(&self.component),
                request_timeout,
            },
        })
    }
}

pub struct Reuse {
    component: Arc<str>,
    request_timeout: Duration,
}

impl WorkerState for Reuse {
    type StoreData = State;
    type RequestData = ();

    fn should_accept_request(&self, at_once: usize, total: usize) -> ShouldAccept {
        if total >= REUSES {
            ShouldAccept::Never
        } else if at_once >= AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, State>,
        (): (),
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(sleep(self.request_timeout))
    }

    fn drop(&self, _store: Store<State>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            eprintln!("an instance of {} failed: {error:#}", self.component);
        }
    }
}

pub struct Expiration {
    request_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE,
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.request_timeout,
        };
        let Some(end) = start.checked_add(limit) else {
            return Poll::Pending;
        };
        if self.timer.deadline() != end.into() {
            self.timer.as_mut().reset(end.into());
        }
        self.timer.as_mut().poll(cx)
    }
}
