//! Records which call of an instance answers which request, so that the call's host
//! operations become part of the request's trace. An instance answers many requests at a
//! time, and its component does not know about traces.

use std::collections::HashMap;
use std::sync::Arc;

use concept_refinement_domain::trace::TraceContext;
use parking_lot::Mutex;
use wasmtime::AsContextMut as _;
use wasmtime::component::GuestTaskId;

use super::Caller;

/// The traced requests of one instance.
#[derive(Clone, Debug, Default)]
pub struct TracedRequests(Arc<Mutex<HashMap<GuestTaskId, TraceContext>>>);

/// A call that answers a traced request, until this is dropped.
pub struct TracedCall {
    requests: TracedRequests,
    call: GuestTaskId,
}

impl TracedRequests {
    /// The call answers this request.
    pub fn begin(&self, call: GuestTaskId, context: TraceContext) -> TracedCall {
        self.0.lock().insert(call, context);
        TracedCall {
            requests: self.clone(),
            call,
        }
    }
}

impl Drop for TracedCall {
    fn drop(&mut self) {
        self.requests.0.lock().remove(&self.call);
    }
}

/// The context of the request that the calling guest answers. None: it is not traced.
pub fn request_of(caller: &Caller) -> Option<TraceContext> {
    caller.with(|mut access| {
        let requests = access.get().requests.clone();
        let requests = requests.0.lock();
        if requests.is_empty() {
            return None;
        }
        let mut store = access.as_context_mut();
        let mut calls = store.async_call_stack().ok()?;
        calls.find_map(|call| requests.get(&call).copied())
    })
}
