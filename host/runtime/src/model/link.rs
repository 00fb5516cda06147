//! `image-model`, as linked into the processor.

use std::sync::Arc;

use concept_refinement_capability::health::Verdict;
use concept_refinement_capability::model::ModelError;
use tokio::task::yield_now;

use super::convert;
use crate::links::granted;
use crate::wasm::bindings::capabilities::concept::refinement::image_model as wit;
use crate::wasm::bindings::capabilities::concept::refinement::image_model::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn refine(
        caller: &Caller,
        request: wit::Request,
    ) -> wasmtime::Result<Result<wit::Answer, wit::Error>> {
        let (host, requester, redaction, request) = caller.with(|mut access| {
            let host = access.get().capabilities()?;
            let sandbox = access.get();
            let context = convert::CallContext {
                retry_later: sandbox.retry_later.clone(),
                payments: sandbox.payments.clone(),
                deadline: None,
            };
            let request = convert::request(request, context, &mut access)?;
            let sandbox = access.get();
            let redaction = Arc::clone(&sandbox.grants.redaction);
            wasmtime::error::Ok((host, sandbox.requester, redaction, request))
        })?;
        // Otherwise the first poll would run on the stack of the guest, which keeps every
        // page that was ever used.
        yield_now().await;
        let mut answer = host.model.refine(request).await;
        // The processor stores and cuts it, and half of a secret would not be found.
        match &mut answer {
            Ok(answer) => {
                for note in &mut answer.notes {
                    *note = redaction.apply_for_users(note);
                }
            }
            Err(error) => {
                let reason = error.reason_mut();
                *reason = redaction.apply_for_users(reason);
            }
        }
        let verdict = match &answer {
            Ok(_) | Err(ModelError::Refused(_)) => Verdict::Works,
            Err(ModelError::Unauthorized(_)) => Verdict::KeyRefused,
            Err(ModelError::Unknown(_)) => Verdict::Fails,
            Err(ModelError::Unavailable { is_rate_limit, .. }) => match is_rate_limit {
                true => Verdict::RateLimit,
                false => Verdict::Fails,
            },
            Err(ModelError::Broken(_)) => Verdict::Crashes,
        };
        host.model_called(verdict, requester);
        Ok(match answer {
            Ok(answer) => Ok(convert::answer(answer, caller)?),
            Err(error) => Err(error.into()),
        })
    }

    async fn describe(caller: &Caller) -> wasmtime::Result<String> {
        let host = granted(caller)?;
        Ok(host.model.describe().to_owned())
    }
}
