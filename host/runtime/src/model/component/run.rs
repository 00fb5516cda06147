//! Runs one call of a link, from instantiation to the last byte of its answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use concept_refinement_capability::model::{ModelAnswer, ModelError};
use concept_refinement_domain::payment::NOT_ASKED_TWICE;
use tokio::sync::{oneshot, watch};
use tokio::time::error::Elapsed;

use super::answer::Reading;
use super::link::Link;
use super::next::Next;
use super::own_time::within;
use super::request;
use crate::model::component::answer;
use crate::model::memory::{Admitted, Meter, Try};
use crate::model::output::Output;
use crate::model::paid_call::PaidCall;
use crate::model::replay::Replay;
use crate::wasm::bounds;
use crate::wasm::sandbox::Sandbox;

/// The outcome of one try of a call.
type Tried = Try<Result<ModelAnswer, ModelError>>;

/// Where to send the outcome of a call, once.
type Answer = oneshot::Sender<Tried>;

/// Runs a call of a model or a chain. `behind`: the meter of a link behind a middleware, whose
/// call is a part of the whole.
pub async fn call(
    link: Arc<Link>,
    request: Replay,
    answer: Answer,
    admitted: Arc<Admitted>,
    behind: Option<Meter>,
) {
    let is_whole = behind.is_none();
    let meter = Arc::new(behind.unwrap_or_else(|| admitted.meter()));
    let mut answer = Some(answer);
    let ended = run(&link, &request, &mut answer, &admitted, meter, is_whole).await;
    // At this point its instances are gone.
    drop(admitted);
    if is_whole && matches!(ended, Some(Try::PutOff)) {
        tracing::info!("there is no memory for the model's instance at the moment");
    }
    if let (Some(ended), Some(answer)) = (ended, answer) {
        let _ = answer.send(ended);
    }
}

/// None: it ended after it had already answered. `is_whole`: it is no link behind a middleware.
async fn run(
    link: &Arc<Link>,
    request: &Replay,
    answer: &mut Option<Answer>,
    admitted: &Arc<Admitted>,
    meter: Arc<Meter>,
    is_whole: bool,
) -> Option<Tried> {
    let (payments, name) = (request.payments(), link.name());
    if !link.is_middleware() && payments.forbid(name) {
        let reason = NOT_ASKED_TWICE.to_owned();
        return Some(Try::Answered(Err(ModelError::Refused(reason))));
    }
    let output = link.output();
    let printer = Arc::<Output>::clone(&output);
    let mut store = Sandbox::of_model(&link.engine, &link.parts.grants, Some(meter), printer);
    let waits = watch::Sender::new(false);
    let paid_call = Arc::new(PaidCall::new(
        payments,
        name,
        link.is_middleware() || !link.computes_only(),
        request.key(name),
        (!link.is_middleware()).then(|| waits.clone()),
    ));
    if let Err(lost) = paid_call.begin().await {
        return Some(Try::Answered(Err(ModelError::Refused(lost.to_string()))));
    }
    store.data_mut().count(Arc::clone(&paid_call));
    let mut span = link.start_span(&request.payments());
    store.data_mut().grants.egress.trace(span.context());
    let next = link
        .is_middleware()
        .then(|| Next::of(link, admitted, request, waits.clone()));
    if let Some(next) = &next {
        store.data_mut().set_next(Arc::clone(next));
    }
    let start = Instant::now();
    let ended = {
        // Pinned in place: passing this large future through functions would reserve its
        // size again in the frame of each of them.
        let run = pin!(async {
            let model = link.pre.instantiate(&mut store).await?;
            store
                .run_concurrent(async |accessor| {
                    let request = accessor.with(|mut access| {
                        request::to_wit(request.request(), &paid_call, &mut access)
                    })?;
                    let refined = model.refine(accessor, request).await?;
                    let (refined, reading) =
                        accessor.with(|mut access| answer::from_wit(refined, &mut access))?;
                    if let Err(error) = &refined {
                        span.fail(error.outcome());
                    }
                    paid_call
                        .answered(refined.as_ref().err(), start.elapsed())
                        .await;
                    if let Some(answer) = answer.take() {
                        // Only the answer of the whole call matters to those who wait for it.
                        if is_whole {
                            admitted.answered();
                        }
                        let refined = match &next {
                            Some(next) => next.judged(refined),
                            None => refined,
                        };
                        // The caller may be gone; then the instance ends with this call.
                        let _ = answer.send(Try::Answered(refined));
                    }
                    if let Some(Reading { begun, drained }) = reading {
                        // The reader may be waiting for space, which does not count as
                        // the model's time.
                        waits.send_replace(true);
                        let _ = begun.await;
                        waits.send_replace(false);
                        let _ = drained.await;
                    }
                    wasmtime::error::Ok(())
                })
                .await?
        });
        let mut run = pin!(within(link.parts.limit, waits.subscribe(), run));
        let ended = tokio::select! {
            biased;
            ended = &mut run => Some(ended),
            () = admitted.ended() => None,
        };
        let is_complete = matches!(ended, Some(Ok(Ok(()))));
        if !is_complete && admitted.has_ended() && admitted.has_answered() {
            // This has to happen before the answer breaks off.
            paid_call.lacked_memory().await;
            request.retry_later().set();
        }
        ended
    };
    // The reader sees the end of the answer once the instance is dropped; what it printed
    // is reported before that.
    let lacked_memory = store.data().lacked_memory();
    let ended = outcome(ended, link, admitted, &output, lacked_memory);
    drop(store);
    if let Some(next) = next {
        next.ended().await;
    }
    match &ended {
        Some(Try::Answered(Err(error))) => {
            span.fail(error.outcome());
            paid_call.answered(Some(error), start.elapsed()).await;
        }
        Some(Try::PutOff) => {
            span.fail("memory");
            paid_call.put_off();
        }
        Some(Try::Answered(Ok(_))) | None => {}
    }
    ended
}

fn outcome(
    ended: Option<Result<wasmtime::Result<()>, Elapsed>>,
    link: &Link,
    admitted: &Admitted,
    output: &Output,
    lacked_memory: bool,
) -> Option<Tried> {
    output.end();
    let problem = match ended {
        Some(Ok(Ok(()))) => return None,
        Some(_) if admitted.has_ended() => return Some(Try::PutOff),
        None => return Some(Try::PutOff),
        Some(Ok(Err(error))) => {
            let problem = match bounds::are_exceeded(&error) {
                true => "the model crashed: it asked the host to hold more for it than it may",
                false => "the model crashed",
            };
            tracing::debug!(error = format!("{error:#}"), "the model trapped");
            let limit = lacked_memory.then_some(link.parts.grants.max_memory);
            output.crashed(&error, limit);
            problem.to_owned()
        }
        Some(Err(_)) => {
            let (model, limit) = (link.name(), link.parts.limit);
            tracing::error!(model, ?limit, "the model did not answer in time");
            let seconds = limit.as_secs_f32();
            format!("the model did not answer within {seconds} seconds")
        }
    };
    Some(Try::Answered(Err(ModelError::Broken(problem))))
}
