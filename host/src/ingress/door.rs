//! The two ways into the API component: its own `handler`, one call a request,
//! and `wasi:http/handler`, for components that have only that.

use std::sync::Arc;

use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyHandler;

use super::activity::Activity;
use super::handler::Handler;
use super::instances::ApiInstances;
use super::wasi_http::{self, WasiHttp};

pub enum Door {
    Handler(Handler),
    WasiHttp(ProxyHandler<WasiHttp>),
}

/// Why a request has no response.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no instance took the request")]
    Overloaded,
    #[error("the request made no progress")]
    TimedOut,
    #[error("the instance ended")]
    Ended,
    #[error("the response is not valid HTTP")]
    Invalid,
}

impl Door {
    /// The faster one, if the component has it. An error: its `handler` is not
    /// the one that this host calls.
    pub fn of(instances: Arc<ApiInstances>) -> wasmtime::Result<Self> {
        let name = "concept:refinement/handler@0.1.0";
        let component = instances.pre.instance_pre().component();
        if component.get_export_index(None, name).is_some() {
            return Handler::new(instances).map(Self::Handler);
        }
        Ok(Self::WasiHttp(ProxyHandler::new(WasiHttp(instances))))
    }

    /// Starts an instance once: only then are the types of what the component exports
    /// compared. Those of another release have the same names.
    pub async fn check(&self) -> wasmtime::Result<()> {
        match self {
            Self::Handler(handler) => handler.check().await,
            Self::WasiHttp(_) => Ok(()),
        }
    }

    pub fn instances(&self) -> &ApiInstances {
        match self {
            Self::Handler(handler) => handler.instances(),
            Self::WasiHttp(handler) => &handler.state().0,
        }
    }

    pub async fn handle(
        &self,
        activity: Activity,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Failure> {
        match self {
            Self::Handler(handler) => handler.handle(activity, request).await,
            Self::WasiHttp(handler) => wasi_http::handle(handler, activity, request).await,
        }
    }
}
