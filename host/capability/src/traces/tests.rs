//! Which spans there are, and within which others, with a tracer that only notes them.

use std::time::Instant;

use concept_refinement_domain::capability::{Claimed, Lease};
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::samples::new_task;
use parking_lot::Mutex;

use super::*;

const NOW: Timestamp = Timestamp(5_000_000);

const REQUEST: TraceContext = TraceContext {
    trace_id: [7; 16],
    span_id: [255; 8],
    is_sampled: true,
};

/// Name, parent and link of each span, in the order in which they ended, by the number
/// that is the span's id.
#[derive(Default)]
struct Notes(Mutex<(u8, Vec<Noted>)>);

type Noted = (u8, String, Option<u8>, Option<u8>, Option<String>);

struct Tracing(Arc<Notes>);

struct Noting {
    notes: Arc<Notes>,
    number: u8,
    start: Start,
    error: Option<String>,
}

impl Tracer for Tracing {
    fn start(&self, start: Start) -> Box<dyn OpenSpan> {
        let notes = Arc::clone(&self.0);
        let mut noted = notes.0.lock();
        noted.0 += 1;
        Box::new(Noting {
            notes: Arc::clone(&notes),
            number: noted.0,
            start,
            error: None,
        })
    }
}

impl OpenSpan for Noting {
    fn context(&self) -> Option<TraceContext> {
        Some(TraceContext {
            span_id: [self.number; 8],
            ..REQUEST
        })
    }

    fn rename(&mut self, name: Cow<'static, str>) {
        self.start.name = name;
    }

    fn set(&mut self, _: &'static str, _: Value) {}

    fn fail(&mut self, error: Cow<'static, str>) {
        self.error = Some(error.into_owned());
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        let number = |context: Option<TraceContext>| context.map(|context| context.span_id[0]);
        let noted = (
            self.number,
            self.start.name.to_string(),
            number(self.start.parent),
            number(self.start.link),
            self.error.take(),
        );
        self.notes.0.lock().1.push(noted);
    }
}

fn claimed(attempt: u32, trace: Option<TraceContext>) -> Claimed {
    Claimed {
        lease: Lease {
            task_id: "ada".into(),
            attempt,
            until: Timestamp::from_secs(2),
            renew_after: 1,
        },
        task: new_task("ada").created(Timestamp::from_secs(1)),
        payment: Payment::default(),
        is_takeover: false,
        trace,
    }
}

#[test]
fn an_attempt_has_its_stages_and_they_have_their_calls() {
    let notes = Arc::<Notes>::default();
    let traces = Traces::to(Arc::new(Tracing(Arc::clone(&notes))));
    let now = Instant::now();
    let attempt = Attempt::begin(&traces, &claimed(1, Some(REQUEST)), now, NOW);
    attempt.stage(Stage::Downloading);
    attempt.stage(Stage::Refining);
    drop(attempt.start("model", Kind::Client));
    attempt.end("failed", Some("refining"));
    drop(attempt);
    let failed = Some("refining".to_owned());
    let expected: [Noted; 6] = [
        (2, "queue".into(), Some(255), None, None),
        (3, "claim".into(), Some(1), None, None),
        (4, "downloading".into(), Some(1), None, None),
        (6, "model".into(), Some(5), None, None),
        (5, "refining".into(), Some(1), None, failed.clone()),
        (1, "attempt".into(), Some(255), None, failed),
    ];
    assert_eq!(notes.0.lock().1, expected);
}

#[test]
fn a_later_attempt_is_linked_to_the_request_and_ends_with_its_last_clone() {
    let notes = Arc::<Notes>::default();
    let traces = Traces::to(Arc::new(Tracing(Arc::clone(&notes))));
    for trace in [Some(REQUEST), None] {
        *notes.0.lock() = Default::default();
        let attempt = Attempt::begin(&traces, &claimed(2, trace), Instant::now(), NOW);
        let clone = attempt.clone();
        drop(attempt);
        assert_eq!(notes.0.lock().1.len(), 1);
        drop(clone);
        let of = trace.map(|_| 255);
        let expected: [Noted; 2] = [
            (2, "claim".into(), Some(1), None, None),
            (1, "attempt".into(), of, of, None),
        ];
        assert_eq!(notes.0.lock().1, expected);
    }
}

#[test]
fn without_a_tracer_there_is_nothing() {
    let attempt = Attempt::begin(
        &Traces::default(),
        &claimed(1, Some(REQUEST)),
        Instant::now(),
        NOW,
    );
    attempt.stage(Stage::Downloading);
    let mut span = attempt.start("model", Kind::Client);
    span.rename(|| panic!("nothing is named"));
    assert_eq!(span.context(), None);
    attempt.end("completed", None);
}
