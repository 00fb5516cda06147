//! Asks the first model, and the next one where it cannot be used: it cannot be
//! reached, does not answer in time or properly, crashes, or says that it is overloaded.
//! What a model refuses for another reason is refused, a key that it refuses too.
//!
//! A model that failed again and again is asked after all others, but for a probe now
//! and then: [`circuit`](concept_refinement_domain::circuit) has the rule.

#![allow(
    async_fn_in_trait,
    reason = "an instance runs on one thread: its futures need not be Send"
)]

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(test)]
mod tests;

use std::time::Duration;

use concept_refinement_domain::circuit::{Circuit, Verdict};
use concept_refinement_domain::timestamp::Timestamp;

/// How often a circuit is saved again that another call changed meanwhile.
const TRIES: usize = 4;

/// The models, and what is remembered of each.
pub trait Ports {
    type Answer;

    async fn count(&self) -> u32;

    /// Whether a model has begun to work on it, and can go on.
    async fn has_receipt(&self, index: u32) -> bool;

    /// Asks one model.
    async fn ask(&self, index: u32) -> Result<Self::Answer, Failure>;

    fn now(&self) -> Timestamp;

    async fn circuit(&self, index: u32) -> Circuit;

    /// Saves a circuit in the place of another one. False: it is another one by now.
    async fn save(&self, index: u32, before: Circuit, after: Circuit) -> bool;
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It did not accept the request. A repeat can help.
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
        /// It was asked more than it wants to be.
        is_rate_limit: bool,
    },
    /// It did not answer in time, or crashed: a repeat would cost as much and end alike.
    Broken(String),
    /// Nobody knows whether it accepted the request. A repeat can help.
    Unknown(String),
    /// None of its faults.
    Refused(String),
    /// It wants another key.
    Unauthorized(String),
}

impl Failure {
    /// Whether the model that says so works.
    fn is_answer(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Unauthorized(_) => true,
            Self::Unavailable { .. } | Self::Broken(_) | Self::Unknown(_) => false,
        }
    }
}

/// In the order in which they are asked, by their own descriptions.
pub fn description(models: &[String]) -> String {
    let mut description = "Asks the next model when one cannot answer.".to_owned();
    for (place, model) in models.iter().enumerate() {
        let begin = if place == 0 { "First" } else { "Then" };
        description.push_str(&format!(" {begin}: {model}"));
    }
    description
}

/// Asks one model after the other until one answers or refuses.
pub async fn refine<P: Ports>(ports: &P) -> Result<P::Answer, Failure> {
    let mut failures = Vec::new();
    let mut last = Vec::new();
    let mut models: Vec<u32> = Vec::new();
    for index in 0..ports.count().await {
        // What was begun is paid for.
        match ports.has_receipt(index).await {
            true => models.insert(0, index),
            false => models.push(index),
        }
    }
    for index in models {
        if may_ask(ports, index).await {
            match asked(ports, index).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_answer() => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        } else {
            last.push(index);
        }
    }
    for index in last {
        match asked(ports, index).await {
            Ok(answer) => return Ok(answer),
            Err(failure) if failure.is_answer() => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    Err(together(failures))
}

/// Whether it is asked in its turn.
async fn may_ask(ports: &impl Ports, index: u32) -> bool {
    let circuit = ports.circuit(index).await;
    match circuit.verdict(ports.now()) {
        Verdict::Ask => true,
        // Of those who would probe at the same time, the one that saves it does.
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

/// What all of them said. It can be tried again if that can help with each of them, as
/// soon as it can with one. If one may have accepted it, nobody knows whether all of them
/// together did.
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
