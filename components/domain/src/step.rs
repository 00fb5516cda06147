//! The story of a task, for operators: what happened to it, when, and on which host.
//!
//! It is stored together with changes of the task that are stored anyway, so a process that
//! dies loses the steps since its last change. Nothing depends on the story, except which
//! tasks are retries of the task: that step is stored with the retry, and outlives others.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sentence::sanitize;
use crate::timestamp::Timestamp;

/// The outcome of a call that a model answered.
pub const ANSWERED: &str = "answered";

/// Most steps of a task.
pub const MAX_STEPS: usize = 64;

/// How many of the first steps are kept: the beginning of a long story is more
/// informative than its middle.
const BEGINNING: usize = 8;

/// Longest detail, in code points.
const MAX_DETAIL_CHARS: usize = 200;

// In the order in which they can first happen.
crate::words! {
    /// The kind of a step.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum StepKind {
        /// It was created.
        Submitted = "submitted",
        /// A worker received its message.
        Delivered = "delivered",
        /// A worker claimed it.
        Claimed = "claimed",
        /// A stage of the pipeline began: the detail.
        Stage = "stage",
        /// A model was called: its name, its answer, and the duration.
        Asked = "asked",
        /// A model stored a receipt: its name.
        Receipt = "receipt",
        /// Its worker gave it back.
        Released = "released",
        /// Its lease expired.
        Lost = "lost",
        /// It has a concept.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// It was cancelled, by its user or an operator.
        Cancelled = "cancelled",
        /// It was retried as another task: the detail.
        Retried = "retried",
        /// An attempt was made to deliver its webhook: its outcome.
        Webhook = "webhook",
    }
}

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The kind.
    pub kind: StepKind,
    /// The host on which it happened, if known.
    pub host: Option<String>,
    /// The number of the claim to which it belongs; 0 before the first one.
    pub attempt: u32,
    /// Details, if there are any.
    pub detail: Option<String>,
}

/// The steps of a task, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

/// The stored form of a step.
type StoredStep<'a> = (Timestamp, Cow<'a, str>, u32, Option<String>, Option<String>);

impl Step {
    /// A step without a host and without a detail.
    pub fn new(kind: StepKind, attempt: u32, at: Timestamp) -> Self {
        Self {
            at,
            kind,
            host: None,
            attempt,
            detail: None,
        }
    }

    /// The same with a detail, which is sanitized; an empty one counts as none.
    #[must_use]
    pub fn with(self, detail: &str) -> Self {
        Self {
            detail: (!detail.is_empty()).then(|| sanitize(detail, MAX_DETAIL_CHARS)),
            ..self
        }
    }
}

impl Steps {
    /// Adds a step in the order of time. If there are too many, the oldest ones after the
    /// beginning are dropped, retries last.
    pub fn push(&mut self, step: Step) {
        let later = self.0.iter().rev().take_while(|other| other.at > step.at);
        let index = self.0.len() - later.count();
        self.0.insert(index, step);
        if self.0.len() > MAX_STEPS {
            let mut middle = self.0.iter().skip(BEGINNING);
            let gone = middle.position(|step| step.kind != StepKind::Retried);
            self.0.remove(BEGINNING + gone.unwrap_or_default());
        }
    }

    /// The link of the model that answered in this attempt: behind a middleware, which
    /// answers later, the one that it asked.
    pub fn answered_by(&self, attempt: u32) -> Option<&str> {
        let mut asked = self.0.iter().filter(|step| step.kind == StepKind::Asked);
        asked.find_map(|step| {
            let (link, outcome) = step.detail.as_deref()?.split_once(": ")?;
            let is_answer = step.attempt == attempt && outcome.starts_with(ANSWERED);
            is_answer.then_some(link)
        })
    }

    /// Names the host on which the steps happened that a store is about to save. Those of
    /// earlier saves have a host already.
    pub fn locate(&mut self, host: &str) {
        for step in &mut self.0 {
            if step.host.is_none() && step.kind.has_own_host() {
                step.host = Some(host.to_owned());
            }
        }
    }

    /// The oldest first. A step of an attempt without a host gets that of the claim.
    pub fn iter(&self) -> impl Iterator<Item = Step> + '_ {
        self.0.iter().map(|step| {
            let is_claim = |it: &&Step| it.kind == StepKind::Claimed && it.attempt == step.attempt;
            let of_claim = || self.0.iter().find(is_claim)?.host.clone();
            Step {
                host: step.host.clone().or_else(of_claim),
                ..step.clone()
            }
        })
    }
}

/// A list of short lists, the oldest first.
impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let steps = self.0.iter();
        let steps = steps.map(|step| (step.at, step.kind, step.attempt, &step.host, &step.detail));
        serializer.collect_seq(steps)
    }
}

/// Steps of kinds that only a later version knows are skipped: no task depends on them.
impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Vec::<StoredStep>::deserialize(deserializer)?;
        let mut steps = Self::default();
        for (at, kind, attempt, host, detail) in stored {
            if let Some(kind) = StepKind::of(&kind) {
                steps.push(Step {
                    at,
                    kind,
                    host,
                    attempt,
                    detail,
                });
            }
        }
        Ok(steps)
    }
}

impl StepKind {
    /// Whether it may happen on another host than the claim of its attempt.
    fn has_own_host(self) -> bool {
        matches!(
            self,
            Self::Submitted | Self::Delivered | Self::Claimed | Self::Webhook
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, kind: StepKind, attempt: u32) -> Step {
        Step::new(kind, attempt, Timestamp::from_secs(seconds))
    }

    #[test]
    fn the_link_that_answered_is_the_one_that_was_asked_last() {
        let told = |details: &[(u32, &str)]| {
            let mut steps = Steps::default();
            for (at, (attempt, detail)) in (1..).zip(details) {
                steps.push(Step::new(StepKind::Asked, *attempt, Timestamp(at)).with(detail));
            }
            steps.answered_by(2).map(str::to_owned)
        };
        for (name, details, expected) in [
            ("nobody", &[][..], None),
            ("one", &[(2, "local: answered, 5 ms")], Some("local")),
            (
                "behind a middleware",
                &[
                    (2, "fast: unavailable, 5 ms"),
                    (2, "good: answered, 6 ms"),
                    (2, "fallback: answered, 11 ms"),
                ],
                Some("good"),
            ),
            (
                "in an earlier attempt",
                &[(1, "fast: answered, 5 ms"), (2, "good: refused, 6 ms")],
                None,
            ),
        ] {
            assert_eq!(told(details).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_story_reads_back_in_the_order_of_time() {
        let mut steps = Steps::default();
        steps.push(at(1, StepKind::Submitted, 0));
        steps.locate("one");
        steps.push(at(3, StepKind::Claimed, 1));
        steps.push(at(2, StepKind::Delivered, 0));
        steps.push(at(4, StepKind::Stage, 1).with("down\nloading"));
        steps.locate("two");
        let json = serde_json::to_string(&steps).unwrap();
        assert_eq!(
            json,
            "[[1000000,\"submitted\",0,\"one\",null],\
             [2000000,\"delivered\",0,\"two\",null],\
             [3000000,\"claimed\",1,\"two\",null],\
             [4000000,\"stage\",1,null,\"down loading\"]]"
        );
        assert_eq!(serde_json::from_str::<Steps>(&json).unwrap(), steps);
        let hosts: Vec<_> = steps.iter().map(|step| step.host).collect();
        let two = Some("two".to_owned());
        assert_eq!(
            hosts,
            [Some("one".to_owned()), two.clone(), two.clone(), two]
        );
    }

    #[test]
    fn a_kind_of_a_later_version_is_skipped() {
        let json = "[[1,\"flown\",0,null,null],[2,\"lost\",1,null,null]]";
        let steps: Steps = serde_json::from_str(json).unwrap();
        let kinds: Vec<_> = steps.iter().map(|step| step.kind).collect();
        assert_eq!(kinds, [StepKind::Lost]);
    }

    #[test]
    fn a_long_story_keeps_its_beginning_and_its_end() {
        let mut steps = Steps::default();
        for second in 0..1_000 {
            steps.push(at(second, StepKind::Claimed, 1));
        }
        let seconds: Vec<_> = steps.iter().map(|step| step.at.as_secs()).collect();
        let expected: Vec<_> = (0..8).chain(1_000 - 56..1_000).collect();
        assert_eq!(seconds, expected);
    }

    #[test]
    fn a_retry_outlives_other_steps() {
        let mut steps = Steps::default();
        for second in 0..9 {
            steps.push(at(second, StepKind::Claimed, 1));
        }
        steps.push(at(9, StepKind::Retried, 1));
        for second in 10..1_000 {
            steps.push(at(second, StepKind::Webhook, 1));
        }
        assert_eq!(steps.iter().count(), MAX_STEPS);
        let mut retries = steps.iter().filter(|step| step.kind == StepKind::Retried);
        assert_eq!(retries.next().map(|step| step.at.as_secs()), Some(9));
    }

    #[test]
    fn a_kind_is_named_alike_everywhere() {
        for kind in StepKind::ALL {
            let json = serde_json::to_value(kind).unwrap();
            assert_eq!(json, serde_json::Value::from(kind.as_str()));
        }
    }
}
