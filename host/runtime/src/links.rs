//! Forwards a component's imports to the capabilities. Arguments are converted here, and
//! only here; there is no logic. Spans of traced requests and attempts begin and end here.

pub mod blobs;
mod concepts;
mod convert;
mod health;
mod images;
mod progress;
mod queue;
mod settings;
mod tasks;
mod webhooks;

use std::sync::Arc;

use concept_refinement_capability::Capabilities;

use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::Caller;

/// The answer of a capability; the outer error ends the instance.
type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

/// Methods that only call a capability, one line each: its answer is converted.
macro_rules! forward {
    (
        |$host:ident|
        $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty = $call:expr;)+
    ) => { $(
        async fn $method(caller: &Caller, $($argument: $type),*) -> $crate::links::Answer<$answer> {
            let $host = $crate::links::granted(caller)?;
            Ok($call.await.convert())
        }
    )+ };
}
use forward;

/// The capabilities that the caller was granted.
pub fn granted(caller: &Caller) -> wasmtime::Result<Arc<Capabilities>> {
    caller.with(|mut access| access.get().capabilities())
}
