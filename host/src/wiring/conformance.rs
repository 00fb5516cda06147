//! Tests whether a model component keeps the promises of the interface `image-model`.
//!
//! It runs the component as the service does, with the same limits and grants, and checks
//! every answer as the pipeline would. A model may refuse what it cannot do, but must not
//! crash, hang, or answer with anything that is not an image. A model that uses a
//! provider also does so here, and pays for it.

mod cases;
mod heard;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::model::{ImageModel, ModelRequest};
use concept_refinement_capability::payments::Payments;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::task::Refinement;
use concept_refinement_runtime::egress::{Network, resolver};
use concept_refinement_runtime::wasm::engine::Tell;
use futures::future::join_all;

use crate::config::Config;
use crate::wiring::compiled::{Pipeline, compile, pool};
use crate::wiring::pipeline::Parts;
use crate::wiring::{Components, capabilities, grants};
use cases::{Case, PICTURES, PROMPT, cases};
use heard::Heard;
use verdict::Judge;

/// Number of concurrent calls in the tests that need several.
const AT_ONCE: usize = 8;

/// Limit of instances: as many again, since those of earlier calls may not be gone yet.
const INSTANCES: usize = 2 * AT_ONCE;

/// Tests the configured model, and reports the result of each case as soon as it is
/// known: its input, what the model did or what is wrong with that, and the lines that
/// it printed. `tell` gets messages about slow steps.
///
/// # Errors
///
/// The host cannot run any model. Problems of this model are reported instead.
pub async fn test(
    config: &Config,
    components: &Components,
    cache: Option<PathBuf>,
    tell: Tell,
    mut report: impl FnMut(&str, Result<String, String>, &[String]),
) -> anyhow::Result<()> {
    let heard = Arc::<Heard>::default();
    let mut found = |name: &str, result| {
        let (result, lines) = heard.with(result);
        report(name, result, &lines);
    };
    // A call has one instance of each link on its path.
    let pool = pool(INSTANCES.saturating_mul(config.model.depth()), config)?;
    let (components, model) = (components.clone(), config.model.clone());
    let compiled = compile(pool, cache, Some(tell), move |engine| {
        Pipeline::new(engine, &components, &model)
    })
    .await;
    let network = Network::new(resolver::system(), &config.trust)?;
    let judge = Judge::new(config);
    let blobs = grants::blobs(config, None, &Arc::default());
    let loaded = match &compiled {
        Ok(compiled) => {
            let heard = Arc::clone(&heard) as _;
            let parts = Parts::new(config, compiled, &network, &blobs)?;
            parts.model(None, None, heard).await
        }
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    let model = match loaded {
        Ok(model) => model,
        Err(error) => {
            found("the interface", Err(format!("{error:#}")));
            return Ok(());
        }
    };
    found("the interface", Ok("it exports image-model".to_owned()));
    found("its description", judge.description(model.describe()));

    let mut refined = 0;
    for case in cases() {
        let answer = model.refine(case.request()).await;
        let is_image = answer.is_ok();
        let result = match case.is_whole {
            true => judge.answer(answer).await,
            false => judge.ending(answer).await,
        };
        refined += usize::from(case.is_good && is_image && result.is_ok());
        found(&case.name, result);
    }
    found(
        "a good image is refined",
        match refined {
            0 => Err("it refused all of them".to_owned()),
            refined => Ok(format!("{refined} of {} were", PICTURES.len())),
        },
    );
    found("eight at a time", many(&judge, &model).await);
    found("a caller that leaves", left(&judge, &model).await);
    let result = interrupted(config, &judge, &model).await;
    found("an end after a receipt", result);
    Ok(())
}

/// Concurrent calls have to get separate answers.
async fn many(judge: &Judge<'_>, model: &Arc<dyn ImageModel>) -> Result<String, String> {
    let calls = (0..AT_ONCE).map(async |_| {
        let request = Case::good(&PICTURES[0]).request();
        judge.answer(model.refine(request).await).await
    });
    let answers: Result<Vec<_>, _> = join_all(calls).await.into_iter().collect();
    answers.map(|answers| format!("{} answers", answers.len()))
}

/// A caller that stops reading an answer must not affect others.
async fn left(judge: &Judge<'_>, model: &Arc<dyn ImageModel>) -> Result<String, String> {
    drop(model.refine(Case::good(&PICTURES[0]).request()).await);
    let request = Case::good(&PICTURES[0]).request();
    judge.answer(model.refine(request).await).await
}

/// A call that was ended after it had stored a receipt must continue from it.
async fn interrupted(
    config: &Config,
    judge: &Judge<'_>,
    model: &Arc<dyn ImageModel>,
) -> Result<String, String> {
    let (task_id, payments) = claimed(config, model)
        .await
        .map_err(|error| format!("{error:#}"))?;
    let request = || ModelRequest {
        task_id: task_id.clone(),
        payments: payments.clone(),
        ..Case::good(&PICTURES[0]).request()
    };
    tokio::select! {
        biased;
        () = payments.wait_for_receipt() => {}
        answer = model.refine(request()) => {
            judge.answer(answer).await?;
            return Ok("it keeps none".to_owned());
        }
    }
    let again = judge.answer(model.refine(request()).await).await?;
    Ok(format!("by its receipt: {again}"))
}

/// A claimed task, in a store of its own.
async fn claimed(
    config: &Config,
    model: &Arc<dyn ImageModel>,
) -> anyhow::Result<(String, Payments)> {
    let clock = Arc::new(SystemClock);
    let host = capabilities::in_memory(config, Arc::clone(model), clock)?;
    let task = NewTask::new(
        uuid::Uuid::now_v7().to_string(),
        "model test",
        Refinement::new("https://example.com/image.png", PROMPT),
    );
    let id = task.id.clone();
    host.tasks().submit(task).await?;
    let claimed = host.leases().claim(&id, None).await?;
    let claimed = claimed.context("the task cannot be claimed")?;
    let payments = host.payments(&claimed, Arc::new(Tokio::default()), Attempt::default());
    Ok((id, payments))
}
