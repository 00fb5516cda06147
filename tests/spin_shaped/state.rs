//! What one instance of a component has: an empty WASI, what Spin links besides,
//! and nothing of any other component.

use std::sync::Arc;

use http::HeaderName;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView,
};

use crate::bindings::spin::variables::variables;
use crate::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::keyvalue::{HasKeyValue, KeyValue};
use crate::outbound::{Outbound, Sent};
use crate::variables::{Granted, HasVariables};

/// The data of one store.
pub struct State {
    component: Arc<str>,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    inbound: Inbound,
    keyvalue: KeyValue,
    variables: Arc<Granted>,
}

impl State {
    pub fn new(
        component: Arc<str>,
        outbound: Outbound,
        keyvalue: KeyValue,
        variables: Arc<Granted>,
    ) -> Self {
        // Standard output is this host's own.
        let wasi = WasiCtxBuilder::new()
            .stdout(wasmtime_wasi::cli::stderr())
            .stderr(wasmtime_wasi::cli::stderr())
            .build();
        Self {
            component,
            table: ResourceTable::new(),
            wasi,
            http: WasiHttpCtx::new(),
            outbound,
            inbound: Inbound,
            keyvalue,
            variables,
        }
    }

    pub fn component(&self) -> &str {
        &self.component
    }

    pub fn variables(&self) -> &Granted {
        &self.variables
    }

    /// For requests that come in.
    pub fn inbound(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.inbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// With the wasmtime of Spin a request keeps the headers that a component may
/// not set, Host first of all; with a newer one it loses them.
struct Inbound;

impl WasiHttpHooks for Inbound {
    fn is_forbidden_header(&mut self, _name: &HeaderName) -> bool {
        false
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|_| false)
    }

    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}

/// What a component may import. Spin has more: WASI's HTTP of 0.2, its own
/// interfaces and their older versions; nothing is here that is not there.
pub fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    let http = <State as WasiHttpView>::http;
    wasmtime_wasi_http::p3::bindings::http::client::add_to_linker::<_, wasmtime_wasi_http::WasiHttp>(
        &mut linker,
        http,
    )?;
    wasmtime_wasi_http::p3::bindings::http::types::add_to_linker::<_, wasmtime_wasi_http::WasiHttp>(
        &mut linker,
        http,
    )?;
    store::add_to_linker::<_, HasKeyValue>(&mut linker, |state| &mut state.keyvalue)?;
    batch::add_to_linker::<_, HasKeyValue>(&mut linker, |state| &mut state.keyvalue)?;
    atomics::add_to_linker::<_, HasKeyValue>(&mut linker, |state| &mut state.keyvalue)?;
    variables::add_to_linker::<_, HasVariables>(&mut linker, |state| state)?;
    Ok(linker)
}
