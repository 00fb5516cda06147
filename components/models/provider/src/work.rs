//! Work that a provider has accepted, and that is polled until it has ended.
//!
//! It is paid for, so it is asked for again whenever that is possible: its receipt says how.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::outcome::Error;
use crate::persistence::persistently;
use crate::ports::Ports;
use crate::question::Question;

/// Polling interval.
const PAUSE: Duration = Duration::from_millis(500);

/// The state of work.
#[derive(Debug, PartialEq, Eq)]
pub enum Stage {
    Running,
    Ended(Outcome),
}

/// The outcome of work.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Answer(Answer),
    /// It ended without a usable image.
    Failed(Error),
    /// It was stopped, or its image was removed, or it is no longer known.
    Gone(Error),
}

impl Outcome {
    /// The provider no longer has it, for this reason.
    pub fn gone(reason: &str) -> Self {
        Self::Gone(Error::refused(reason))
    }

    /// The answer of work that this call requested. An error: there is none.
    pub fn answer(self) -> Result<Answer, Error> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Failed(error) | Self::Gone(error) => Err(error),
        }
    }

    /// The answer of work that an earlier call requested, for the same task or for a failed
    /// one that an operator retries. None: the work is given up, and new work is to be
    /// requested. An error: no other work may be requested.
    pub async fn earlier_answer(
        self,
        ports: &impl Ports,
        is_same_task: bool,
    ) -> Result<Option<Answer>, Error> {
        match self {
            Self::Answer(answer) => Ok(Some(answer)),
            Self::Failed(error) if is_same_task => Err(error),
            Self::Failed(_) | Self::Gone(_) => {
                ports.give_up().await?;
                Ok(None)
            }
        }
    }
}

/// Polls work until it has ended. An error: the provider refuses to tell of it.
pub async fn outcome(
    ports: &impl Ports,
    mut look: impl AsyncFnMut() -> Result<Stage, Error>,
) -> Result<Outcome, Error> {
    loop {
        let stage = persistently(ports, &mut look).await;
        let stage = stage.map_err(|error| match error {
            // The key was valid when the work was accepted.
            Error::Unauthorized(reason) => Error::Refused(reason),
            error => error,
        })?;
        match stage {
            Stage::Running => ports.sleep(PAUSE).await,
            Stage::Ended(outcome) => return Ok(outcome),
        }
    }
}

/// What is stored about work: JSON of at most 4 KiB (`wit/receipts.wit`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Receipt<W> {
    /// How the work is found.
    #[serde(flatten)]
    pub work: W,
    /// The task that asked for it. That of another one belongs to a failed task, which an
    /// operator retries.
    #[serde(default)]
    pub task: Option<String>,
    /// URL of its output, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl<W: DeserializeOwned + Serialize> Receipt<W> {
    pub fn new(work: W, task: &str) -> Self {
        Self {
            work,
            task: Some(task.to_owned()),
            output: None,
        }
    }

    /// None: there is none, or it is in another format.
    pub fn of(bytes: Option<&[u8]>) -> Option<Self> {
        serde_json::from_slice(bytes?).ok()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether this task asked for the work.
    pub fn is_of(&self, task: &str) -> bool {
        self.task.as_deref() == Some(task)
    }

    /// Stores it.
    pub async fn keep(&self, ports: &impl Ports) {
        ports.keep(&self.to_bytes()).await;
    }

    /// Stores the URL of the output as well, for this task, if there is one now.
    pub async fn keep_output(mut self, ports: &impl Ports, task: &str, outcome: &Outcome) {
        if let Outcome::Answer(Answer::Location(url)) = outcome {
            self.task = Some(task.to_owned());
            self.output = Some(url.clone());
            self.keep(ports).await;
        }
    }
}

/// A single request, whose work has no name: only its output can be found again.
#[derive(Deserialize, Serialize)]
struct SingleRequest {}

/// The output of a single request that an earlier call sent, for the same task or for a failed
/// one that an operator retries. None: there is none. A receipt without an output is that of
/// another provider, whose work is given up. An error: no other work may be requested.
pub async fn earlier_output(
    ports: &impl Ports,
    question: &Question,
) -> Result<Option<Answer>, Error> {
    let Some(bytes) = question.receipt.as_deref() else {
        return Ok(None);
    };
    let output = Receipt::<SingleRequest>::of(Some(bytes)).and_then(|receipt| receipt.output);
    if output.is_none() {
        ports.give_up().await?;
    }
    Ok(output.map(Answer::Location))
}

/// Stores the URL of the output of a single request, if it answered one.
pub async fn keep_output(ports: &impl Ports, task: &str, answer: &Answer) {
    if let Answer::Location(url) = answer {
        let receipt = Receipt {
            output: Some(url.clone()),
            ..Receipt::new(SingleRequest {}, task)
        };
        receipt.keep(ports).await;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
    struct Job {
        id: String,
    }

    #[test]
    fn a_receipt_is_read_as_it_was_kept() {
        let receipt = Receipt::new(
            Job {
                id: "gm3q".to_owned(),
            },
            "5e1f",
        );
        let ended = Receipt {
            output: Some("https://cdn.example/1.png".to_owned()),
            ..receipt.clone()
        };
        let earlier = Receipt {
            task: None,
            ..receipt.clone()
        };
        for (receipt, json, is_of) in [
            (receipt, r#"{"id":"gm3q","task":"5e1f"}"#, true),
            (
                ended,
                r#"{"id":"gm3q","task":"5e1f","output":"https://cdn.example/1.png"}"#,
                true,
            ),
            (earlier, r#"{"id":"gm3q"}"#, false),
        ] {
            if is_of {
                assert_eq!(receipt.to_bytes(), json.as_bytes());
            }
            assert_eq!(receipt.is_of("5e1f"), is_of);
            assert_eq!(Receipt::of(Some(json.as_bytes())), Some(receipt));
        }
        for odd in [&b""[..], b"{}", br#"{"id":7}"#, b"\xff"] {
            assert_eq!(Receipt::<Job>::of(Some(odd)), None, "{odd:?}");
        }
        assert_eq!(Receipt::<Job>::of(None), None);
    }

    proptest! {
        #[test]
        fn no_receipt_panics(bytes in any::<Vec<u8>>()) {
            let _ = Receipt::<Job>::of(Some(&bytes));
        }
    }
}
