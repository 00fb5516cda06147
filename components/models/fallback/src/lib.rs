//! Calls the first model, and if it is unavailable the next one: that is, if it cannot be
//! reached, does not answer in time or properly, crashes, or reports overload. If a model
//! refuses for any other reason, including a refused key, the refusal is the answer.
//!
//! A model that keeps failing is called after all others, except for occasional probes:
//! the rule is in [`circuit`](concept_refinement_domain::circuit).

#![allow(async_fn_in_trait, reason = "components have one thread")]

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use concept_refinement_domain::circuit::{Circuit, Verdict};
use concept_refinement_domain::timestamp::Timestamp;

/// Most attempts to save a circuit that other calls change at the same time.
const TRIES: usize = 4;

/// The models, and the stored circuit of each.
pub trait Ports {
    type Answer;

    async fn count(&self) -> u32;

    /// Whether a model has started work on the request that it can resume.
    async fn has_receipt(&self, index: u32) -> bool;

    /// Calls one model.
    async fn ask(&self, index: u32) -> Result<Self::Answer, Failure>;

    fn now(&self) -> Timestamp;

    async fn circuit(&self, index: u32) -> Circuit;

    /// Replaces a saved circuit. False: it has changed meanwhile.
    async fn save(&self, index: u32, before: Circuit, after: Circuit) -> bool;
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It did not accept the request. Trying again can help.
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
        /// The model limits our rate.
        is_rate_limit: bool,
    },
    /// It did not answer in time, or crashed: trying again would cost as much and fail
    /// the same way.
    Broken(String),
    /// It is unknown whether the request was accepted. Trying again can help.
    Unknown(String),
    /// A refusal that is not the model's fault.
    Refused(String),
    /// It refuses the key.
    Unauthorized(String),
}

impl Failure {
    /// Whether this failure shows that the model works.
    fn is_answer(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Unauthorized(_) => true,
            Self::Unavailable { .. } | Self::Broken(_) | Self::Unknown(_) => false,
        }
    }
}

/// Describes the models in the order in which they are called.
pub fn description(models: &[String]) -> String {
    let mut description = "Asks the next model when one cannot answer.".to_owned();
    for (place, model) in models.iter().enumerate() {
        let begin = if place == 0 { "First" } else { "Then" };
        description.push_str(&format!(" {begin}: {model}"));
    }
    description
}

/// Calls one model after the other until one answers or refuses.
pub async fn refine<P: Ports>(ports: &P) -> Result<P::Answer, Failure> {
    let mut failures = Vec::new();
    let mut models = VecDeque::new();
    for index in 0..ports.count().await {
        // Work that has started is paid for, so that model comes first, whatever its circuit says.
        match ports.has_receipt(index).await {
            true => models.push_front((index, true)),
            false => models.push_back((index, false)),
        }
    }
    while let Some((index, is_last)) = models.pop_front() {
        if !is_last && !may_ask(ports, index).await {
            models.push_back((index, true));
            continue;
        }
        match asked(ports, index).await {
            Ok(answer) => return Ok(answer),
            Err(failure) if failure.is_answer() => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    Err(together(failures))
}

/// Whether the model may be called in its usual order.
async fn may_ask(ports: &impl Ports, index: u32) -> bool {
    let circuit = ports.circuit(index).await;
    match circuit.verdict(ports.now()) {
        Verdict::Ask => true,
        // Of several concurrent calls, only the one that saves the circuit probes.
        Verdict::Probe(probed) => ports.save(index, circuit, probed).await,
        Verdict::Last => false,
    }
}

async fn asked<P: Ports>(ports: &P, index: u32) -> Result<P::Answer, Failure> {
    let answer = ports.ask(index).await;
    let is_well = answer.as_ref().err().is_none_or(Failure::is_answer);
    for _ in 0..TRIES {
        let before = ports.circuit(index).await;
        let after = match is_well {
            true => before.succeeded(),
            false => before.failed(ports.now()),
        };
        if before == after || ports.save(index, before, after).await {
            break;
        }
    }
    answer
}

/// Combines the failures of all models. Trying again can help if it can help with each of
/// them, and as soon as with any of them. If one may have accepted the request, it is
/// unknown whether it was accepted.
fn together(failures: Vec<Failure>) -> Failure {
    let mut reasons: Vec<String> = Vec::new();
    let mut waits = Vec::new();
    let mut is_broken = failures.is_empty();
    let mut is_limited = true;
    let mut is_unknown = false;
    for failure in failures {
        let reason = match failure {
            Failure::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            } => {
                waits.push(retry_after);
                is_limited &= is_rate_limit;
                reason
            }
            Failure::Unknown(reason) => {
                is_unknown = true;
                reason
            }
            Failure::Broken(reason) | Failure::Refused(reason) | Failure::Unauthorized(reason) => {
                is_broken = true;
                reason
            }
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let reason = match reasons.is_empty() {
        true => "there is no model to ask".to_owned(),
        false => reasons.join("; "),
    };
    match (is_broken, is_unknown) {
        (true, _) => Failure::Broken(reason),
        (false, true) => Failure::Unknown(reason),
        (false, false) => Failure::Unavailable {
            reason,
            retry_after: waits.into_iter().min().flatten(),
            is_rate_limit: is_limited,
        },
    }
}
