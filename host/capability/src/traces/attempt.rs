//! The spans of one attempt at a task.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use concept_refinement_domain::capability::Claimed;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use parking_lot::Mutex;

use super::{ATTEMPT, Kind, OUTCOME, Span, Start, TASK, Traces};

/// An attempt at a task, from its claim to its end, with the stage that it is in. It ends
/// with its last clone, unless it was ended before.
#[derive(Clone, Default)]
pub struct Attempt(Option<Arc<Spans>>);

struct Spans {
    traces: Traces,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    whole: Span,
    stage: Span,
    has_ended: bool,
}

impl Attempt {
    /// Begins the spans for a task that was claimed just now, by the clock of its store.
    /// `asked_at`: when its worker requested the claim.
    ///
    /// Every attempt is part of the trace of the request, so that one trace shows the
    /// whole life of a task; later attempts also have a link to it, because they follow
    /// from the end of the previous one.
    pub fn begin(traces: &Traces, claimed: &Claimed, asked_at: Instant, now: Timestamp) -> Self {
        if !traces.are_on() {
            return Self::default();
        }
        let (task, parent) = (&claimed.task, claimed.trace);
        let (attempt, ago) = (claimed.lease.attempt, asked_at.elapsed());
        let mut whole = traces.start(Start {
            link: parent.filter(|_| attempt > 1),
            ago,
            ..Start::within(parent, "attempt", Kind::Consumer)
        });
        whole.set_text(TASK, &task.id);
        whole.set(ATTEMPT, attempt);
        whole.log();
        if attempt == 1 {
            let mut queued = traces.start(Start {
                ago: now.since(task.created_at),
                ..Start::within(parent.or(whole.context()), "queue", Kind::Internal)
            });
            queued.set_text(TASK, &task.id);
        }
        drop(traces.start(Start {
            ago,
            ..Start::within(whole.context(), "claim", Kind::Internal)
        }));
        let state = State {
            whole,
            ..State::default()
        };
        Self(Some(Arc::new(Spans {
            traces: traces.clone(),
            state: Mutex::new(state),
        })))
    }

    /// Begins a stage, which ends the previous one.
    pub fn stage(&self, stage: Stage) {
        if let Some(spans) = &self.0 {
            let mut state = spans.state.lock();
            if state.has_ended {
                return;
            }
            state.stage = Span::default();
            let parent = state.whole.context();
            let start = Start::within(parent, stage.as_str(), Kind::Internal);
            state.stage = spans.traces.start(start);
        }
    }

    /// Begins a span within the current stage. After the end there is none: it would be a
    /// trace of its own.
    pub fn start(&self, name: &'static str, kind: Kind) -> Span {
        let Some(spans) = &self.0 else {
            return Span::default();
        };
        let state = spans.state.lock();
        if state.has_ended {
            return Span::default();
        }
        let parent = state.stage.context().or(state.whole.context());
        spans.traces.start(Start::within(parent, name, kind))
    }

    /// Ends it. `failed`: the stage that failed, or another word for why.
    pub fn end(&self, outcome: &'static str, failed: Option<&'static str>) {
        if let Some(spans) = &self.0 {
            let mut state = spans.state.lock();
            if mem::replace(&mut state.has_ended, true) {
                return;
            }
            if let Some(failed) = failed {
                state.stage.fail(failed);
                state.whole.fail(failed);
            }
            state.whole.set(OUTCOME, outcome);
            // The stage first: it is within the whole.
            state.stage = Span::default();
            state.whole = Span::default();
        }
    }
}
