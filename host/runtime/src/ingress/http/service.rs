//! Requests that another server received, for example that of an embedding program.
//!
//! They have the same checks and limits as those of our own connections, except for what
//! only a connection can limit: the time for headers, and the number of connections.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::cores::Cores;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use super::HttpTrigger;
use super::connection::Form;
use super::refusal::{ErrorForm, Refusal};

/// Stands for a client of unknown address.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl HttpTrigger {
    /// Answers a request on one of the cores. `client`: the address of the peer; all
    /// requests without one count as the same client's.
    pub async fn answer<B>(
        self: Arc<Self>,
        request: Request<B>,
        client: Option<IpAddr>,
        cores: &Cores,
    ) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let request = request.map(|body| {
            let broken_off = |_| Error::ConnectionTerminated;
            body.map_err(broken_off).boxed_unsync()
        });
        let error_form = ErrorForm::of(request.uri().path());
        let (index, core, load) = cores.least_loaded();
        // Both are held until the answer was read.
        let busy = (self.tracker.token(), load);
        let answer = async move {
            let peer = client.unwrap_or(UNKNOWN);
            let answer = self
                .dispatch
                .answer(request, peer, index, Form::Foreign, busy);
            answer.await
        };
        let answered = AbortOnDropHandle::new(core.runtime().spawn(answer)).await;
        answered.unwrap_or_else(|error| {
            let refusal = match error.is_panic() {
                true => Refusal::InternalError,
                false => Refusal::Stopping,
            };
            refusal.answer(error_form)
        })
    }
}
